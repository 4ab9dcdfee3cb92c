import Foundation
import Glibc
import TestSupport
import Testing

@testable import Database

/// A database with the retention's schema: an owner role that cannot log in, a caller with EXECUTE only, and tables of hourly
/// readings from 2024-01-04 to 2024-01-17, which is two chunks of seven days.
struct RetentionDatabase: Sendable {
  /// How a table is divided, and how the first of its units stores its rows.
  enum Kind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case dayChunks, weekChunks, compressedDays, compressedWeeks, partialDays, partialWeeks, partitions, plain

    var isHypertable: Bool { self != .partitions && self != .plain }
    var isWeekly: Bool { [.weekChunks, .compressedWeeks, .partialWeeks, .partitions].contains(self) }
    var isCompressed: Bool { [.compressedDays, .compressedWeeks, .partialDays, .partialWeeks].contains(self) }
    var testDescription: String { rawValue }
    static var native: [Kind] { [.partitions, .plain] }
    static var all: [Kind] { PostgresServer.hasTimescale ? allCases : native }
    /// Rows of the first unit.
    var rows: Int { isWeekly ? 7 * 24 : 24 }
  }

  let server: PostgresServer
  let name: String
  let schema: String
  var owner: String { "owner_\(name)" }
  var caller: String { "caller_\(name)" }
  var other: String { "other_\(name)" }

  private static let sharedTask = Task { try await RetentionDatabase() }
  /// psql may end before it has read all of a script that fails.
  private static let ignoresBrokenPipes = {
    _ = signal(SIGPIPE, SIG_IGN); return true
  }()
  /// One for tests that look at tables of their own only.
  static var shared: RetentionDatabase { get async throws { try await sharedTask.value } }

  init(
    server: PostgresServer? = nil, timescale: Bool = PostgresServer.hasTimescale, schema: String = "admin",
    allowed: [String] = ["events"]
  ) async throws {
    #expect(Self.ignoresBrokenPipes)
    let home: PostgresServer
    if let server {
      home = server
    } else if timescale {
      home = try await TimescaleServer.shared.value
    } else {
      home = try await PostgresServer.shared
    }
    self.server = home
    self.schema = schema
    name = try await home.makeDatabase("ret")
    let extensions = timescale ? "CREATE SCHEMA tool; CREATE EXTENSION timescaledb SCHEMA tool;" : ""
    try await psql(
      """
      \(extensions)
      CREATE ROLE \(owner) NOLOGIN; CREATE ROLE \(caller) LOGIN; CREATE ROLE \(other) LOGIN;
      CREATE SCHEMA events AUTHORIZATION \(owner); GRANT USAGE ON SCHEMA events TO \(caller), \(other);
      \(timescale ? "GRANT USAGE ON SCHEMA tool TO \(owner);" : "")
      """)
    // As restores make it.
    try await psql("CREATE SCHEMA sluice; \(SQL.holdTable)")
    try await apply(allowed: allowed)
  }

  /// Runs the script in one transaction, as the superuser.
  func apply(allowed: [String] = ["events"]) async throws {
    let script = AdminSchema.script(schema: schema, owner: owner, allowedSchemas: allowed)
    try await psql("BEGIN; \(script) COMMIT")
    // What the setup grants.
    var subject = SetupSubject(role: caller)
    (subject.adminSchema, subject.owner, subject.schemas, subject.policiesBy) = (schema, owner, allowed, other)
    let items = RetentionPart.items(for: subject, password: "")
    try await psql(
      "SELECT statement FROM (\(items)) i WHERE kind <> 'script' AND state = 'missing' AND schema_name = $name$\(schema)$name$ \\gexec\n"
    )
  }

  @discardableResult
  func psql(_ sql: String) async throws -> String {
    try await server.psql(name, "SET client_min_messages = error; \(sql)")
  }

  /// Runs SQL as a role that signs in by itself.
  @discardableResult
  func psql(as role: String, _ sql: String) async throws -> String {
    let result = try await attempt(as: role, sql)
    guard result.status == 0 else { throw CommandFailure(description: result.errors) }
    return result.output.trimmingCharacters(in: .newlines)
  }

  /// The same, with its failure as a result.
  func attempt(as role: String, _ sql: String) async throws -> CommandResult {
    try await run(
      "\(PostgresServer.binaries)/psql",
      [
        "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", server.socketDirectory, "-p", "\(server.port)", "-U",
        role,
        "-d", name,
      ], input: sql)
  }

  /// Makes `events.<table>` with its rows, a policy, and an archived day for each of its days.
  func makeTable(_ table: String, _ kind: Kind, keep: String = "30 days") async throws {
    let width = kind.isWeekly ? 7 : 1
    let columns = "at timestamptz NOT NULL, device int NOT NULL, value int, UNIQUE (at, device)"
    var sql = "SET timezone = 'UTC'; SET ROLE \(owner); CREATE TABLE events.\(table) (\(columns))"
    switch kind {
    case .partitions:
      sql += " PARTITION BY RANGE (at);"
      for (part, first) in [4, 11].enumerated() {
        sql +=
          "CREATE TABLE events.\(table)_\(part) PARTITION OF events.\(table) FOR VALUES FROM ('2024-01-\(first)') TO ('2024-01-\(first + 7)');"
      }
    case .plain: sql += ";"
    default:
      sql +=
        "; SELECT tool.create_hypertable('events.\(table)', 'at', chunk_time_interval => interval '\(width) days') \\g /dev/null\n"
    }
    sql +=
      "INSERT INTO events.\(table) SELECT t, 1, 0 FROM generate_series('2024-01-04'::timestamptz, '2024-01-17 23:00', '1 hour') t;"
    if kind.isHypertable, kind != .dayChunks, kind != .weekChunks {
      sql += """
        ALTER TABLE events.\(table) SET (timescaledb.compress, timescaledb.compress_segmentby = 'device');
        SELECT tool.compress_chunk(c) FROM tool.show_chunks('events.\(table)') c \\g /dev/null
        """
    }
    if kind == .partialDays || kind == .partialWeeks {
      sql +=
        "\nINSERT INTO events.\(table) SELECT t, 2, 0 FROM generate_series('2024-01-04 00:30'::timestamptz, '2024-01-17 23:30', '1 day') t;"
    }
    try await psql(sql)
    try await psql(
      as: other,
      "SELECT \(admin).set_policy('events.\(table)', '\(keep)', p_time_column => 'at') \\g /dev/null\n")
    try await prove(table)
  }

  var admin: String { "\"\(schema.replacing("\"", with: "\"\""))\"" }

  /// Waits until no transaction from before is left on the server, which others share.
  func settle() async throws {
    let now = try await psql("SELECT pg_current_xact_id()")
    try await eventually { try await psql("SELECT pg_snapshot_xmin(pg_current_snapshot()) > '\(now)'::xid8") == "t" }
  }

  /// Writes the archived days of the table as they are now.
  func prove(_ table: String) async throws {
    try await settle()
    try await psql(
      """
      SET timezone = 'UTC';
      DELETE FROM \(admin).archived_day WHERE table_name = '\(table)';
      INSERT INTO \(admin).archived_day
      SELECT 'events', '\(table)', d::date, 'at', d::text, (d + interval '1 day')::text,
        (SELECT count(*) FROM events.\(table) t WHERE t.at >= d AND t.at < d + interval '1 day'), 'hash', 'sha-' || d::date,
        'path-' || d::date, now(), pg_snapshot_xmin(pg_current_snapshot()), 'events.\(table)'::regclass
      FROM generate_series('2024-01-04'::timestamptz, '2024-01-17', '1 day') d
      """)
  }

  /// Chooses the Apache edition of the extension, which only a start of the server can.
  func restartUnderApache() async throws {
    try await psql("ALTER SYSTEM SET timescaledb.license = 'apache'")
    try await server.restart()
  }

  /// The oldest unit's OID; nil for a plain table.
  func firstUnit(_ table: String, _ kind: Kind) async throws -> String? {
    switch kind {
    case .plain: nil
    case .partitions: try await psql("SELECT 'events.\(table)_0'::regclass::oid")
    default:
      try await psql(
        """
        SELECT format('%I.%I', chunk_schema, chunk_name)::regclass::oid FROM timescaledb_information.chunks
        WHERE hypertable_name = '\(table)' ORDER BY range_start LIMIT 1
        """)
    }
  }

  /// The moment of the proofs.
  func since(_ table: String) async throws -> String {
    try await psql("SELECT min(snapshot_xmin::text::int8) FROM \(admin).archived_day WHERE table_name = '\(table)'")
  }

  /// The statement that drops the first unit, which gives `outcome|reason|rows`.
  func dropping(_ table: String, _ unit: String?, since: String? = nil, dryRun: Bool = false) -> String {
    let proof = since.map { "'\($0)'" } ?? "NULL"
    let call =
      unit.map { "drop_unit('events.\(table)', \($0)::oid, \(proof), \(dryRun))" }
      ?? "delete_rows('events.\(table)', '2024-01-04', \(proof), \(dryRun))"
    return "SELECT concat_ws('|', outcome, coalesce(reason, '-'), coalesce(rows, -1)) FROM \(admin).\(call)"
  }

  /// Drops the first unit as the caller.
  func drop(_ table: String, _ unit: String?, since: String? = nil, dryRun: Bool = false) async throws -> String {
    try await psql(as: caller, dropping(table, unit, since: since, dryRun: dryRun))
  }

  func count(_ table: String) async throws -> Int {
    try #require(Int(try await psql("SELECT count(*) FROM events.\(table)")))
  }
}
