import Postgres

/// A transaction as its server knows it.
///
/// The id alone proves little. A standby that is promoted gives ids again, and so does a server after a crash: ids whose WAL
/// was not flushed. So the timeline and the run of the server belong to it.
struct TransactionIdentity: Sendable, Equatable {
  /// The id with its epoch (`xid8`).
  let id: String
  /// Where the id is valid; nil where the role may not ask for it.
  let server: ServerRun?
  /// The server process of its session.
  let pid: Int
  /// The SQL expression of the id's status.
  let status: String
  /// The SQL expression of whether a statement's snapshot shows the transaction as ended.
  let hasEnded: String

  init(id: String, server: ServerRun?, pid: Int, serverVersion: Int) {
    let isNew = serverVersion >= 130_000
    self.id = id
    self.server = server
    self.pid = pid
    status = isNew ? "pg_catalog.pg_xact_status('\(id)')" : "pg_catalog.txid_status(\(id))"
    hasEnded = "pg_catalog.txid_visible_in_snapshot(\(id), pg_catalog.txid_current_snapshot())"
  }

  /// The identity of the transaction in progress on `connection`; nil when it has written nothing.
  static func read(on connection: PostgresConnection) async throws -> TransactionIdentity? {
    let version = await connection.serverVersion
    let name = version >= 130_000 ? "pg_current_xact_id_if_assigned" : "txid_current_if_assigned"
    let id: String? = try await connection.query("SELECT pg_catalog.\(name)()::pg_catalog.text AS id").rows[0]
      .decodeIfPresent("id")
    guard let id else { return nil }
    // The right to the functions may have been revoked: their failure must not fail the load.
    try await connection.query("SAVEPOINT sluice_server_run")
    let server = try? await ServerRun.read(on: connection)
    try await connection.query("ROLLBACK TO SAVEPOINT sluice_server_run")
    return TransactionIdentity(id: id, server: server, pid: await connection.backendProcessID, serverVersion: version)
  }
}

/// A server from its start, a crash or its promotion to the next one.
struct ServerRun: Sendable, Equatable {
  /// The first part of a WAL file's name.
  let timeline: String
  /// When the server was started, and when its statistics began: a crash that the server itself recovers from begins them
  /// again (PostgreSQL documentation, "The Cumulative Statistics System"). An administrator can do so too, which only makes the
  /// id prove nothing.
  let start: String

  private static let timelineSQL =
    "pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)"

  private static func time(_ function: String) -> String {
    "COALESCE(pg_catalog.to_char(pg_catalog.timezone('UTC', pg_catalog.\(function)()), 'YYYY-MM-DD HH24:MI:SS.US'), '')"
  }

  private static let startSQL =
    "\(time("pg_postmaster_start_time")) || '/' || \(time("pg_stat_get_bgwriter_stat_reset_time"))"

  static func read(on connection: PostgresConnection) async throws -> ServerRun {
    let row = try await connection.query("SELECT \(timelineSQL) AS timeline, \(startSQL) AS start").rows[0]
    return ServerRun(timeline: try row.decode("timeline"), start: try row.decode("start"))
  }

  /// The SQL condition that a server is in this run.
  var condition: String { "\(Self.timelineSQL) = '\(timeline)' AND \(Self.startSQL) = '\(start)'" }
}
