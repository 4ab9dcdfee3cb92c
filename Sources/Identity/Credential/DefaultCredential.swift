package import Foundation
package import HTTPClient

/// The chain that a program runs with everywhere: environment, workload identity, managed identity, Azure CLI.
package enum DefaultCredential {
  /// Builds the chain from `environment`; nothing is asked yet.
  /// - Parameters:
  ///   - environment: the `AZURE_…` and the platform's own variables, and `PATH`. Empty ones count as unset.
  ///   - transport: sends the requests.
  ///   - timer: the time and dice of retries.
  ///   - wallClock: for expiries and assertions.
  ///   - command: runs the Azure CLI.
  ///   - onChoice: see ``CredentialChain/init(_:clientID:onChoice:)``.
  /// - Throws: ``IdentityError`` `bad_setting` for `AZURE_TOKEN_CREDENTIALS` and `AZURE_AUTHORITY_HOST`.
  package static func chain(
    environment: [String: String], transport: any HTTPTransport, timer: RetryTimer = .system,
    wallClock: @escaping @Sendable () -> Date = { Date() }, command: CommandRunner = .system,
    onChoice: @escaping @Sendable (CredentialIdentity?, [IdentityError.Attempt]) -> Void = { _, _ in }
  ) throws(IdentityError) -> CredentialChain {
    let environment = environment.filter { !$0.value.isEmpty }
    let selection = try CredentialSelection(environment["AZURE_TOKEN_CREDENTIALS"])
    let authority = try Authority(environment["AZURE_AUTHORITY_HOST"])
    let members = selection.members.map { member -> any TokenCredential in
      switch member {
      case .environment:
        EnvironmentCredential(
          environment: environment, authority: authority, transport: transport, timer: timer, wallClock: wallClock)
      case .workload:
        WorkloadIdentityCredential(
          environment: environment, authority: authority, transport: transport, timer: timer, wallClock: wallClock)
      case .managed:
        ManagedIdentityCredential(
          environment: environment, transport: transport, timer: timer, wallClock: wallClock,
          probes: !selection.isManagedAlone)
      case .cli: AzureCLICredential(environment: environment, command: command)
      }
    }
    return CredentialChain(members, clientID: environment["AZURE_CLIENT_ID"], onChoice: onChoice)
  }

  /// Whether an environment tells of an identity, without asking anybody: a secret or certificate, a federated token file,
  /// a platform's endpoint, or a choice of credential.
  package static func isConfigured(_ environment: [String: String]) -> Bool {
    [
      "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE", "IDENTITY_ENDPOINT",
      "MSI_ENDPOINT", "AZURE_TOKEN_CREDENTIALS",
    ].contains { !(environment[$0] ?? "").isEmpty }
  }
}
