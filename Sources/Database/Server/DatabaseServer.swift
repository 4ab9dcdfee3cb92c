package import Essentials
import Foundation
package import Postgres
import Reporting

/// The settings of the database server: its address, and how the program signs in.
package struct DatabaseServer: Sendable {
  /// `PG_HOST`. Jobs that need it fail when it is nil.
  package var host: String?
  /// `PG_PORT`.
  package var port = 5432
  /// `PG_DATABASE` or `PG_DB`.
  package var database: String?
  /// `PG_USER`.
  package var user: String?
  /// `PG_PASSWORD`.
  package var password: Secret?
  /// `PG_AUTH`; nil depends on the host, see ``authentication(host:)``.
  package var authentication: DatabaseAuthentication?
  /// `PG_SSLMODE`; nil is `verify-full` for Azure's servers and wherever a token is sent, else `require`.
  package var sslMode: PostgresTarget.SSLMode?
  /// `PG_SSLROOTCERT`: a PEM file of trusted roots; nil is the system's.
  package var rootCertificateFile: String?
  /// libpq's variable `PGSSLROOTCERT` is set; it names the roots unless `PG_SSLROOTCERT` does.
  package var hasLibpqRoots = false
  /// `PG_ALLOWED_HOSTS`: the hosts that a request may name, beside the configured host.
  package var allowedHosts: [String] = []

  package init() {}

  /// How the program signs in to `host`: as `PG_AUTH` says; else with a token where no password is set and the host is
  /// a flexible server.
  package func authentication(host: String) -> DatabaseAuthentication {
    authentication ?? (password == nil && DatabaseCloud(hosts: host) != nil ? .entra : .password)
  }

  /// The configured server as a connection target.
  /// - Parameter ownPassword: whether the request brings its own password, in place of the settings'.
  /// - Throws: ``JobError`` `not_configured`, with the missing setting; `unverified_server` where a token would be sent
  ///   to a server whose certificate is not checked.
  package func target(database: String? = nil, ownPassword: Bool = false) throws -> PostgresTarget {
    let host = try required(host, "PG_HOST")
    var target = PostgresTarget(
      host: host, port: port, database: try database ?? required(self.database, "PG_DATABASE"),
      user: try required(user, "PG_USER"))
    let sendsToken = !ownPassword && authentication(host: host) == .entra
    target.sslMode = sslMode(host: host, sendsToken: sendsToken)
    target.rootCertificateFile = roots(target.sslMode)
    if sendsToken { try check(target) }
    return target
  }

  private func required(_ value: String?, _ name: String) throws -> String {
    guard let value else { throw JobError(.notConfigured, "not set; set it to reach the database", field: name) }
    return value
  }

  /// The TLS mode for `host`: `PG_SSLMODE`, or the default for the kind of server and of password.
  package func sslMode(host: String, sendsToken: Bool) -> PostgresTarget.SSLMode {
    if let sslMode { return sslMode }
    let isLocal = PostgresTarget(host: host, database: "", user: "").isLocal
    return DatabaseCloud(hosts: host) != nil || sendsToken && !isLocal ? .verifyFull : .require
  }

  /// The file of trusted roots. Without `PG_SSLROOTCERT` only modes that check the certificate get one: libpq treats
  /// `require` with a root file as `verify-ca`.
  private func roots(_ mode: PostgresTarget.SSLMode) -> String? {
    if let rootCertificateFile { return rootCertificateFile }
    guard mode == .verifyFull || mode == .verifyCA, !hasLibpqRoots else { return nil }
    return SystemRoots.file
  }

  /// Refuses to send a token to a server whose certificate is not checked, except on this machine: whoever receives the
  /// token can sign in with it.
  private func check(_ target: PostgresTarget) throws {
    let problem: String
    if !target.knowsServer {
      problem = "sslmode \(target.sslMode.rawValue) does not check the server's certificate"
    } else if !target.isLocal, target.sslMode == .verifyCA, rootCertificateFile == nil, !hasLibpqRoots {
      problem = "verify-ca with the system's roots accepts any server with a public certificate"
    } else {
      return
    }
    throw JobError(
      .unverifiedServer,
      "a token would be sent to \(target.host) as the password, but \(problem); set PG_SSLMODE (for a restore also "
        + "\(field: "pg.sslmode")) to verify-full, or set PG_PASSWORD and PG_AUTH=password", field: "PG_SSLMODE")
  }
}
