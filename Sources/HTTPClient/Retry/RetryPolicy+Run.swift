import Essentials

extension RetryPolicy {
  /// How one try ended, for ``run(timer:_:)``.
  package enum Attempt<Value: Sendable>: Sendable {
    /// With what was wanted.
    case success(Value)
    /// Without; `error` is thrown when this is the last try.
    case failure(Outcome, error: any Error)
  }

  /// Tries until it succeeds, is final, or the policy ends it.
  ///
  /// `attempt` gets the number of the try, from 1. `onRetry` is called for each that failed and will be repeated, with its
  /// error, its number, and the wait before the next. Throws its `error` as it is when the outcome is final,
  /// ``RetryFailure`` when tries or time ran out, and at once whatever `attempt` itself throws.
  package func run<Value: Sendable>(
    timer: RetryTimer = .system,
    onRetry: (_ error: any Error, _ number: Int, _ wait: Duration) -> Void = { _, _, _ in },
    _ attempt: (_ number: Int) async throws -> Attempt<Value>
  ) async throws -> Value {
    let start = timer.now()
    var tries = 0
    while true {
      try Task.checkCancellation()
      tries += 1
      switch try await attempt(tries) {
      case .success(let value): return value
      case .failure(let outcome, let error):
        let elapsed = timer.now() - start
        switch decision(after: outcome, tries: tries, elapsed: elapsed, random: timer.random()) {
        case .final: throw error
        case .exhausted: throw RetryFailure(last: error, tries: tries, elapsed: elapsed)
        case .retry(let delay):
          onRetry(error, tries, delay)
          try await timer.sleep(delay)
        }
      }
    }
  }
}

/// Tries or time ran out.
package struct RetryFailure: Error, CustomStringConvertible {
  /// How the last try failed.
  package let last: any Error
  /// Tries in all.
  package let tries: Int
  /// From the start of the first try to the end of the last.
  package let elapsed: Duration

  /// The last error and how long it was tried.
  package var description: String {
    let rounded = (elapsed.seconds * 10).rounded() / 10
    return "\(last) (given up after \(tries) \(tries == 1 ? "try" : "tries") in \(rounded) s)"
  }
}

/// The clock and the random numbers of retries; tests pass their own.
package struct RetryTimer: Sendable {
  /// Time since some fixed moment; never goes back.
  package let now: @Sendable () -> Duration
  /// Waits; throws `CancellationError` when the task is cancelled.
  package let sleep: @Sendable (Duration) async throws -> Void
  /// From 0 up to 1.
  package let random: @Sendable () -> Double

  package init(
    now: @escaping @Sendable () -> Duration, sleep: @escaping @Sendable (Duration) async throws -> Void,
    random: @escaping @Sendable () -> Double
  ) {
    self.now = now
    self.sleep = sleep
    self.random = random
  }

  /// The machine's own clock, which goes on while the machine sleeps.
  package static let system: RetryTimer = {
    let start = ContinuousClock.now
    return RetryTimer(
      now: { ContinuousClock.now - start },
      sleep: { try await Task.sleep(for: $0, clock: .continuous) },
      random: { Double.random(in: 0..<1) })
  }()
}
