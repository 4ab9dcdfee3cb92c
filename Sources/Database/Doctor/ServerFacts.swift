import Essentials
package import Foundation
package import Postgres

/// What the server tells of itself, of this database, and of a role.
package struct ServerFacts: Sendable {
  package let version: String
  /// As `server_version_num`: 150004 is 15.4.
  package let versionNumber: Int
  /// The server's clock.
  package let clock: Date
  package let database: String
  /// Who signed in.
  package let sessionRole: String
  package let isStandby: Bool
  package let hasRole, mayLogIn, isSuperuser, isExpired: Bool
  /// Connections that may be had at most, and that are open: of the server, of the database, of the role.
  package let limits: [(of: String, maximum: Int, used: Int)]
  /// The protocol of TLS; nil without.
  package let tls: String?
  package let timescaledb, license: String?
  /// The values that the role has after sign-in.
  package let settings: [String: String]
  /// Replicas, and those whose state may not be read.
  package let replicas, hiddenReplicas: Int
  /// Replicas that have not replayed all, and of which no lag was measured.
  package let unknownLags: Int
  /// Seconds; nil where there is no replica, or its lag is not known.
  package let replayLag: Double?
  /// Replication slots that nobody reads, and the bytes of WAL that the worst of them keeps.
  package let idleSlots: Int
  package let slotBytes: Int?

  package static func read(of role: String, on connection: PostgresConnection) async throws -> ServerFacts {
    let row = try await connection.query(SetupTemplate.fill(SQL.serverFacts, ["role": SQL.literal(role)])).rows[0]
    return try ServerFacts(row)
  }

  init(_ row: PostgresRow) throws {
    version = try row.decode("version")
    versionNumber = try row.decode("version_number")
    clock = Date(timeIntervalSince1970: try row.decode("clock"))
    database = try row.decode("database")
    sessionRole = try row.decode("session_role")
    isStandby = try row.decode("is_standby")
    hasRole = try row.decode("has_role")
    mayLogIn = try row.decode("may_login")
    isSuperuser = try row.decode("is_superuser")
    isExpired = try row.decodeIfPresent("is_expired") ?? false
    let reserved: Int = isSuperuser ? 0 : try row.decode("reserved")
    var limits = [
      ("the server", try row.decode("maximum", as: Int.self) - reserved, try row.decode("used", as: Int.self))
    ]
    if let limit: Int = try row.decodeIfPresent("database_limit") {
      limits.append(("the database", limit, try row.decode("database_used")))
    }
    if let limit: Int = try row.decodeIfPresent("role_limit") {
      limits.append(("the role", limit, try row.decode("role_used")))
    }
    self.limits = limits.map { (of: $0.0, maximum: $0.1, used: $0.2) }
    tls = try row.decodeIfPresent("tls")
    timescaledb = try row.decodeIfPresent("timescaledb")
    license = try row.decodeIfPresent("license")
    let text: String = try row.decode("settings")
    settings = (try? JSONValue(parsing: Array(text.utf8)))?.object?.compactMapValues(\.string) ?? [:]
    replicas = try row.decode("replicas")
    hiddenReplicas = try row.decode("hidden_replicas")
    unknownLags = try row.decode("unknown_lags")
    replayLag = try row.decodeIfPresent("replay_lag")
    idleSlots = try row.decode("idle_slots")
    slotBytes = try row.decodeIfPresent("slot_bytes")
  }
}
