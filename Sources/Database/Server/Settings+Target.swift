import Essentials
import Foundation
import Postgres

extension Settings {
  /// How the program proves itself to `host`: `PG_AUTH`; else by a token where no password is set and the host is a
  /// flexible server's.
  public func authentication(host: String) -> DatabaseAuthentication {
    pgAuth ?? (pgPassword == nil && DatabaseCloud(hosts: host) != nil ? .entra : .password)
  }

  /// The configured database server.
  /// - Parameter ownPassword: whether the caller signs in with a password of its own, and not with the settings'.
  /// - Throws: ``JobError`` `not_configured`, naming what is missing; `unverified_server` where a token would be sent to
  ///   a server that nobody checks.
  public func target(database: String? = nil, ownPassword: Bool = false) throws -> PostgresTarget {
    let host = try required(pgHost, "PG_HOST")
    var target = PostgresTarget(
      host: host, port: pgPort, database: try database ?? required(pgDatabase, "PG_DATABASE"),
      user: try required(pgUser, "PG_USER"))
    let sendsToken = !ownPassword && authentication(host: host) == .entra
    target.sslMode = sslMode(host: host, sendsToken: sendsToken)
    target.rootCertificateFile = roots(target.sslMode)
    if sendsToken { try check(target) }
    return target
  }

  private func required(_ value: String?, _ name: String) throws -> String {
    guard let value else {
      throw JobError(
        .invalid, code: "not_configured", "\(name) is not set; set it to reach the database", field: name)
    }
    return value
  }

  /// The TLS mode towards `host`: `PG_SSLMODE`, or what its kind of server and of password ask for.
  func sslMode(host: String, sendsToken: Bool) -> PostgresTarget.SSLMode {
    if let pgSSLMode { return pgSSLMode }
    let isLocal = PostgresTarget(host: host, database: "", user: "").isLocal
    return DatabaseCloud(hosts: host) != nil || sendsToken && !isLocal ? .verifyFull : .require
  }

  /// Only where the certificate is checked: libpq takes `require` with roots for `verify-ca`.
  private func roots(_ mode: PostgresTarget.SSLMode) -> String? {
    if let pgRootCertificateFile { return pgRootCertificateFile }
    guard mode == .verifyFull || mode == .verifyCA, !hasLibpqRoots else { return nil }
    return SystemRoots.file
  }

  /// A token opens the database to whoever has it: it goes to a server whose certificate is checked, or to this machine.
  private func check(_ target: PostgresTarget) throws {
    let problem: String
    if !target.knowsServer {
      problem = "with sslmode \(target.sslMode.rawValue) nobody checks who gets it"
    } else if !target.isLocal, target.sslMode == .verifyCA, pgRootCertificateFile == nil, !hasLibpqRoots {
      problem = "verify-ca against the system's roots takes any server with a public certificate"
    } else {
      return
    }
    throw JobError(
      .invalid, code: "unverified_server",
      "PG_SSLMODE: a token is the password for \(target.host), and \(problem); set PG_SSLMODE (sslmode of a request) to "
        + "verify-full, or set PG_PASSWORD and PG_AUTH=password", field: "PG_SSLMODE")
  }
}
