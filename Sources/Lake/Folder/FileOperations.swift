import Dispatch
import Synchronization

/// Runs blocking file operations off the cooperative pool.
///
/// On a dead network mount they never return. So each runs on a thread that nothing else waits for. When its caller is
/// cancelled the operation is abandoned, and undone if it ends after all.
final class FileOperations: Sendable {
  /// Abandoned operations that may be outstanding; beyond that only clean-up is started.
  static let maximumAbandoned = 32

  private let abandoned = Mutex(0)
  /// The folder, for messages.
  private let place: String

  init(place: String) {
    self.place = place
  }

  /// Abandoned operations that have not returned yet.
  var abandonedCount: Int { abandoned.withLock { $0 } }

  /// Runs `work` on `queue`, or on a queue of its own, and returns its result.
  ///
  /// `undo` receives, on the same queue, a result that arrives after the caller was cancelled.
  /// Throws what `work` throws, `CancellationError`, and `LakeError.rootUnavailable` where too many are outstanding.
  func run<Value: Sendable>(
    on queue: DispatchQueue = DispatchQueue(label: "sluice.lake.file"), cleaningUp: Bool = false,
    undo: @escaping @Sendable (Value) -> Void = { _ in }, _ work: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    // Many jobs that are cancelled at once leave as many operations behind, most of which end soon.
    guard cleaningUp || abandonedCount < Self.maximumAbandoned else {
      throw LakeError.rootUnavailable(
        place, reason: "\(Self.maximumAbandoned) file operations have not come back; its file system does not answer")
    }
    let operation = FileOperation<Value>()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        guard operation.begin(continuation) else { return continuation.resume(throwing: CancellationError()) }
        queue.async { [self] in
          let result = Result(catching: work)
          guard !operation.finish(result) else { return }
          abandoned.withLock { $0 -= 1 }
          if case .success(let value) = result { undo(value) }
        }
      }
    } onCancel: {
      operation.abandon { abandoned.withLock { $0 += 1 } }
    }
  }
}

/// One operation, whose caller is resumed once: by its end or by the cancellation, whichever is first.
private final class FileOperation<Value: Sendable>: Sendable {
  private enum State {
    case new
    case running(CheckedContinuation<Value, any Error>)
    case abandoned
    case ended
  }

  private let state = Mutex(State.new)

  /// Whether it may start; false when its caller was cancelled before.
  func begin(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
    state.withLock { state in
      guard case .new = state else { return false }
      state = .running(continuation)
      return true
    }
  }

  /// Whether the caller was still waiting.
  func finish(_ result: Result<Value, any Error>) -> Bool {
    let continuation = state.withLock { state -> CheckedContinuation<Value, any Error>? in
      guard case .running(let continuation) = state else { return nil }
      state = .ended
      return continuation
    }
    continuation?.resume(with: result)
    return continuation != nil
  }

  /// Resumes the caller by `CancellationError`; `note` is called before the operation can observe that.
  func abandon(_ note: () -> Void) {
    let continuation = state.withLock { state -> CheckedContinuation<Value, any Error>? in
      switch state {
      case .new:
        state = .abandoned
        return nil
      case .running(let continuation):
        state = .abandoned
        note()
        return continuation
      case .abandoned, .ended: return nil
      }
    }
    continuation?.resume(throwing: CancellationError())
  }
}
