package import Essentials
import Foundation
package import Postgres
import Reporting

/// The database server of the settings: where it is, and how the program signs in.
package struct DatabaseServer: Sendable {
  /// `PG_HOST`: nil when not set; jobs that need it say so.
  package var host: String?
  /// `PG_PORT`.
  package var port = 5432
  /// `PG_DATABASE` or `PG_DB`.
  package var database: String?
  /// `PG_USER`.
  package var user: String?
  /// `PG_PASSWORD`.
  package var password: Secret?
  /// `PG_AUTH`: nil is by host, see ``authentication(host:)``.
  package var authentication: DatabaseAuthentication?
  /// `PG_SSLMODE`: nil is `verify-full` for Azure's servers and wherever a token is sent, else `require`.
  package var sslMode: PostgresTarget.SSLMode?
  /// `PG_SSLROOTCERT`: a PEM file of trusted roots; nil is the system's.
  package var rootCertificateFile: String?
  /// libpq's own `PGSSLROOTCERT` is set, and names the roots unless `PG_SSLROOTCERT` does.
  package var hasLibpqRoots = false
  /// `PG_ALLOWED_HOSTS`: where a request may point, beside the configured host.
  package var allowedHosts: [String] = []

  package init() {}

  /// How the program proves itself to `host`: `PG_AUTH`; else by a token where no password is set and the host is a
  /// flexible server's.
  package func authentication(host: String) -> DatabaseAuthentication {
    authentication ?? (password == nil && DatabaseCloud(hosts: host) != nil ? .entra : .password)
  }

  /// The configured server as a target of connections.
  /// - Parameter ownPassword: whether the caller signs in with a password of its own, and not with the settings'.
  /// - Throws: ``JobError`` `not_configured`, naming what is missing; `unverified_server` where a token would be sent to
  ///   a server that nobody checks.
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

  /// The TLS mode towards `host`: `PG_SSLMODE`, or what its kind of server and of password ask for.
  package func sslMode(host: String, sendsToken: Bool) -> PostgresTarget.SSLMode {
    if let sslMode { return sslMode }
    let isLocal = PostgresTarget(host: host, database: "", user: "").isLocal
    return DatabaseCloud(hosts: host) != nil || sendsToken && !isLocal ? .verifyFull : .require
  }

  /// Only where the certificate is checked: libpq takes `require` with roots for `verify-ca`.
  private func roots(_ mode: PostgresTarget.SSLMode) -> String? {
    if let rootCertificateFile { return rootCertificateFile }
    guard mode == .verifyFull || mode == .verifyCA, !hasLibpqRoots else { return nil }
    return SystemRoots.file
  }

  /// A token opens the database to whoever has it: it goes to a server whose certificate is checked, or to this machine.
  private func check(_ target: PostgresTarget) throws {
    let problem: String
    if !target.knowsServer {
      problem = "with sslmode \(target.sslMode.rawValue) nobody checks who gets it"
    } else if !target.isLocal, target.sslMode == .verifyCA, rootCertificateFile == nil, !hasLibpqRoots {
      problem = "verify-ca against the system's roots takes any server with a public certificate"
    } else {
      return
    }
    throw JobError(
      .unverifiedServer,
      "a token is the password for \(target.host), and \(problem); set PG_SSLMODE (sslmode of a request) to verify-full, or "
        + "set PG_PASSWORD and PG_AUTH=password", field: "PG_SSLMODE")
  }
}
