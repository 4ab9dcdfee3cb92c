public import HTTPClient
import Synchronization

/// What a cancelled job may still do: end what it has begun and clean up, for 5 s in all.
///
/// A rename that is under way is carried on, since a rename nobody waits for would leave nobody who knows whether it was
/// done; a temporary file is removed. Each such step runs in a task of its own. When the job is cancelled the grace begins;
/// when it is over, these tasks are cancelled as well. A lake that hangs so holds no job up for longer.
public final class CancellationGrace: Sendable {
  /// How long, over all steps of a job.
  public static let limit = Duration.seconds(5)

  @TaskLocal private static var current: CancellationGrace?

  private let timer: RetryTimer
  private let end = Mutex<Duration?>(nil)

  init(timer: RetryTimer) {
    self.timer = timer
  }

  /// Runs a job; all that it carries on after its cancellation shares one grace.
  /// - Throws: what `job` throws.
  public static func shared<Value: Sendable>(
    timer: RetryTimer = .system, _ job: @Sendable () async throws -> Value
  ) async throws -> Value {
    try await $current.withValue(CancellationGrace(timer: timer)) { try await job() }
  }

  /// Runs `step` to its end, also when the caller is cancelled, or was before; then no longer than the grace lasts.
  /// - Throws: what `step` throws, which is `CancellationError` when the grace was over first.
  public static func carryOn<Value: Sendable>(
    _ step: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let grace = current ?? CancellationGrace(timer: .system)
    let task = $current.withValue(grace) { Task { try await step() } }
    return try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      let left = grace.begin()
      Task {
        try? await grace.timer.sleep(left)
        task.cancel()
      }
    }
  }

  /// Begins, unless it has begun, and gives what is left.
  private func begin() -> Duration {
    let now = timer.now()
    let end = end.withLock { end in
      let set = end ?? now + Self.limit
      end = set
      return set
    }
    return max(.zero, end - now)
  }
}
