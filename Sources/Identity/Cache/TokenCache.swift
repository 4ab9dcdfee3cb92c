package import Foundation
package import HTTPClient
import Synchronization

/// Tokens of one credential, each asked for once, kept, and renewed in the background before it ends.
///
/// ``TokenCacheState`` decides; this class runs the requests and wakes those who wait.
package final class TokenCache: TokenSource {
  private struct Request {
    let key: TokenKey
    let isBackground: Bool
    var task: Task<Void, Never>?
    var waiters: [Int: CheckedContinuation<AccessToken, any Error>] = [:]
  }

  private struct Shared {
    var state = TokenCacheState()
    var requests: [Int: Request] = [:]
    var lastWaiter = 0
  }

  private let credential: any TokenCredential
  private let timer: RetryTimer
  private let wallClock: @Sendable () -> Date
  private let onFailure: @Sendable (IdentityError) -> Void
  private let shared = Mutex(Shared())

  /// A cache before `credential`; nothing is asked yet.
  /// - Parameter onFailure: told of each request that fails, also of one whose callers have a token still.
  package init(
    _ credential: any TokenCredential, timer: RetryTimer = .system,
    wallClock: @escaping @Sendable () -> Date = { Date() },
    onFailure: @escaping @Sendable (IdentityError) -> Void = { _ in }
  ) {
    self.credential = credential
    self.timer = timer
    self.wallClock = wallClock
    self.onFailure = onFailure
  }

  /// Who delivers the tokens; of a chain nil before a member has.
  package var serving: CredentialIdentity? { credential.serving }

  /// A token from memory where one serves, else of the one request that is or gets under way.
  /// - Throws: ``IdentityError``, `CancellationError`.
  package func token(for scope: String) async throws -> AccessToken {
    try await token(TokenScope(scope), replacing: nil)
  }

  /// Another token than `rejected`, unless the platform gives the same again.
  /// - Throws: ``IdentityError``, `CancellationError`.
  package func token(for scope: String, replacing rejected: AccessToken) async throws -> AccessToken {
    try await token(TokenScope(scope), replacing: rejected)
  }

  private func token(_ scope: TokenScope, replacing rejected: AccessToken?) async throws -> AccessToken {
    let key = TokenKey(
      identity: CredentialIdentity(member: credential.name, clientID: credential.clientID), scope: scope)
    let waiter = shared.withLock { shared in
      shared.lastWaiter += 1
      return shared.lastWaiter
    }
    return try await withTaskCancellationHandler {
      try Task.checkCancellation()
      return try await withCheckedThrowingContinuation { continuation in
        ask(key, replacing: rejected, waiter, continuation)
        // The handler may have run before the waiter was there to be found.
        if Task.isCancelled { cancel(waiter) }
      }
    } onCancel: {
      cancel(waiter)
    }
  }

  private func ask(
    _ key: TokenKey, replacing rejected: AccessToken?, _ waiter: Int,
    _ continuation: CheckedContinuation<AccessToken, any Error>
  ) {
    let now = moment
    let result: Result<AccessToken, IdentityError>? = shared.withLock { shared in
      switch shared.state.ask(key, replacing: rejected, at: now) {
      case .token(let token): return .success(token)
      case .failure(let error): return .failure(error)
      case .refreshing(let token, let number):
        shared.requests[number] = Request(key: key, isBackground: true, task: task(number, key))
        return .success(token)
      case .starting(let number):
        shared.requests[number] = Request(
          key: key, isBackground: false, task: task(number, key), waiters: [waiter: continuation])
      case .joining(let number):
        shared.requests[number]?.waiters[waiter] = continuation
      }
      return nil
    }
    if let result { continuation.resume(with: result.mapError { $0 }) }
  }

  private var moment: CacheMoment { CacheMoment(wall: wallClock(), uptime: timer.now()) }

  /// Runs a request. Its task is not a child of a caller's: callers may be cancelled while it runs.
  private func task(_ number: Int, _ key: TokenKey) -> Task<Void, Never> {
    Task {
      let result: Result<AccessToken, any Error>
      do {
        result = .success(try await credential.token(for: key.scope))
      } catch {
        result = .failure(error)
      }
      finish(number, key, result)
    }
  }

  private func finish(_ number: Int, _ key: TokenKey, _ result: Result<AccessToken, any Error>) {
    // Nil when it was cancelled.
    let known: Result<AccessToken, IdentityError>? =
      switch result {
      case .success(let token): .success(token)
      case .failure(let error as IdentityError): .failure(error)
      case .failure(is CancellationError): nil
      // Its text is not written here, and may hold a secret.
      case .failure(let error):
        .failure(IdentityError(.unreachable, member: credential.name, "the request failed: \(type(of: error))"))
      }
    let now = moment
    let random = timer.random()
    let (request, answer) = shared.withLock { shared -> (Request?, Result<AccessToken, any Error>) in
      let request = shared.requests.removeValue(forKey: number)
      guard let known else {
        shared.state.abandon(key, request: number)
        return (request, .failure(CancellationError()))
      }
      return (request, shared.state.finish(key, request: number, with: known, at: now, random: random).mapError { $0 })
    }
    guard let request else { return }
    if case .failure(let error) = known { onFailure(error) }
    for waiter in request.waiters.values { waiter.resume(with: answer) }
  }

  /// Ends one caller's wait. The request goes on for the others; without any, and unless it renews a token, it is cancelled.
  private func cancel(_ waiter: Int) {
    let continuation = shared.withLock { shared -> CheckedContinuation<AccessToken, any Error>? in
      guard let (number, request) = shared.requests.first(where: { $0.value.waiters[waiter] != nil }) else {
        return nil
      }
      let continuation = shared.requests[number]?.waiters.removeValue(forKey: waiter)
      if shared.requests[number]?.waiters.isEmpty == true, !request.isBackground {
        request.task?.cancel()
        shared.requests[number] = nil
        shared.state.abandon(request.key, request: number)
      }
      return continuation
    }
    continuation?.resume(throwing: CancellationError())
  }
}

extension TokenCache {
  /// Callers that wait for a request; for tests.
  var waiting: Int { shared.withLock { $0.requests.values.reduce(0) { $0 + $1.waiters.count } } }
}
