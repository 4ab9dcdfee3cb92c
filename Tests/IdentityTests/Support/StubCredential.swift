import Foundation
import Identity
import Synchronization

/// A member that does what a test says.
final class StubCredential: TokenCredential {
  let name: String
  let clientID: String?
  let isDeveloperTool: Bool
  private let asked = Mutex<[TokenScope]>([])
  private let answer: @Sendable (TokenScope, Int) async throws -> AccessToken

  init(
    _ name: String = "Stub", clientID: String? = nil, isDeveloperTool: Bool = false,
    _ answer: @escaping @Sendable (TokenScope, Int) async throws -> AccessToken
  ) {
    self.name = name
    self.clientID = clientID
    self.isDeveloperTool = isDeveloperTool
    self.answer = answer
  }

  static func unavailable(_ name: String, _ reason: String = "not here") -> StubCredential {
    StubCredential(name) { _, _ in throw IdentityError(.unavailable, member: name, reason) }
  }

  var scopes: [TokenScope] { asked.withLock { $0 } }
  var count: Int { scopes.count }

  func token(for scope: TokenScope) async throws -> AccessToken {
    let number = asked.withLock { asked in
      asked.append(scope)
      return asked.count
    }
    return try await answer(scope, number)
  }
}

/// A gate that a test opens.
final class Gate: Sendable {
  private let stream = AsyncStream.makeStream(of: Void.self)

  func open() { stream.continuation.finish() }

  /// Waits until it is open, or the task is cancelled.
  func pass() async throws {
    for await _ in stream.stream {}
    try Task.checkCancellation()
  }
}
