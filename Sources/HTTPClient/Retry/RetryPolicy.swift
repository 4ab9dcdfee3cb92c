/// Which outcomes of an operation are tried again, when, and for how long. A value: time and random
/// numbers are passed in.
package struct RetryPolicy: Sendable, Equatable {
  /// How long to wait before each further try.
  package enum Backoff: Sendable, Equatable {
    /// Between nothing and `first` × 2ⁿ, at most `maximum`: "full jitter", which spreads callers best.
    case exponential(first: Duration, maximum: Duration)
    /// These waits in turn; no further try after the last.
    case schedule([Duration])
  }

  /// How one try ended.
  package enum Outcome: Sendable, Equatable {
    /// Without an answer.
    case failed(HTTPClientError)
    /// With a status that is not a success; `retryAfter` is what the answer's `Retry-After` asks for.
    case status(Int, retryAfter: Duration?)
  }

  /// What to do next.
  package enum Decision: Sendable, Equatable {
    /// Wait that long, then try again.
    case retry(after: Duration)
    /// Stop: this outcome stays as it is.
    case final
    /// Stop: there were as many tries as are allowed, or the time is over.
    case exhausted
  }

  /// Statuses that are tried again.
  package var statuses: Set<Int>
  /// Whether a try that ended without an answer is repeated.
  package var retriesFailures: Bool
  /// Tries in all, the first included.
  package var maximumTries: Int
  /// From the start of the first try to the start of the last, which is made when this time is over.
  package var budget: Duration
  /// The waits.
  package var backoff: Backoff
  /// Waits of their own for some statuses.
  package var backoffByStatus: [Int: Backoff]

  /// 408, 429 and the 5xx that pass (RFC 9110 §15; the storage and sign-in services' own lists).
  package static let transientStatuses: Set<Int> = [408, 429, 500, 502, 503, 504]

  /// A policy; by default as many tries as 3 minutes allow, half a second doubling to 30 s.
  package init(
    statuses: Set<Int> = RetryPolicy.transientStatuses, retriesFailures: Bool = true, maximumTries: Int = .max,
    budget: Duration = .seconds(180), backoff: Backoff = .exponential(first: .milliseconds(500), maximum: .seconds(30)),
    backoffByStatus: [Int: Backoff] = [:]
  ) {
    self.statuses = statuses
    self.retriesFailures = retriesFailures
    self.maximumTries = maximumTries
    self.budget = budget
    self.backoff = backoff
    self.backoffByStatus = backoffByStatus
  }

  /// One try, and no more.
  package static let never = RetryPolicy(statuses: [], retriesFailures: false, maximumTries: 1)

  /// Decides after a try that was not a success.
  /// - Parameters:
  ///   - tries: how many there were, this one included.
  ///   - elapsed: since the start of the first.
  ///   - random: from 0 up to 1, for the jitter.
  package func decision(after outcome: Outcome, tries: Int, elapsed: Duration, random: Double) -> Decision {
    var backoff = backoff
    var minimum = Duration.zero
    switch outcome {
    case .failed(let error):
      guard retriesFailures, error.isTransient else { return .final }
    case .status(let status, let retryAfter):
      guard statuses.contains(status) else { return .final }
      backoff = backoffByStatus[status] ?? backoff
      minimum = retryAfter ?? .zero
    }
    guard tries < maximumTries else { return .exhausted }
    let wait: Duration
    switch backoff {
    case .exponential(let first, let maximum):
      // 2^20 half-seconds are six days: beyond any maximum, and far from overflow.
      wait = min(first * (1 << min(tries - 1, 20)), maximum) * random
    case .schedule(let waits):
      guard tries <= waits.count else { return .exhausted }
      wait = waits[tries - 1]
    }
    let left = budget - elapsed
    guard left > .zero, minimum <= left else { return .exhausted }
    return .retry(after: min(max(wait, minimum), left))
  }
}
