import Essentials
import Foundation
import Testing

@testable import Identity

@Suite("Token cache decisions")
struct TokenCacheStateTests {
  let error = IdentityError(.unreachable, member: "m", "down")
  let storage: TokenKey
  let database: TokenKey

  init() throws {
    let identity = CredentialIdentity(member: "m", clientID: nil)
    storage = TokenKey(identity: identity, scope: try TokenScope("https://storage.azure.com/.default"))
    database = TokenKey(identity: identity, scope: try TokenScope("https://db/.default"))
  }

  func at(_ seconds: Double) -> CacheMoment {
    CacheMoment(wall: Date(timeIntervalSince1970: 1_000_000 + seconds), uptime: .seconds(seconds))
  }

  func token(_ text: String, expires: Double, refresh: Double? = nil) -> AccessToken {
    AccessToken(Secret(text), expires: at(expires).wall, refresh: refresh.map { at($0).wall })
  }

  /// A cache that got `token` at 0.
  func holding(_ token: AccessToken, random: Double = 0) -> TokenCacheState {
    var state = TokenCacheState()
    #expect(state.ask(storage, at: at(0)) == .starting(request: 1))
    #expect(state.finish(storage, request: 1, with: .success(token), at: at(0), random: random) == .success(token))
    return state
  }

  @Test("Callers without a token join the one request")
  func oneRequest() {
    var state = TokenCacheState()
    #expect(state.ask(storage, at: at(0)) == .starting(request: 1))
    for _ in 0..<1000 { #expect(state.ask(storage, at: at(0)) == .joining(request: 1)) }
    #expect(state.ask(database, at: at(0)) == .starting(request: 2))
  }

  @Test("Two audiences are never mixed, nor two identities")
  func apart() {
    var state = holding(token("s", expires: 3600))
    #expect(state.ask(database, at: at(1)) == .starting(request: 2))
    let other = TokenKey(identity: CredentialIdentity(member: "m", clientID: "c"), scope: storage.scope)
    #expect(state.ask(other, at: at(1)) == .starting(request: 3))
    #expect(state.ask(storage, at: at(1)) == .token(token("s", expires: 3600)))
  }

  @Test(
    "A token is renewed in the background when its time has come",
    arguments: [
      (86_400.0, nil, 43_200.0), (7200, nil, 3600), (3600, nil, 3000), (86_400, 20_000, 20_000), (60, nil, 30),
    ]
  )
  func background(lifetime: Double, refresh: Double?, due: Double) {
    let first = token("1", expires: lifetime, refresh: refresh)
    var state = holding(first)
    #expect(state.ask(storage, at: at(due - 1)) == .token(first))
    #expect(state.ask(storage, at: at(due)) == .refreshing(first, request: 2))
    // Meanwhile the old one serves, and nobody starts another request.
    #expect(state.ask(storage, at: at(due)) == .token(first))
    let second = token("2", expires: 2 * lifetime)
    _ = state.finish(storage, request: 2, with: .success(second), at: at(due), random: 0)
    #expect(state.ask(storage, at: at(due)) == .token(second))
  }

  @Test("Random jitter spreads the renewals of many processes over a minute")
  func jitter() {
    let first = token("1", expires: 86_400)
    var state = holding(first, random: 0.5)
    #expect(state.ask(storage, at: at(43_229)) == .token(first))
    #expect(state.ask(storage, at: at(43_230)) == .refreshing(first, request: 2))
  }

  @Test("A failed renewal keeps the token, and the next is not before half a minute")
  func keptOnFailure() {
    let first = token("1", expires: 86_400)
    var state = holding(first)
    #expect(state.ask(storage, at: at(50_000)) == .refreshing(first, request: 2))
    #expect(state.finish(storage, request: 2, with: .failure(error), at: at(50_000), random: 0) == .success(first))
    #expect(state.ask(storage, at: at(50_029)) == .token(first))
    #expect(state.ask(storage, at: at(50_030)) == .refreshing(first, request: 3))
  }

  @Test("With less than five minutes left callers wait, and get the old token when the request fails")
  func closeToTheEnd() {
    let first = token("1", expires: 86_400)
    var state = holding(first)
    #expect(state.ask(storage, at: at(86_101)) == .starting(request: 2))
    #expect(state.ask(storage, at: at(86_101)) == .joining(request: 2))
    #expect(state.finish(storage, request: 2, with: .failure(error), at: at(86_102), random: 0) == .success(first))
    #expect(state.ask(storage, at: at(86_103)) == .token(first))
    #expect(state.ask(storage, at: at(86_133)) == .starting(request: 3))
    // Past its end, less the skew, it serves nobody.
    #expect(state.finish(storage, request: 3, with: .failure(error), at: at(86_341), random: 0) == .failure(error))
  }

  @Test("A token that lives a minute serves most of it")
  func shortLived() {
    let first = token("1", expires: 60)
    var state = holding(first)
    #expect(state.ask(storage, at: at(29)) == .token(first))
    #expect(state.ask(storage, at: at(44)) == .refreshing(first, request: 2))
    #expect(state.ask(storage, at: at(46)) == .joining(request: 2))
    #expect(state.finish(storage, request: 2, with: .failure(error), at: at(53), random: 0) == .success(first))
    #expect(state.ask(storage, at: at(54)) == .starting(request: 3))
  }

  @Test("A failure is the answer for three seconds and no longer")
  func failureLife() {
    var state = TokenCacheState()
    #expect(state.ask(storage, at: at(0)) == .starting(request: 1))
    #expect(state.finish(storage, request: 1, with: .failure(error), at: at(1), random: 0) == .failure(error))
    #expect(state.ask(storage, at: at(3.9)) == .failure(error))
    #expect(state.ask(storage, at: at(4)) == .starting(request: 2))
  }

  @Test("A wall clock that is set back does not keep a token alive")
  func clockSetBack() {
    let first = token("1", expires: 3600)
    var state = holding(first)
    let later = CacheMoment(wall: at(-100_000).wall, uptime: .seconds(3600))
    #expect(state.ask(storage, at: later) == .starting(request: 2))
  }

  @Test("A rejected token is replaced by one request, and by none where a newer token is there already")
  func rejected() {
    let (first, second) = (token("1", expires: 3600), token("2", expires: 3700))
    var state = holding(first)
    #expect(state.ask(storage, replacing: first, at: at(10)) == .starting(request: 2))
    #expect(state.ask(storage, replacing: first, at: at(10)) == .joining(request: 2))
    #expect(state.ask(storage, at: at(10)) == .joining(request: 2))
    _ = state.finish(storage, request: 2, with: .success(second), at: at(11), random: 0)
    #expect(state.ask(storage, replacing: first, at: at(12)) == .token(second))
  }

  @Test("A platform that gives the rejected token again is not asked by everybody")
  func repeated() {
    let first = token("1", expires: 3600)
    var state = holding(first)
    #expect(state.ask(storage, replacing: first, at: at(10)) == .starting(request: 2))
    _ = state.finish(storage, request: 2, with: .success(first), at: at(11), random: 0)
    #expect(state.ask(storage, replacing: first, at: at(12)) == .token(first))
    #expect(state.ask(storage, replacing: first, at: at(14)) == .starting(request: 3))
  }

  @Test("A token that is issued expired is reported as a wrong clock")
  func expiredOnArrival() {
    var state = TokenCacheState()
    _ = state.ask(storage, at: at(100))
    let result = state.finish(
      storage, request: 1, with: .success(token("1", expires: 50)), at: at(100), random: 0)
    guard case .failure(let error) = result else { return #expect(Bool(false), "\(result)") }
    #expect(error.description.contains("clock"))
  }

  @Test("An abandoned request makes room for another, and its late answer changes nothing")
  func abandoned() {
    var state = TokenCacheState()
    #expect(state.ask(storage, at: at(0)) == .starting(request: 1))
    state.abandon(storage, request: 1)
    #expect(state.ask(storage, at: at(1)) == .starting(request: 2))
    _ = state.finish(storage, request: 1, with: .failure(error), at: at(1), random: 0)
    #expect(state.ask(storage, at: at(1)) == .joining(request: 2))
  }
}
