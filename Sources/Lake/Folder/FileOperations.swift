import Dispatch
import Synchronization

/// Runs blocking file operations off the cooperative pool.
///
/// A network mount that is dead lets none of them come back. So each has a thread that nothing else waits for, and a caller
/// that is cancelled waits no longer: the operation is abandoned, and undone should it still end.
final class FileOperations: Sendable {
  /// Abandoned operations that may be stuck at a time; beyond that no other is begun, but what cleans up.
  static let maximumAbandoned = 32

  private let abandoned = Mutex(0)
  /// The folder, for messages.
  private let place: String

  init(place: String) {
    self.place = place
  }

  /// Abandoned operations that have not come back yet.
  var abandonedCount: Int { abandoned.withLock { $0 } }

  /// Runs `work` on `queue`, or on one of its own, and gives its result.
  ///
  /// `undo` is told, on the same queue, of a result that came after the caller had gone.
  /// Throws what `work` throws, `CancellationError`, and `LakeError.rootUnavailable` where too many are stuck.
  func run<Value: Sendable>(
    on queue: DispatchQueue = DispatchQueue(label: "sluice.lake.file"), cleaningUp: Bool = false,
    undo: @escaping @Sendable (Value) -> Void = { _ in }, _ work: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    // Of many jobs that are cancelled at a time, each has left an operation that is soon over.
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

/// One operation, of which either its end or its caller's cancellation is told, whichever is first.
private final class FileOperation<Value: Sendable>: Sendable {
  private enum State {
    case new
    case running(CheckedContinuation<Value, any Error>)
    case abandoned
    case ended
  }

  private let state = Mutex(State.new)

  /// Whether it is to be begun; else its caller was cancelled before.
  func begin(_ continuation: CheckedContinuation<Value, any Error>) -> Bool {
    state.withLock { state in
      guard case .new = state else { return false }
      state = .running(continuation)
      return true
    }
  }

  /// Whether somebody was there to be told.
  func finish(_ result: Result<Value, any Error>) -> Bool {
    let continuation = state.withLock { state -> CheckedContinuation<Value, any Error>? in
      guard case .running(let continuation) = state else { return nil }
      state = .ended
      return continuation
    }
    continuation?.resume(with: result)
    return continuation != nil
  }

  /// Lets the caller go; `note` is called before the operation can find that out.
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
