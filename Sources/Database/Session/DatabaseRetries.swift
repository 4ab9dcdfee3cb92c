/// When a server that was not there is tried again: after a quarter of a second, then twice as long each time, 5 s at most,
/// for `budget` from the first failure.
struct DatabaseRetries {
  private static let longest = Duration.seconds(5)

  let budget: Duration
  private(set) var tries = 0
  private var firstFailure: ContinuousClock.Instant?
  private var wait = Duration.milliseconds(250)

  init(budget: Duration) {
    self.budget = budget
  }

  /// How long to wait after a failure at `now`; nil when the budget is spent.
  mutating func next(now: ContinuousClock.Instant) -> Duration? {
    tries += 1
    let start = firstFailure ?? now
    firstFailure = start
    let left = budget - start.duration(to: now)
    guard left > .zero else { return nil }
    defer { wait = min(Self.longest, wait * 2) }
    return min(wait, left)
  }
}
