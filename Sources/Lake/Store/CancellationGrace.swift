public import HTTPClient
import Synchronization

/// What a cancelled job may still do: end what it has begun, for 2 s, and clean up, until 3 s are over in all. The
/// program that is told to end gives its jobs a little more, so that they tell what they could not remove.
///
/// A rename that is under way is carried on, since a rename nobody waits for would leave nobody who knows whether it was
/// done; a temporary file is removed. Each such step runs in a task of its own. When the job is cancelled the grace begins;
/// when a step's part of it is over, its task is cancelled as well. A lake that hangs so holds no job up for longer.
public final class CancellationGrace: Sendable {
  /// How long what was begun is carried on.
  public static let carryOnLimit = Duration.seconds(2)
  /// How long it all may last, cleaning up included.
  public static let limit = Duration.seconds(3)

  @TaskLocal private static var current: CancellationGrace?

  private let timer: RetryTimer
  private let start = Mutex<Duration?>(nil)

  init(timer: RetryTimer) {
    self.timer = timer
  }

  /// Runs a job; all that it does after its cancellation shares one grace.
  /// - Throws: what `job` throws.
  public static func shared<Value: Sendable>(
    timer: RetryTimer = .system, _ job: @Sendable () async throws -> Value
  ) async throws -> Value {
    try await $current.withValue(CancellationGrace(timer: timer)) { try await job() }
  }

  /// Runs what is to be ended once it has begun, also when the caller is cancelled, or was before.
  /// - Throws: what `step` throws, which is `CancellationError` when its time was over first.
  public static func carryOn<Value: Sendable>(
    _ step: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try await run(until: carryOnLimit, step)
  }

  /// Runs what removes a job's traces, or looks for them, also when the caller is cancelled, or was before. There is time
  /// for it when what was carried on has used up its own.
  /// - Throws: what `step` throws, which is `CancellationError` when the time was over first.
  public static func cleanUp<Value: Sendable>(
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

  /// Begins, unless it has begun, and gives what is left.
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
