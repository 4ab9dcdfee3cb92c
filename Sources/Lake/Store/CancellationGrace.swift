package import HTTPClient
import Synchronization

/// The time that a cancelled job has to complete what it has begun (2 s) and to clean up (3 s in all). A program that
/// is told to end gives its jobs a little more, so that they can report what they could not remove.
///
/// A rename that has begun is completed, since the outcome of an abandoned one would be unknown; a temporary file is
/// removed. Each such step runs in a task of its own. The grace begins when the job is cancelled; when a step's part of
/// it is over, its task is cancelled as well. So a lake that hangs delays no job for longer.
package final class CancellationGrace: Sendable {
  /// How long a step that has begun may continue.
  package static let carryOnLimit = Duration.seconds(2)
  /// How long everything may last, clean-up included.
  package static let limit = Duration.seconds(3)

  @TaskLocal private static var current: CancellationGrace?

  private let timer: RetryTimer
  private let start = Mutex<Duration?>(nil)

  init(timer: RetryTimer) {
    self.timer = timer
  }

  /// Runs a job; all that it does after its cancellation shares one grace.
  /// - Throws: what `job` throws.
  package static func shared<Value: Sendable>(
    timer: RetryTimer = .system, _ job: @Sendable () async throws -> Value
  ) async throws -> Value {
    try await $current.withValue(CancellationGrace(timer: timer)) { try await job() }
  }

  /// Runs a step that must be completed once it has begun, even in a cancelled task.
  /// - Throws: what `step` throws, which is `CancellationError` when its time is over first.
  package static func carryOn<Value: Sendable>(
    _ step: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await run(until: carryOnLimit, step)
  }

  /// Runs a step that removes what a job has left, or looks for it, even in a cancelled task. Steps of ``carryOn(_:)``
  /// do not use up its time.
  /// - Throws: what `step` throws, which is `CancellationError` when the time was over first.
  package static func cleanUp<Value: Sendable>(
    _ step: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await run(until: limit, step)
  }

  private static func run<Value: Sendable>(
    until limit: Duration, _ step: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let grace = current ?? CancellationGrace(timer: .system)
    let task = $current.withValue(grace) { Task { try await step() } }
    return try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      let left = grace.left(of: limit)
      Task {
        try? await grace.timer.sleep(left)
        task.cancel()
      }
    }
  }

  /// Starts the grace unless it has started. Returns what is left of `limit`.
  private func left(of limit: Duration) -> Duration {
    let now = timer.now()
    let start = start.withLock { start in
      let set = start ?? now
      start = set
      return set
    }
    return max(.zero, start + limit - now)
  }
}
