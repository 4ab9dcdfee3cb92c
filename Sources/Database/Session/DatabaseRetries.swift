/// The waits between attempts to reach the database server: a quarter of a second, doubled after each attempt up to 5
/// s, for `budget` from the first failure.
struct DatabaseRetries {
  private static let longest = Duration.seconds(5)

  let budget: Duration
  private(set) var tries = 0
  private var firstFailure: ContinuousClock.Instant?
  private var wait = Duration.milliseconds(250)

  init(budget: Duration) {
    self.budget = budget
  }

  /// The wait after a failure at `now`; nil when the budget is spent.
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
