package import HTTPServer
import Synchronization

/// Tells of refused callers, so that who guesses keys is seen and cannot fill the log: the first at once, and the further ones of the
/// same minute as one number with the next.
package final class RefusalLog: Sendable {
  private let tally = Mutex(RefusalTally())
  /// The latest that was kept.
  private let latest = Mutex<HTTPRequest?>(nil)
  private let now: @Sendable () -> ContinuousClock.Instant
  private let tell: @Sendable (Int, HTTPRequest) -> Void

  /// - Parameter tell: receives the number of refusals since it was called last, and the latest one.
  package init(
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    tell: @escaping @Sendable (Int, HTTPRequest) -> Void
  ) {
    self.now = now
    self.tell = tell
  }

  package func note(_ request: HTTPRequest) {
    latest.withLock { $0 = request }
    switch tally.withLock({ $0.note(at: now()) }) {
    case .tell(let count): tell(count, request)
    case .keep: break
    case .tellAfter(let pause):
      Task {
        try? await Task.sleep(for: pause)
        tellKept()
      }
    }
  }

  /// Tells of those that are kept; also called before the program ends.
  package func tellKept() {
    let count = tally.withLock { $0.take(at: now()) }
    if count > 0, let request = latest.withLock({ $0 }) { tell(count, request) }
  }
}

/// When refusals are told of; a value without a clock.
struct RefusalTally {
  enum Action: Equatable {
    case tell(Int)
    /// Told with those before it.
    case keep
    /// The first that is kept: what has come until then is told after this pause.
    case tellAfter(Duration)
  }

  static let pause = Duration.seconds(60)
  private var told: ContinuousClock.Instant?
  private var kept = 0

  mutating func note(at now: ContinuousClock.Instant) -> Action {
    kept += 1
    guard let told, now < told + Self.pause else { return .tell(take(at: now)) }
    return kept == 1 ? .tellAfter(now.duration(to: told + Self.pause)) : .keep
  }

  /// The number of refusals since the last ones that were told.
  mutating func take(at now: ContinuousClock.Instant) -> Int {
    defer { kept = 0 }
    if kept > 0 { told = now }
    return kept
  }
}
