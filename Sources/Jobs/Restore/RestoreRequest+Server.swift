import Essentials
import Postgres

extension RestoreRequest.Server {
  /// The server to load into: the settings' one with what the request changes, and the path's database.
  /// - Throws: ``JobError`` `host_not_allowed`, `own_password_needed`, `not_configured`, `unverified_server`.
  func target(database fromPath: String, _ settings: Settings) throws -> PostgresTarget {
    if let host { try Self.allow(host, settings) }
    var changed = settings
    changed.pgHost = host ?? settings.pgHost
    changed.pgPort = port ?? settings.pgPort
    changed.pgUser = user ?? settings.pgUser
    changed.pgSSLMode = sslMode ?? settings.pgSSLMode
    let target: PostgresTarget
    do {
      target = try changed.target(database: database ?? fromPath, ownPassword: password != nil)
    } catch var error as JobError where error.code == "unverified_server" && (sslMode != nil || host != nil) {
      error.field = "pg.sslmode"
      throw error
    }
    if password == nil { try keepPassword(target, settings) }
    return target
  }

  /// Refuses to sign in with the settings' password, token or password file where the settings would not: at another port
  /// somebody else may listen, another role is another right, and a weaker TLS mode shows the password to whoever asks.
  private func keepPassword(_ target: PostgresTarget, _ settings: Settings) throws {
    func refusal(_ field: String, _ change: String) -> JobError {
      JobError(
        .forbidden, code: "own_password_needed",
        "pg.\(field): \(change) needs the caller's own password; the program's is for the server and role of its settings. "
          + "Pass pg.password, or leave pg.\(field) out", field: "pg.\(field)")
    }
    if target.port != settings.pgPort { throw refusal("port", "another port than the configured \(settings.pgPort)") }
    if let own = settings.pgUser, !own.utf8.elementsEqual(target.user.utf8) {
      throw refusal("user", "another role than the configured one")
    }
    // As strict as the settings are for this host, whose default may be stricter than another's.
    let configured = settings.sslMode(
      host: target.host, sendsToken: settings.authentication(host: target.host) == .entra)
    guard target.sslMode.strength >= configured.strength else {
      throw refusal("sslmode", "\(target.sslMode.rawValue), weaker than the configured \(configured.rawValue),")
    }
  }

  /// Refuses a host that the operator has not allowed, before anything is sent to it.
  private static func allow(_ hosts: String, _ settings: Settings) throws {
    func names(_ list: String) -> [String] {
      list.split(separator: ",", omittingEmptySubsequences: false).map { name in
        let name = name.trimmingUnicodeWhitespace().asciiLowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
      }
    }
    let allowed = Set(names(settings.pgHost ?? "") + settings.pgAllowedHosts)
    for name in names(hosts) where name.isEmpty || !allowed.contains(name) {
      throw JobError(
        .forbidden, code: "host_not_allowed",
        "pg.host: the host \(JSONValue.string(name).brief) is not allowed; the operator can add it to PG_ALLOWED_HOSTS",
        field: "pg.host")
    }
  }
}
