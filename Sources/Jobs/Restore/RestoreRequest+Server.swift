import Database
import Essentials
import Postgres
import Reporting

extension RestoreRequest.Server {
  /// The server to load into: the settings' server with the request's changes, and the request's or the path's
  /// database.
  /// - Throws: ``JobError`` `host_not_allowed`, `own_password_needed`, `not_configured`, `unverified_server`.
  func target(database fromPath: String, _ settings: DatabaseServer) throws -> PostgresTarget {
    if let host { try Self.allow(host, settings) }
    var changed = settings
    changed.host = host ?? settings.host
    changed.port = port ?? settings.port
    changed.user = user ?? settings.user
    changed.sslMode = sslMode ?? settings.sslMode
    let target: PostgresTarget
    do {
      target = try changed.target(database: database ?? fromPath, ownPassword: password != nil)
    } catch var error as JobError where error.code == .unverifiedServer && (sslMode != nil || host != nil) {
      error.field = "pg.sslmode"
      throw error
    }
    if password == nil { try keepPassword(target, settings) }
    return target
  }

  /// Refuses to sign in with the settings' password, token or password file where the request changes the port, the
  /// role or the TLS mode: another program may listen on another port, another role has other rights, and a weaker TLS
  /// mode can reveal the password to an attacker.
  private func keepPassword(_ target: PostgresTarget, _ settings: DatabaseServer) throws {
    func refusal(_ field: String, _ change: String) -> JobError {
      JobError(
        .ownPasswordNeeded,
        "\(change) needs the caller's own password; the program's password is only for the server and role of its "
          + "settings. Pass \(field: "pg.password"), or leave \(field: "pg.\(field)") out", field: "pg.\(field)")
    }
    if target.port != settings.port { throw refusal("port", "another port than the configured \(settings.port)") }
    if let own = settings.user, !own.utf8.elementsEqual(target.user.utf8) {
      throw refusal("user", "another role than the configured one")
    }
    // The default mode depends on the host, so the comparison uses the settings' mode for this host.
    let configured = settings.sslMode(
      host: target.host, sendsToken: settings.authentication(host: target.host) == .entra)
    guard target.sslMode.strength >= configured.strength else {
      throw refusal("sslmode", "\(target.sslMode.rawValue), weaker than the configured \(configured.rawValue),")
    }
  }

  /// Refuses a host that the operator has not allowed.
  private static func allow(_ hosts: String, _ settings: DatabaseServer) throws {
    let allowed = Set(PostgresTarget.hosts(settings.host ?? "") + settings.allowedHosts)
    for name in PostgresTarget.hostEntries(hosts) where !allowed.contains(name) {
      throw JobError(
        .hostNotAllowed,
        "the host \(JSONValue.string(name).brief) is not allowed; the operator can add it to PG_ALLOWED_HOSTS",
        field: "pg.host")
    }
  }
}
