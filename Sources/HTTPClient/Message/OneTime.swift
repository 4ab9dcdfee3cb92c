import Synchronization

/// A value that is taken at most once.
final class OneTime<Value: Sendable>: Sendable {
  private let value: Mutex<Value?>

  init(_ value: Value?) {
    self.value = Mutex(value)
  }

  func take() -> Value? {
    value.withLock { held in
      defer { held = nil }
      return held
    }
  }
}
