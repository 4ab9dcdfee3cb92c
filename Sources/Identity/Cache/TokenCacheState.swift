import Foundation

/// The decisions of a token cache, without tasks, locks or a clock.
struct TokenCacheState: Sendable {
  /// What a caller gets.
  enum Answer: Equatable {
    /// This token.
    case token(AccessToken)
    /// This token, and the caller starts a request in the background.
    case refreshing(AccessToken, request: Int)
    /// The caller starts the request and waits.
    case starting(request: Int)
    /// The caller waits for a request under way.
    case joining(request: Int)
    /// This error, which just happened.
    case failure(IdentityError)
  }

  private struct Entry {
    var held: HeldToken?
    /// The request under way: one at most.
    var request: Int?
    /// After a failed refresh: no other before this time.
    var pausedUntil: Duration?
    /// Without a token: what the last request ended with, and until when that is the answer.
    var failure: (error: IdentityError, until: Duration)?
    /// The token that a service refused, while another is asked for.
    var rejected: AccessToken?
    /// The endpoint gave the refused token again (a platform's cache does for hours): until when it is not asked anew.
    var repeatedUntil: Duration?
  }

  /// A thousand callers after a failure are one request, not a thousand.
  static let failureLife = Duration.seconds(3)

  private var entries: [TokenKey: Entry] = [:]
  private var lastRequest = 0

  /// A caller wants a token, and not `rejected`.
  mutating func ask(_ key: TokenKey, replacing rejected: AccessToken? = nil, at now: CacheMoment) -> Answer {
    var entry = entries[key] ?? Entry()
    defer { entries[key] = entry }
    if let rejected, let held = entry.held, held.token.secret == rejected.secret {
      if let until = entry.repeatedUntil, now.uptime < until { return .token(held.token) }
      entry.held = nil
      entry.rejected = rejected
    }
    if let held = entry.held, held.serves(at: now) {
      let isPaused = entry.pausedUntil.map { now.uptime < $0 } ?? false
      guard held.isDue(at: now), !isPaused else { return .token(held.token) }
      if let request = entry.request {
        return held.isClose(at: now) ? .joining(request: request) : .token(held.token)
      }
      let request = start(&entry)
      return held.isClose(at: now) ? .starting(request: request) : .refreshing(held.token, request: request)
    }
    if let request = entry.request { return .joining(request: request) }
    if let failure = entry.failure, now.uptime < failure.until { return .failure(failure.error) }
    return .starting(request: start(&entry))
  }

  /// A request has ended; returns what its waiters get. A failure that meets a token still good gives that token.
  mutating func finish(
    _ key: TokenKey, request: Int, with result: Result<AccessToken, IdentityError>, at now: CacheMoment, random: Double
  ) -> Result<AccessToken, IdentityError> {
    guard var entry = entries[key], entry.request == request else { return result }
    defer { entries[key] = entry }
    entry.request = nil
    switch result {
    case .success(let token) where token.expires > now.wall:
      let isRepeated = entry.rejected.map { $0.secret == token.secret } ?? false
      entry = Entry(
        held: HeldToken(token, received: now, random: random),
        repeatedUntil: isRepeated ? now.uptime + Self.failureLife : nil)
      return result
    case .success:
      let error = IdentityError(
        .malformedAnswer, member: key.identity.member, "the token that was issued has expired already",
        remedy: "Check this machine's clock")
      return fail(&entry, error, at: now)
    case .failure(let error):
      return fail(&entry, error, at: now)
    }
  }

  /// A request was abandoned: no caller waits for it any more.
  mutating func abandon(_ key: TokenKey, request: Int) {
    if entries[key]?.request == request { entries[key]?.request = nil }
  }

  private mutating func start(_ entry: inout Entry) -> Int {
    lastRequest += 1
    entry.request = lastRequest
    return lastRequest
  }

  private func fail(
    _ entry: inout Entry, _ error: IdentityError, at now: CacheMoment
  ) -> Result<AccessToken, IdentityError> {
    if let held = entry.held, held.serves(at: now) {
      entry.pausedUntil = now.uptime + held.pause
      return .success(held.token)
    }
    entry.held = nil
    entry.failure = (error, now.uptime + Self.failureLife)
    return .failure(error)
  }
}

/// What a cached token is for: never are two audiences or two identities mixed.
struct TokenKey: Sendable, Hashable {
  let identity: CredentialIdentity
  let scope: TokenScope
}
