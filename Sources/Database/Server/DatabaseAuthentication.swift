import Essentials
import Postgres

/// How the program signs in to a database server: `PG_AUTH`.
package enum DatabaseAuthentication: String, Sendable, CaseIterable {
  /// With `PG_PASSWORD`, or without a password where the server needs none.
  case password
  /// With an Entra access token as the password.
  case entra
}

/// The clouds that run PostgreSQL flexible servers, with the scope of their tokens.
package enum DatabaseCloud: Sendable, CaseIterable {
  case worldwide
  /// Azure US Government.
  case usGovernment
  /// Azure operated by 21Vianet.
  case china

  /// The suffix of its servers' host names.
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

  /// The cloud of all hosts in the list; nil when a host belongs to none, or the hosts belong to several.
  package init?(hosts list: String) {
    let hosts = PostgresTarget.hosts(list)
    guard !hosts.isEmpty,
      let cloud = Self.allCases.first(where: { cloud in hosts.allSatisfy { $0.hasSuffix(cloud.hostSuffix) } })
    else { return nil }
    self = cloud
  }

  /// The cloud of a server with a custom host name, by the sign-in service in use (`AZURE_AUTHORITY_HOST`).
  package init(authorityHost: String?) {
    self = Self.allCases.first { authorityHost?.asciiLowercased().contains($0.signInHost) == true } ?? .worldwide
  }
}
