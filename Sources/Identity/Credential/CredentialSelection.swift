import Essentials

/// Which members a chain has: `AZURE_TOKEN_CREDENTIALS`.
struct CredentialSelection: Sendable, Equatable {
  enum Member: String, CaseIterable, Sendable {
    case environment = "EnvironmentCredential"
    case workload = "WorkloadIdentityCredential"
    case managed = "ManagedIdentityCredential"
    case cli = "AzureCliCredential"
  }

  let members: [Member]

  /// Reads the setting: nil is all members, `prod` those of servers, `dev` those of developers, or one member's name in
  /// any case.
  /// - Throws: ``IdentityError`` `bad_setting`.
  init(_ text: String?) throws(IdentityError) {
    switch text?.asciiLowercased() {
    case nil: members = Member.allCases
    case "prod": members = [.environment, .workload, .managed]
    case "dev": members = [.cli]
    case let name?:
      guard let member = Member.allCases.first(where: { $0.rawValue.asciiLowercased() == name }) else {
        let known = (["prod", "dev"] + Member.allCases.map(\.rawValue)).joined(separator: ", ")
        throw IdentityError(
          .badSetting, "AZURE_TOKEN_CREDENTIALS: \"\(ServiceText.readable(text ?? ""))\" is not supported",
          remedy: "Use one of \(known), or leave it unset")
      }
      members = [member]
    }
  }

  /// Whether the managed identity alone is wanted: then no other member waits for its quick refusal.
  var isManagedAlone: Bool { members == [.managed] }
}
