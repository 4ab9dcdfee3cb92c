import Essentials

/// Where to connect and as whom: the key of a pool. It holds no secret.
package struct PostgresTarget: Sendable, Hashable, CustomStringConvertible {
  /// How TLS is used, with libpq's names (libpq, `sslmode`).
  package enum SSLMode: String, Sendable, CaseIterable {
    /// No TLS.
    case disable
    /// TLS only when the server insists.
    case allow
    /// TLS when the server has it.
    case prefer
    /// TLS always; the server is not authenticated.
    case require
    /// TLS always; the certificate's authority is checked.
    case verifyCA = "verify-ca"
    /// TLS always; authority and host name are checked.
    case verifyFull = "verify-full"

    /// How much it asks of the connection: 0 for `disable` to 5 for `verify-full`.
    package var strength: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  }

  /// A host name, an address, a socket directory (begins with `/`), or a comma-separated list of them.
  package var host: String
  /// TCP port, 1...65535.
  package var port: Int
  package var database: String
  package var user: String
  /// TLS mode; without effect on a socket directory.
  package var sslMode: SSLMode
  /// A PEM file of trusted roots for `verify-ca` and `verify-full`; nil is libpq's default.
  package var rootCertificateFile: String?

  package init(
    host: String, port: Int = 5432, database: String, user: String, sslMode: SSLMode = .require,
    rootCertificateFile: String? = nil
  ) {
    self.host = host
    self.port = port
    self.database = database
    self.user = user
    self.sslMode = sslMode
    self.rootCertificateFile = rootCertificateFile
  }

  /// The same bytes in every name: two databases or roles that `String` holds for equal are two.
  package static func == (one: PostgresTarget, other: PostgresTarget) -> Bool {
    one.port == other.port && one.sslMode == other.sslMode
      && one.names.elementsEqual(other.names) { $0.utf8.elementsEqual($1.utf8) }
  }

  /// By what makes two targets the same.
  package func hash(into hasher: inout Hasher) {
    hasher.combine(port)
    hasher.combine(sslMode)
    for name in names {
      for byte in name.utf8 { hasher.combine(byte) }
      hasher.combine(UInt8(0xFF))
    }
  }

  /// Everything that is text; nil becomes a text that no name can be.
  private var names: [String] { [host, database, user, rootCertificateFile ?? "\0"] }

  /// `user@host:port/database`.
  package var description: String { "\(user)@\(host):\(port)/\(database)" }

  /// Whether every host of it is a socket directory or an address of this machine.
  package var isLocal: Bool {
    let hosts = Self.hosts(host)
    return !hosts.isEmpty
      && hosts.allSatisfy { host in
        host.hasPrefix("/") || host.hasPrefix("@") || host == "localhost" || host == "::1"
          || host.wholeMatch(of: #/127(\.[0-9]{1,3}){3}/#) != nil
      }
  }

  /// Whether it is certain who gets the password: the server's certificate is checked, or the server is this machine.
  package var knowsServer: Bool { isLocal || sslMode == .verifyFull || sslMode == .verifyCA }

  /// The names of a host list, in lower case, without a dot at the end; an entry without a name is left out, as a connection
  /// leaves it out.
  package static func hosts(_ list: String) -> [String] { hostEntries(list).filter { !$0.isEmpty } }

  /// The entries of a host list as ``hosts(_:)`` reads them, the empty ones included.
  package static func hostEntries(_ list: String) -> [String] {
    list.split(separator: ",", omittingEmptySubsequences: false).map { name in
      let name = name.trimmingSpaceAndTab().asciiLowercased()
      return name.hasSuffix(".") ? String(name.dropLast()) : name
    }
  }
}

/// What every connection of a pool shares beside its target.
package struct ConnectionOptions: Sendable {
  /// Seconds one address may take to connect, sign-in included. libpq counts `connect_timeout` per address as well.
  package var connectTimeout: Double = 10
  /// Shown in `pg_stat_activity`.
  package var applicationName: String = "sluice"
  /// Settings fixed for the session.
  package var sessionSettings = SessionSetting.all
  /// Receives the server's notices and warnings. Their texts may hold row data: see ``ServerError/ownMessage``.
  package var onNotice: @Sendable (ServerError) -> Void = { _ in }

  package init() {}
}
