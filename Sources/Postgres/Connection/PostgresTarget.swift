import Essentials

/// Where to connect and as whom: the key of a pool. It holds no secret.
public struct PostgresTarget: Sendable, Hashable, CustomStringConvertible {
  /// How TLS is used, with libpq's names (libpq, `sslmode`).
  public enum SSLMode: String, Sendable, CaseIterable {
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
    public var strength: Int { Self.allCases.firstIndex(of: self) ?? 0 }
  }

  /// A host name, an address, a socket directory (begins with `/`), or a comma-separated list of them.
  public var host: String
  /// TCP port, 1...65535.
  public var port: Int
  /// Database name.
  public var database: String
  /// Role name.
  public var user: String
  /// TLS mode; without effect on a socket directory.
  public var sslMode: SSLMode
  /// A PEM file of trusted roots for `verify-ca` and `verify-full`; nil is libpq's default.
  public var rootCertificateFile: String?

  /// Names a target.
  public init(
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
  public static func == (one: PostgresTarget, other: PostgresTarget) -> Bool {
    one.port == other.port && one.sslMode == other.sslMode
      && one.names.elementsEqual(other.names) { $0.utf8.elementsEqual($1.utf8) }
  }

  /// By what makes two targets the same.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(port)
    hasher.combine(sslMode)
    for name in names {
      for byte in name.utf8 { hasher.combine(byte) }
      hasher.combine(UInt8(0xFF))
    }
  }

  /// Everything that is text; what is nil is a text no name can be.
  private var names: [String] { [host, database, user, rootCertificateFile ?? "\0"] }

  /// `user@host:port/database`.
  public var description: String { "\(user)@\(host):\(port)/\(database)" }

  /// Whether every host of it is a socket directory or an address of this machine.
  public var isLocal: Bool {
    let hosts = Self.hosts(host)
    return !hosts.isEmpty
      && hosts.allSatisfy { host in
        host.hasPrefix("/") || host.hasPrefix("@") || host == "localhost" || host == "::1"
          || host.wholeMatch(of: #/127(\.[0-9]{1,3}){3}/#) != nil
      }
  }

  /// Whether it is certain who gets the password: the server's certificate is checked, or the server is this machine.
  public var knowsServer: Bool { isLocal || sslMode == .verifyFull || sslMode == .verifyCA }

  /// The names of a host list, in lower case, without a dot at the end.
  public static func hosts(_ list: String) -> [String] {
    list.split(separator: ",").map { name in
      let name = name.trimmingSpaceAndTab().asciiLowercased()
      return name.hasSuffix(".") ? String(name.dropLast()) : name
    }.filter { !$0.isEmpty }
  }
}

/// What every connection of a pool shares beside its target.
public struct ConnectionOptions: Sendable {
  /// Seconds one address may take to connect, sign-in included. libpq counts `connect_timeout` per address as well.
  public var connectTimeout: Double = 10
  /// Shown in `pg_stat_activity`.
  public var applicationName: String = "sluice"
  /// Settings fixed for the session.
  public var sessionSettings = SessionSetting.all
  /// Receives the server's notices and warnings. Their texts may hold row data: see ``ServerError/ownMessage``.
  public var onNotice: @Sendable (ServerError) -> Void = { _ in }

  /// The defaults.
  public init() {}
}
