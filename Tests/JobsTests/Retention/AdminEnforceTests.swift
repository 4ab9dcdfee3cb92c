import Database
import Foundation
import Postgres
import TestSupport
import Testing

@Suite("Retention by the database alone")
struct AdminEnforceTests {
  typealias Kind = RetentionDatabase.Kind

  @Test("One unit that fails keeps no other one: each is a transaction of its own, and the log has all of them")
  func goesOn() async throws {
    let database = try await RetentionDatabase()
    for kind in Kind.all { try await database.makeTable(kind.rawValue.lowercased(), kind) }
    // What refers to a partition by itself makes its DROP fail.
    try await database.psql(
      "SET ROLE \(database.owner); CREATE VIEW events.uses AS SELECT * FROM events.partitions_0; RESET ROLE; "
        + "DELETE FROM admin.archived_day WHERE table_name = 'plain' AND day = '2024-01-06'; "
        + "INSERT INTO events.plain VALUES ('2024-01-08 12:30+00', 9, 9)")
    try await database.psql(as: database.caller, "CALL admin.enforce_retention_all()")
    #expect(
      try await database.psql(
        "SELECT string_agg(outcome || ' ' || reason, ',' ORDER BY id) FROM admin.chunk_maintenance_log WHERE outcome NOT IN ('dropped', 'set')"
      )
        == "kept referenced,kept late_rows,kept no_archive")
    for kind in Kind.all {
      let rows = kind == .partitions ? 7 * 24 : kind == .plain ? 24 + 25 : 0
      #expect(try await database.count(kind.rawValue.lowercased()) == rows, "\(kind)")
    }
    // Each in a transaction of its own.
    #expect(
      try await database.psql(
        "SELECT count(DISTINCT xmin::text) = count(*) FROM admin.chunk_maintenance_log WHERE action LIKE 'd%'") == "t")
  }

  @Test("A changed row is noticed by the snapshot that the archive names, and not counted upon in another cluster")
  func snapshots() async throws {
    let database = try await RetentionDatabase(timescale: false)
    try await database.makeTable("readings", .partitions)
    try await database.psql("UPDATE events.readings SET value = 3 WHERE at = '2024-01-05 00:00+00'")
    try await database.psql(as: database.caller, "CALL admin.enforce_retention_all()")
    let log =
      "SELECT string_agg(outcome || coalesce(' ' || reason, ''), ',' ORDER BY id) FROM admin.chunk_maintenance_log WHERE action LIKE 'd%'"
    #expect(try await database.psql(log) == "kept changed_rows,dropped")
    try await database.psql("UPDATE admin.cluster SET system_identifier = 1")
    #expect(try await database.psql(as: database.caller, "SELECT count(since) FROM admin.retention_units()") == "0")
    try await database.apply()
    #expect(try await database.psql("SELECT count(snapshot_xmin) FROM admin.archived_day") == "0")
  }

  @Test(
    "Rows of a plain table stay where rules, triggers or a session would come between",
    arguments: ["rule", "trigger", "update", "child"])
  func plain(obstacle: String) async throws {
    let database = try await RetentionDatabase.shared
    let table = "rows_\(obstacle)"
    try await database.makeTable(table, .plain)
    let since = try await database.since(table)
    switch obstacle {
    case "rule":
      try await database.psql("CREATE RULE r AS ON DELETE TO events.\(table) DO INSTEAD NOTHING")
      #expect(try await database.drop(table, nil, since: since).hasPrefix("kept|referenced|"))
    case "trigger":
      try await database.psql(
        "CREATE FUNCTION events.\(table)_f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'; "
          + "CREATE TRIGGER t AFTER DELETE ON events.\(table) FOR EACH ROW EXECUTE FUNCTION events.\(table)_f()")
      #expect(try await database.drop(table, nil, since: since).hasPrefix("kept|referenced|"))
    case "child":
      try await database.psql("CREATE TABLE events.\(table)_child () INHERITS (events.\(table))")
      #expect(try await database.drop(table, nil, since: since).hasPrefix("refused|not_a_table|"))
    default:
      // Without a lock on the table: the session that changes a row ends while the DELETE waits for it.
      let other = try await AdminLockTests.session(database, database.server.superuser)
      try await other.query("BEGIN")
      try await other.query("UPDATE events.\(table) SET value = 8 WHERE at = '2024-01-04 03:00+00'")
      async let answer = database.drop(table, nil, since: since)
      try await eventually {
        try await database.psql(
          "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(database.name)' AND wait_event_type = 'Lock' AND query LIKE '%\(table)%'"
        ) == "1"
      }
      try await other.query("COMMIT")
      #expect(try await answer.hasPrefix("kept|changed_rows|"))
      await other.close()
    }
    #expect(try await database.count(table) == 14 * 24)
  }

  @Test("Policies and holds are checked, and each change is logged")
  func policies() async throws {
    let database = try await RetentionDatabase.shared
    try await database.makeTable("checked", .partitions)
    for wrong in [
      "set_policy('events.checked', '6 days')", "set_policy('events.checked', '0')",
      "set_policy('events.checked', '1 month', '31 days')",
      "set_policy('events.checked', '30 days', '-1 day')",
      "set_policy('events.checked', '30 days', p_clock => 'Nowhere')",
      "set_policy('events.checked', '30 days', p_time_column => 'value')", "set_policy('pg_class', '30 days')",
      "set_policy('events.checked', '30 days', p_hold_until => now() + interval '1 day')",
      "place_hold('events.checked', '  ')", "place_hold('events.checked', NULL)",
      "place_hold('events.checked', 'x', now() - interval '1 s')",
      "place_hold('events.checked', 'x', NULL, '2024-01-02', '2024-01-01')",
    ] {
      #expect(try await database.attempt(as: database.other, "SELECT admin.\(wrong)").status != 0, "\(wrong)")
    }
    let id = try await database.psql(as: database.other, "SELECT admin.place_hold('events.checked', 'law suit')")
    #expect(try await database.drop("checked", "'events.checked_0'::regclass") == "kept|on_hold|-1")
    #expect(try await database.psql(as: database.other, "SELECT admin.release_hold(\(id), 'over')") == "t")
    #expect(try await database.psql(as: database.other, "SELECT admin.release_hold(\(id), 'over')") == "f")
    #expect(try await database.drop("checked", "'events.checked_0'::regclass") == "dropped|-|168")
    #expect(
      try await database.psql(as: database.other, "SELECT admin.remove_policy('events', 'checked', 'no more')") == "t")
    #expect(
      try await database.psql(
        "SELECT string_agg(concat_ws(' ', action, outcome, caller), ',' ORDER BY id) FROM admin.chunk_maintenance_log "
          + "WHERE table_name = 'checked' AND action IN ('policy', 'hold', 'release')")
        == ["policy set", "hold placed", "release released", "policy removed"].map { "\($0) \(database.other)" }.joined(
          separator: ","))
  }

  @Test("An administrator who is no superuser makes the schema, makes it again without a change, and takes it back")
  func administrator() async throws {
    let database = try await RetentionDatabase(timescale: false, schema: "unused")
    let name = "admin_\(database.name)"
    try await database.psql(
      "CREATE ROLE \(name) LOGIN; GRANT \(database.owner) TO \(name); GRANT CREATE ON DATABASE \"\(database.name)\" TO \(name)"
    )
    let script = AdminSchema.script(schema: "Re tention", owner: database.owner, allowedSchemas: ["events"])
    let state = """
      SELECT md5(string_agg(x, ',' ORDER BY x)) FROM (
        SELECT pg_get_functiondef(oid) || proacl::text AS x FROM pg_proc WHERE pronamespace = '"Re tention"'::regnamespace
        UNION ALL SELECT relname || coalesce(relacl::text, '') FROM pg_class WHERE relnamespace = '"Re tention"'::regnamespace
      ) AS s
      """
    try await database.psql(as: name, "BEGIN; \(script) COMMIT")
    let first = try await database.psql(state)
    try await database.psql(as: name, "BEGIN; \(script) COMMIT")
    #expect(try await database.psql(state) == first)
    #expect(
      try await database.psql(
        "SELECT count(*) FROM pg_proc WHERE pronamespace = '\"Re tention\"'::regnamespace AND (proacl IS NULL OR proacl::text ~ '[{,]=X')"
      ) == "0")
    try await database.psql("INSERT INTO \"Re tention\".hold (table_schema, table_name, reason) VALUES ('a', 'b', 'c')")
    let removal = AdminSchema.removal(schema: "Re tention", owner: database.owner)
    #expect(try await database.attempt(as: name, "BEGIN; \(removal) COMMIT").errors.contains("has rows"))
    let forced = AdminSchema.removal(schema: "Re tention", owner: database.owner, force: true)
    try await database.psql(as: name, "BEGIN; \(forced) COMMIT")
    #expect(try await database.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'Re tention'") == "0")
    try await database.psql(as: name, "BEGIN; \(forced) COMMIT")
  }

  @Test(
    "Under the Apache edition chunks are dropped by their proofs, and compressed ones, which read as empty, are refused",
    .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
  func apache() async throws {
    let server = try await PostgresServer.withTimescale()
    let database = try await RetentionDatabase(server: server)
    for kind in Kind.allCases where kind.isHypertable {
      try await database.makeTable(kind.rawValue.lowercased(), kind)
    }
    try await database.restartUnderApache()
    for kind in Kind.allCases where kind.isHypertable {
      let table = kind.rawValue.lowercased()
      let unit = try await database.firstUnit(table, kind)
      let answer = try await database.drop(table, unit, since: database.since(table))
      if kind == .dayChunks || kind == .weekChunks {
        #expect(answer == "dropped|-|\(kind.rows)")
        try await database.psql("INSERT INTO events.\(table) VALUES ('2024-01-12 12:30+00', 9, 9)")
        let next = try await database.psql(
          "SELECT format('%I.%I', chunk_schema, chunk_name)::regclass::oid FROM timescaledb_information.chunks "
            + "WHERE hypertable_name = '\(table)' AND range_start <= '2024-01-12' AND range_end > '2024-01-12'")
        #expect(try await database.drop(table, next).hasPrefix("kept|late_rows|"))
      } else {
        #expect(answer == "refused|chunk_not_readable|-1")
      }
    }
    await server.stopAndWait()
  }

  @Test(
    "The space partitions of a range are one unit",
    .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
  func space() async throws {
    let database = try await RetentionDatabase.shared
    try await database.psql(
      """
      SET ROLE \(database.owner); CREATE TABLE events.space (at timestamptz NOT NULL, device int NOT NULL);
      SELECT tool.create_hypertable('events.space', 'at', 'device', 4, chunk_time_interval => interval '1 day');
      INSERT INTO events.space SELECT t, d FROM generate_series('2024-01-04 00:00+00'::timestamptz, '2024-01-17 23:00+00', '1 hour') t, generate_series(1, 20) d;
      """)
    try await database.psql(as: database.other, "SELECT admin.set_policy('events.space', '30 days')")
    try await database.prove("space")
    let unit = try await database.firstUnit("space", .dayChunks)
    #expect(try await database.drop("space", unit, since: database.since("space")) == "dropped|-|480")
    #expect(try await database.count("space") == 13 * 480)
  }
}
