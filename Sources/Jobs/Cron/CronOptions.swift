package import Database
package import Essentials
package import Postgres
import Reporting

/// The options of pg_cron: where it is, and the jobs that it shall have.
package struct CronOptions: Sendable {
  /// `PG_CRON_HOST`; nil is `PG_HOST`, and so with the others.
  package var host: String?
  package var port: Int?
  package var user: String?
  package var password: Secret?
  package var database = "postgres"
  package var authentication: DatabaseAuthentication?
  package var sslMode: PostgresTarget.SSLMode?
  package var rootCertificateFile: String?
  /// The `cron` part of the settings file; nil where it has none.
  package var declaration: CronDeclaration?

  package init() {}

  /// The server of pg_cron: what is not set of its own is that of the work database. Its password goes to no other server and stands
  /// for no other role.
  package func server(beside work: DatabaseServer) -> CronServer {
    var server = work
    server.host = host ?? work.host
    server.port = port ?? work.port
    server.user = user ?? work.user
    server.database = database
    server.authentication = authentication ?? work.authentication
    server.sslMode = sslMode ?? work.sslMode
    server.rootCertificateFile = rootCertificateFile ?? work.rootCertificateFile
    let isSame = server.host == work.host && server.port == work.port && server.user == work.user
    server.password = password ?? (isSame ? work.password : nil)
    let lacksPassword =
      !isSame && password == nil && work.password != nil && server.authentication(host: server.host ?? "") == .password
    return CronServer(server: server, lacksPassword: lacksPassword)
  }
}

/// A server with pg_cron, and how the program signs in to it.
package struct CronServer: Sendable {
  package var server: DatabaseServer
  /// Only the work database's password is known, which is not sent to another server or for another role.
  package var lacksPassword: Bool

  /// - Throws: ``JobError`` `own_password_needed`, and as `DatabaseServer.target`.
  package func target() throws -> PostgresTarget {
    guard !lacksPassword else {
      throw JobError(
        .ownPasswordNeeded,
        "not set, and PG_PASSWORD is not sent to another server or for another role than those of PG_HOST, PG_PORT and PG_USER; set the password "
          + "of PG_CRON_USER, or PG_CRON_AUTH=entra", field: "PG_CRON_PASSWORD")
    }
    return try server.target()
  }
}

/// The pg_cron of a program: its server and connections to it.
package struct CronContext: Sendable {
  package var server: CronServer
  package var pools: ConnectionPools
  package var declaration: CronDeclaration?
  /// The statement of a maintenance task that pg_cron can run.
  package var maintenance: @Sendable (String) throws -> String = { task in
    throw JobError(
      .badField, "there is no maintenance task \"\(task)\" that pg_cron can run; there are none",
      field: "run.maintenance")
  }

  package init(server: CronServer, pools: ConnectionPools, declaration: CronDeclaration?) {
    (self.server, self.pools, self.declaration) = (server, pools, declaration)
  }
}
