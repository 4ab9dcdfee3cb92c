import Foundation
import Postgres
import TestSupport
import Testing

@testable import Database
@testable import Jobs

@Suite("What happens beside a drop")
struct AdminEdgeTests {
  typealias Kind = RetentionDatabase.Kind

  @Test(
    "A hold, or another policy, that comes while the unit is looked at does not wait, and counts",
    arguments: ["hold", "policy"])
  func meanwhile(change: String) async throws {
    let database = try await RetentionDatabase.shared
    let table = "meanwhile_\(change)"
    try await database.makeTable(table, .partitions)
    let unit = try await database.firstUnit(table, .partitions)
    let writer = try await AdminLockTests.session(database, database.server.superuser)
    try await writer.query("BEGIN")
    try await writer.query("LOCK TABLE events.\(table) IN ROW EXCLUSIVE MODE")
    async let answer = database.drop(table, unit)
    try await eventually {
      try await database.psql(
        "SELECT count(*) FROM pg_locks WHERE relation = 'events.\(table)'::regclass AND NOT granted") == "1"
    }
    try await database.psql(
      as: database.other,
      change == "hold"
        ? "SELECT admin.place_hold('events.\(table)', 'law suit') \\g /dev/null\n"
        : "SELECT admin.set_policy('events.\(table)', '99 days') \\g /dev/null\n")
    #expect(
      try await database.psql(
        "SELECT count(*) FROM pg_locks WHERE relation = 'events.\(table)'::regclass AND NOT granted") == "1")
    try await writer.query("COMMIT")
    await writer.close()
    #expect(try await answer.hasPrefix(change == "hold" ? "kept|on_hold|" : "kept|locked|"))
  }

  @Test(
    "A unit that another session drops meanwhile is none any more, and no failure",
    arguments: Kind.all.filter { $0 != .plain })
  func gone(kind: Kind) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_gone".lowercased()
    try await database.makeTable(table, kind)
    let unit = try #require(try await database.firstUnit(table, kind))
    let name = try await database.psql("SELECT \(unit)::oid::regclass")
    let other = try await AdminLockTests.session(database, database.server.superuser)
    try await other.query("BEGIN")
    try await other.query("DROP TABLE \(name)")
    async let answer = database.drop(table, unit)
    try await Task.sleep(for: .milliseconds(300))
    try await other.query("COMMIT")
    await other.close()
    let told = try await answer
    // It has no rows any more, or is gone, as of the moment at which it is looked at.
    #expect(["kept|locked", "kept|fewer_rows", "refused|not_a_unit"].contains { told.hasPrefix($0) }, "\(told)")
  }

  @Test(
    "Rows that were written into a compressed chunk directly keep it, though no query sees them",
    .enabled(if: PostgresServer.hasTimescale))
  func hidden() async throws {
    let database = try await RetentionDatabase.shared
    try await database.makeTable("hidden", .compressedDays)
    let unit = try await database.firstUnit("hidden", .compressedDays)
    let name = try await database.psql("SELECT \(try #require(unit))::oid::regclass")
    try await database.psql("INSERT INTO \(name) VALUES ('2024-01-04 12:30+00', 9, 9)")
    #expect(try await database.psql("SELECT count(*) FROM events.hidden WHERE device = 9") == "0")
    #expect(try await database.drop("hidden", unit).hasPrefix("kept|late_rows|"))
  }

  @Test("Also for people a row that was changed keeps its unit", arguments: Kind.all.filter { $0 != .plain })
  func changedForPeople(kind: Kind) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_people".lowercased()
    try await database.makeTable(table, kind)
    try await database.psql("UPDATE events.\(table) SET value = 7 WHERE at = '2024-01-04 03:00+00'")
    let call =
      "SELECT concat_ws('|', outcome, reason) FROM admin.drop_chunks_between('events.\(table)', '2024-01-04', '2024-01-11') LIMIT 1"
    #expect(try await database.psql(as: database.caller, "SET timezone = 'UTC'; \(call)") == "kept|changed_rows")
    try await database.prove(table)
    #expect(try await database.psql(as: database.caller, "SET timezone = 'UTC'; \(call)") == "dropped")
  }

  @Test("A call for many units stops once it has locked the table for 2 s")
  func outOfTime() async throws {
    let database = try await RetentionDatabase(timescale: false)
    try await database.makeTable("slow", .partitions)
    try await database.psql(
      """
      CREATE FUNCTION public.slow() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2.1); END';
      CREATE EVENT TRIGGER slow ON sql_drop EXECUTE FUNCTION public.slow()
      """)
    let call =
      "SELECT string_agg(concat_ws('|', outcome, reason), ' ') FROM admin.drop_chunks_older_than('events.slow', '30 days')"
    #expect(try await database.psql(as: database.caller, call) == "dropped kept|out_of_time")
    #expect(try await database.psql(as: database.caller, call) == "dropped")
  }

  @Test("Of what two sessions change of a policy at once nothing is lost, and an optional value can be taken away")
  func policies() async throws {
    let database = try await RetentionDatabase.shared
    try await database.makeTable("shared_policy", .plain)
    let set = "SELECT admin.set_policy('events.shared_policy'"
    let first = try await AdminLockTests.session(database, database.other)
    try await first.query("BEGIN")
    try await first.query("\(set), '60 days', p_keep_archives => '1 year')")
    async let second = database.psql(as: database.other, "\(set), p_enabled => false) \\g /dev/null\n")
    try await eventually {
      try await database.psql(
        "SELECT count(*) FROM pg_stat_activity WHERE usename = '\(database.other)' AND wait_event_type = 'Lock'") == "1"
    }
    try await first.query("COMMIT")
    await first.close()
    _ = try await second
    let policy =
      "SELECT concat_ws('|', keep, coalesce(keep_archives::text, '-'), enabled, time_column) FROM admin.retention_policy WHERE table_name = 'shared_policy'"
    #expect(try await database.psql(policy) == "60 days|1 year|f|at")
    try await database.psql(as: database.other, "\(set), p_clear => '{keep_archives}') \\g /dev/null\n")
    #expect(try await database.psql(policy) == "60 days|-|f|at")
    for (wrong, words) in [
      ("p_keep_archives => '-1 day'", "keep_archives (-1 days) must be longer than nothing"),
      ("p_clock => 'Mars/Olympus'", "the clock (Mars/Olympus) is no time zone"),
      ("p_clear => '{keep}'", "p_clear names keep"), ("p_hold_until => 'infinity'", "a hold needs a reason"),
      ("p_keep => '1 day'", "keep (1 day) must not be shorter than the minimum age (7 days)"),
    ] {
      let answer = try await database.attempt(as: database.other, "\(set), \(wrong))")
      #expect(answer.status != 0 && answer.errors.contains(words), "\(answer.errors)")
    }
    #expect(try await database.psql(policy) == "60 days|-|f|at")
  }

  @Test(
    "Chunks are dropped one after another beside an aggregate, whose buckets a refresh policy must not empty",
    .enabled(if: PostgresServer.hasTimescale))
  func aggregates() async throws {
    let database = try await RetentionDatabase.shared
    let table = "summed"
    try await database.makeTable(table, .dayChunks)
    try await database.psql(Obstacle.aggregate(table, database.owner))
    try await database.psql("CALL tool.refresh_continuous_aggregate('events.\(table)_sum', NULL, NULL)")
    func policy(_ offset: String) async throws {
      try await database.psql(
        """
        SELECT tool.remove_continuous_aggregate_policy('events.\(table)_sum', true) \\g /dev/null
        ALTER ROLE \(database.owner) LOGIN;
        SELECT tool.add_continuous_aggregate_policy('events.\(table)_sum', \(offset), NULL, interval '10 years',
          initial_start => now() + interval '10 years') \\g /dev/null
        ALTER ROLE \(database.owner) NOLOGIN;
        """)
    }
    try await policy("NULL")
    let first = try await database.firstUnit(table, .dayChunks)
    #expect(try await database.drop(table, first).hasPrefix("kept|needed_by_aggregate|"))
    #expect(
      try await database.psql(
        "SELECT error FROM admin.chunk_maintenance_log WHERE table_name = '\(table)' AND outcome = 'kept'"
      )
      .contains("start_offset"))
    try await policy("interval '29 days'")
    #expect(try await database.drop(table, first) == "dropped|-|24")
    let second = try await database.firstUnit(table, .dayChunks)
    #expect(try await database.drop(table, second) == "dropped|-|24")
    // A change of the next chunk's first row is one, also together with a row of what was dropped.
    let third = try await database.firstUnit(table, .dayChunks)
    try await database.psql(
      """
      BEGIN; UPDATE events.\(table) SET value = 7 WHERE at = '2024-01-06 00:00+00';
      INSERT INTO events.\(table) VALUES ('2024-01-05 23:00+00', 5, 5); COMMIT
      """)
    #expect(try await database.drop(table, third).hasPrefix("kept|needed_by_aggregate|"))
    #expect(try await database.psql("SELECT sum(sum) IS NOT NULL AND count(*) > 0 FROM events.\(table)_sum") == "t")
  }

  @Test("A refresh policy of integers that reaches over a unit keeps it", .enabled(if: PostgresServer.hasTimescale))
  func integerAggregate() async throws {
    let database = try await RetentionDatabase()
    try await database.psql(
      """
      ALTER ROLE \(database.owner) LOGIN; SET ROLE \(database.owner);
      CREATE TABLE events.ints (at bigint NOT NULL, value int);
      SELECT tool.create_hypertable('events.ints', 'at', chunk_time_interval => 86400) \\g /dev/null
      CREATE FUNCTION events.clock() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT 1704672000::bigint';
      SELECT tool.set_integer_now_func('events.ints', 'events.clock') \\g /dev/null
      INSERT INTO events.ints SELECT 1704326400 + i * 3600, 1 FROM generate_series(0, 95) i;
      CREATE MATERIALIZED VIEW events.ints_sum WITH (timescaledb.continuous) AS
        SELECT tool.time_bucket(86400, at) AS bucket, sum(value) FROM events.ints GROUP BY 1 WITH NO DATA;
      RESET ROLE;
      CALL tool.refresh_continuous_aggregate('events.ints_sum', NULL, NULL);
      SELECT tool.add_continuous_aggregate_policy('events.ints_sum', 400000, 0, interval '10 years',
        initial_start => now() + interval '10 years') \\g /dev/null

      """)
    try await database.psql(as: database.other, "SELECT admin.set_policy('events.ints', '30 days') \\g /dev/null\n")
    try await database.psql(
      "INSERT INTO admin.archived_day VALUES ('events', 'ints', '2024-01-04', 'at', '1704326400', '1704412800', 24, 'h', 's', 'p', now(), NULL, 'events.ints'::regclass)"
    )
    let unit = try await database.firstUnit("ints", .dayChunks)
    #expect(try await database.drop("ints", unit).hasPrefix("kept|needed_by_aggregate|"))
    try await database.psql(
      """
      SELECT tool.remove_continuous_aggregate_policy('events.ints_sum') \\g /dev/null
      SELECT tool.add_continuous_aggregate_policy('events.ints_sum', 200000, 0, interval '10 years',
        initial_start => now() + interval '10 years') \\g /dev/null

      """)
    #expect(try await database.drop("ints", unit) == "dropped|-|24")
  }

  @Test("When an entry of the log is marked as told, when it was logged stays known")
  func marked() async throws {
    let database = try await RetentionDatabase(timescale: false)
    try await database.makeTable("marked", .partitions)
    let unit = try await database.firstUnit("marked", .partitions)
    #expect(try await database.drop("marked", unit) == "dropped|-|168")
    let before = try await database.psql("SELECT max(transaction::text::int8) FROM admin.chunk_maintenance_log")
    try await database.psql(
      as: database.caller,
      "SELECT admin.mark_audited(array_agg(id)) FROM admin.unaudited(9) \\g /dev/null\n")
    #expect(
      try await database.psql(
        "SELECT max(transaction::text::int8) = \(before) AND bool_and(audited_at IS NOT NULL) FROM admin.chunk_maintenance_log WHERE outcome = 'dropped'"
      ) == "t")
  }

  @Test("Days of a plain table that were never archived are told, by the policy's clock")
  func unarchived() async throws {
    let site = try await RetentionSite(RetentionDatabase(timescale: false))
    try await site.makeTable("gaps", .plain)
    try await site.base.psql(
      "INSERT INTO events.gaps VALUES ('2024-02-01 12:00+00', 1, 1), ('2024-02-29 23:59+00', 1, 1), ('-infinity', 1, 1)"
    )
    let report = try await site.run("gaps", dryRun: true)
    let kept = report.results.filter { $0.reason == "no_archive" }
    #expect(kept.map(\.unit) == ["2024-02-01", "2024-02-29"])
    #expect(report.results.count { $0.status == .droppable || $0.reason == "not_verified" } == 14)
    let run = try await site.run("gaps")
    #expect(run.results.count { $0.status == .dropped } == 14)
    #expect(run.results.filter { $0.status == .kept }.map(\.reason) == ["no_archive", "no_archive"])
    #expect(try await site.base.count("gaps") == 3)
  }

  @Test("A schema that an earlier version made is renewed, with its policies")
  func earlier() async throws {
    let database = try await RetentionDatabase(timescale: false)
    try await database.makeTable("earlier", .plain)
    // As they were: with other results, or other arguments.
    try await database.psql(
      """
      DROP FUNCTION admin.unit_facts(oid, oid, text, oid, int);
      DROP FUNCTION admin.set_policy(
        regclass, interval, interval, boolean, text, name, interval, boolean, timestamptz, text, boolean, text, text[]);
      SET ROLE \(database.owner);
      CREATE FUNCTION admin.unit_facts(p_table oid, p_unit oid, p_kind text, p_type oid, p_hypertable int, OUT reason text)
        LANGUAGE sql AS 'SELECT NULL::text';
      CREATE FUNCTION admin.set_policy(
        regclass, interval, interval DEFAULT '7 days', boolean DEFAULT true, text DEFAULT 'UTC', name DEFAULT NULL, interval DEFAULT NULL,
        boolean DEFAULT true, timestamptz DEFAULT NULL, text DEFAULT NULL, boolean DEFAULT NULL, text DEFAULT NULL) RETURNS void
        LANGUAGE sql AS 'SELECT NULL::void'
      """)
    try await database.apply()
    try await database.psql(as: database.other, "SELECT admin.set_policy('events.earlier', '40 days') \\g /dev/null\n")
    #expect(try await database.psql("SELECT keep FROM admin.retention_policy") == "40 days")
    #expect(try await database.drop("earlier", nil) == "dropped|-|24")
  }

  @Test(
    "Tables that stand in the schema already with code of their owner are refused",
    arguments: [
      "CREATE TABLE admin2.hold (id int DEFAULT admin2.f())",
      "CREATE TABLE admin2.hold (id int CHECK (admin2.f() > 0))",
      "CREATE TABLE admin2.hold (id int); CREATE INDEX ON admin2.hold ((id + admin2.f()))",
      "CREATE TABLE admin2.hold (id int); ALTER TABLE admin2.hold ENABLE ROW LEVEL SECURITY",
      "CREATE VIEW admin2.hold AS SELECT 1 AS id",
      "CREATE TYPE admin2.t AS ENUM ('a'); CREATE TABLE admin2.hold (id admin2.t)",
    ])
  func ownersCode(sql: String) async throws {
    let database = try await RetentionDatabase(timescale: false)
    try await database.psql(
      """
      CREATE SCHEMA admin2 AUTHORIZATION \(database.owner); SET ROLE \(database.owner);
      CREATE FUNCTION admin2.f() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; \(sql)
      """)
    let script = AdminSchema.script(schema: "admin2", owner: database.owner, allowedSchemas: ["events"])
    await #expect(throws: CommandFailure.self) { try await database.psql("BEGIN; \(script) COMMIT") }
    do {
      try await database.psql("BEGIN; \(script) COMMIT")
    } catch let error as CommandFailure {
      #expect(error.description.contains("would run code of"), "\(error)")
    }
  }
}
