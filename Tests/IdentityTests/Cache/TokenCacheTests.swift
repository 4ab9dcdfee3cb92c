import Essentials
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Identity

@Suite("Token cache")
struct TokenCacheTests {
  static let scope = "https://storage.azure.com/.default"

  @Test("A thousand callers are one request")
  func oneRequest() async throws {
    let gate = Gate()
    let clock = ManualClock()
    let credential = StubCredential { _, number in
      try await gate.pass()
      return AccessToken(Secret("token\(number)"), expires: clock.now + 3600)
    }
    let cache = TokenCache(credential, timer: clock.timer(), wallClock: { clock.now })
    try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<1000 { group.addTask { try await cache.token(for: Self.scope).secret.reveal() } }
      try await eventually { cache.waiting == 1000 }
      gate.open()
      for try await text in group { #expect(text == "token1") }
    }
    #expect(credential.count == 1)
    #expect(try await cache.token(for: Self.scope).secret.reveal() == "token1")
    #expect(credential.count == 1)
  }

  @Test("A thousand callers whose token is rejected are one request more")
  func oneReplacement() async throws {
    let clock = ManualClock()
    let gate = Gate()
    let credential = StubCredential { _, number in
      if number == 2 { try await gate.pass() }
      return AccessToken(Secret("token\(number)"), expires: clock.now + 3600)
    }
    let cache = TokenCache(credential, timer: clock.timer(), wallClock: { clock.now })
    let first = try await cache.token(for: Self.scope)
    try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<1000 { group.addTask { try await cache.token(for: Self.scope, replacing: first).secret.reveal() } }
      try await eventually { cache.waiting == 1000 }
      gate.open()
      for try await text in group { #expect(text == "token2") }
    }
    #expect(credential.count == 2)
  }

  @Test("A caller that is cancelled leaves the request to the others")
  func oneLeaves() async throws {
    let gate = Gate()
    let credential = StubCredential { _, _ in
      try await gate.pass()
      return AccessToken(Secret("t"), expires: Date() + 3600)
    }
    let cache = TokenCache(credential)
    let leaving = Task { try await cache.token(for: Self.scope) }
    let staying = Task { try await cache.token(for: Self.scope) }
    try await eventually { cache.waiting == 2 }
    leaving.cancel()
    await #expect(throws: CancellationError.self) { try await leaving.value }
    gate.open()
    #expect(try await staying.value.secret.reveal() == "t")
    #expect(credential.count == 1)
  }

  @Test("When all callers leave, the request ends, and the next caller starts a new one")
  func allLeave() async throws {
    let gate = Gate()
    let ended = Gate()
    let credential = StubCredential { _, number in
      guard number == 1 else { return AccessToken(Secret("t\(number)"), expires: Date() + 3600) }
      defer { ended.open() }
      try await gate.pass()
      return AccessToken(Secret("late"), expires: Date() + 3600)
    }
    let cache = TokenCache(credential)
    let only = Task { try await cache.token(for: Self.scope) }
    try await eventually { credential.count == 1 }
    only.cancel()
    await #expect(throws: CancellationError.self) { try await only.value }
    // The gate was never opened: only the cancelled request comes to its end.
    try await ended.pass()
    #expect(try await cache.token(for: Self.scope).secret.reveal() == "t2")
  }

  @Test("While a token is renewed in the background the old one serves at once")
  func background() async throws {
    let clock = ManualClock()
    let gate = Gate()
    let credential = StubCredential { _, number in
      if number == 2 { try await gate.pass() }
      return AccessToken(Secret("t\(number)"), expires: clock.now + 86_400)
    }
    let cache = TokenCache(credential, timer: clock.timer(random: 0), wallClock: { clock.now })
    _ = try await cache.token(for: Self.scope)
    clock.advance(50_000)
    #expect(try await cache.token(for: Self.scope).secret.reveal() == "t1")
    gate.open()
    try await eventually { try await cache.token(for: Self.scope).secret.reveal() == "t2" }
    #expect(credential.count == 2)
  }

  @Test("A renewal that fails is reported, and the token stays in use")
  func failureTold() async throws {
    let clock = ManualClock()
    let told = Mutex<[IdentityError]>([])
    let failure = IdentityError(.unreachable, member: "Stub", "down")
    let credential = StubCredential { _, number in
      guard number == 1 else { throw failure }
      return AccessToken(Secret("t1"), expires: clock.now + 86_400)
    }
    let cache = TokenCache(
      credential, timer: clock.timer(random: 0), wallClock: { clock.now },
      onFailure: { error in told.withLock { $0.append(error) } })
    _ = try await cache.token(for: Self.scope)
    clock.advance(50_000)
    #expect(try await cache.token(for: Self.scope).secret.reveal() == "t1")
    try await eventually { told.withLock { $0 } == [failure] }
    #expect(try await cache.token(for: Self.scope).secret.reveal() == "t1")
    #expect(credential.count == 2)
  }

  @Test("An unexpected error shows its type and none of its text")
  func foreignError() async throws {
    struct Foreign: Error, CustomStringConvertible { let description = "hunter2" }
    let cache = TokenCache(StubCredential { _, _ in throw Foreign() })
    let error = await #expect(throws: IdentityError.self) { try await cache.token(for: Self.scope) }
    #expect(error?.description.contains("hunter2") == false)
    await #expect(throws: IdentityError.self) { try await cache.token(for: "storage") }
  }
}
