import Synchronization

/// Members asked in order until one delivers; that one is kept.
///
/// A member that is unavailable lets the next one try. A member that is set up and fails ends the chain, so that the
/// program never signs in as another identity than the operator meant.
package final class CredentialChain: TokenCredential {
  /// `DefaultCredential`.
  package let name = "DefaultCredential"
  /// The configured client id.
  package let clientID: String?
  private let members: [any TokenCredential]
  private let onChoice: @Sendable (CredentialIdentity?, [IdentityError.Attempt]) -> Void
  private let kept = Mutex<Int?>(nil)

  /// A chain of `members`, in their order.
  /// - Parameter onChoice: told once, who delivers and why those before it were passed over: a variable that is missing
  ///   by mistake shows there.
  package init(
    _ members: [any TokenCredential], clientID: String? = nil,
    onChoice: @escaping @Sendable (CredentialIdentity?, [IdentityError.Attempt]) -> Void = { _, _ in }
  ) {
    self.members = members
    self.clientID = clientID
    self.onChoice = onChoice
  }

  /// The member that is kept; nil before one has delivered.
  package var serving: CredentialIdentity? {
    kept.withLock { $0 }.flatMap { members[$0].serving }
  }

  /// A token of the kept member, or of the first that delivers.
  /// - Throws: ``IdentityError``: the kept member's; that of a member that is set up and fails; else `no_credential`
  ///   with every member that was tried. `CancellationError`.
  package func token(for scope: TokenScope) async throws -> AccessToken {
    if let index = kept.withLock({ $0 }) { return try await members[index].token(for: scope) }
    var attempts: [IdentityError.Attempt] = []
    for (index, member) in members.enumerated() {
      do {
        let token = try await member.token(for: scope)
        let (chosen, isFirst) = kept.withLock { kept in
          let isFirst = kept == nil
          kept = kept ?? index
          return (kept ?? index, isFirst)
        }
        if isFirst { onChoice(member.serving, attempts) }
        // Another scope was asked for at the same time and got there first: one process is one identity.
        return chosen == index ? token : try await members[chosen].token(for: scope)
      } catch let error as IdentityError where error.code == .unavailable || member.isDeveloperTool {
        attempts.append(IdentityError.Attempt(member: member.name, reason: error.reason))
      }
    }
    throw IdentityError(
      .noCredential, "no identity is set up here that could get a token for \(scope)",
      remedy:
        "Give the app a managed identity (and set AZURE_CLIENT_ID for a user-assigned one), use workload identity, "
        + "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or run 'az login'; see docs/identity.md",
      attempts: attempts)
  }
}
