import Essentials
import Postgres

/// How the program proves itself to a database server: `PG_AUTH`.
package enum DatabaseAuthentication: String, Sendable, CaseIterable {
  /// By `PG_PASSWORD`, or by nothing where the server asks for nothing.
  case password
  /// By an Entra access token in the password's place.
  case entra
}

/// The clouds that run PostgreSQL flexible servers, and what each one's tokens are asked for.
package enum DatabaseCloud: Sendable, CaseIterable {
  /// Azure.
  case worldwide
  /// Azure US Government.
  case usGovernment
  /// Azure operated by 21Vianet.
  case china

  /// What the names of its servers end with.
  var hostSuffix: String {
    switch self {
    case .worldwide: ".postgres.database.azure.com"
    case .usGovernment: ".postgres.database.usgovcloudapi.net"
    case .china: ".postgres.database.chinacloudapi.cn"
    }
  }

  /// The scope of its tokens
  /// (learn.microsoft.com/azure/postgresql/flexible-server/how-to-configure-sign-in-azure-ad-authentication).
  package var scope: String {
    switch self {
    case .worldwide: "https://ossrdbms-aad.database.windows.net/.default"
    case .usGovernment: "https://ossrdbms-aad.database.usgovcloudapi.net/.default"
    case .china: "https://ossrdbms-aad.database.chinacloudapi.cn/.default"
    }
  }

  private var signInHost: String {
    switch self {
    case .worldwide: "login.microsoftonline.com"
    case .usGovernment: "login.microsoftonline.us"
    case .china: "login.chinacloudapi.cn"
    }
  }

  /// The cloud that all names of a host list belong to; nil when one belongs to none, or to another.
  package init?(hosts list: String) {
    let hosts = PostgresTarget.hosts(list)
    guard !hosts.isEmpty,
      let cloud = Self.allCases.first(where: { cloud in hosts.allSatisfy { $0.hasSuffix(cloud.hostSuffix) } })
    else { return nil }
    self = cloud
  }

  /// The cloud of a server under a name of its own, by the sign-in service in use (`AZURE_AUTHORITY_HOST`).
  package init(authorityHost: String?) {
    self = Self.allCases.first { authorityHost?.asciiLowercased().contains($0.signInHost) == true } ?? .worldwide
  }
}
