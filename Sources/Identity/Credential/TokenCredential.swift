/// One way to get tokens. It asks each time: ``TokenCache`` keeps what it gave.
package protocol TokenCredential: Sendable {
  /// What is asking, as the vendor's libraries name it: `ManagedIdentityCredential`.
  var name: String { get }
  /// The client id it is set to, where one is.
  var clientID: String? { get }
  /// Whether it is a developer's tool, whose every failure only means "not here" to a chain.
  var isDeveloperTool: Bool { get }
  /// Who delivers; of a chain the member that did, nil before one has.
  var serving: CredentialIdentity? { get }

  /// Asks for a new token.
  /// - Throws: ``IdentityError``, `unavailable` when it is not set up here; `CancellationError`.
  func token(for scope: TokenScope) async throws -> AccessToken
}

extension TokenCredential {
  /// Not one.
  package var isDeveloperTool: Bool { false }
  /// Itself.
  package var serving: CredentialIdentity? { CredentialIdentity(member: name, clientID: clientID) }
}

/// Who a token is of, as far as it is known without looking into it.
package struct CredentialIdentity: Sendable, Hashable {
  /// The member, such as `ManagedIdentityCredential`.
  package let member: String
  /// The client id that is configured; nil for a system-assigned identity or a person.
  package let clientID: String?

  package init(member: String, clientID: String? = nil) {
    self.member = member
    self.clientID = clientID
  }
}
