/// The time and the dice that retries go by; tests hand in their own.
public struct RetryTimer: Sendable {
  /// Time since some fixed moment; never goes back.
  public let now: @Sendable () -> Duration
  /// Waits; throws `CancellationError` when the task is cancelled.
  public let sleep: @Sendable (Duration) async throws -> Void
  /// From 0 up to 1.
  public let random: @Sendable () -> Double

  /// A timer of these parts.
  public init(
    now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void,
    random: @escaping @Sendable () -> Double
  ) {
    self.now = now
    self.sleep = sleep
    self.random = random
  }

  /// The machine's own clock, which goes on while the machine sleeps.
  public static let system: RetryTimer = {
    let start = ContinuousClock.now
    return RetryTimer(
      now: { ContinuousClock.now - start },
      sleep: { try await Task.sleep(for: $0, clock: .continuous) },
      random: { Double.random(in: 0..<1) })
  }()
}
