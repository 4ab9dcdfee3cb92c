import Database
import Foundation
import TestSupport
import Testing

@Suite("Attacks on the functions that drop")
struct AdminAttackTests {
  typealias Kind = RetentionDatabase.Kind

  /// What a role with CREATE on `public` and on its own pg_temp makes so that a name or operator without a schema finds it. Each tells of
  /// being called by a row in `public.called`.
  static let shadows = """
    CREATE TABLE public.called (what text, who text DEFAULT current_user);
    GRANT ALL ON public.called TO PUBLIC;
    CREATE FUNCTION public.tell(what text) RETURNS boolean LANGUAGE plpgsql AS
      'BEGIN INSERT INTO public.called VALUES (what); RETURN true; END';
    CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''now''); RETURN ''2100-01-01''; END';
    CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''format''); RETURN ''x''; END';
    CREATE FUNCTION public.count(anyelement) RETURNS bigint LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''count''); RETURN 0; END';
    CREATE FUNCTION public.age(xid) RETURNS int LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''age''); RETURN 2147483647; END';
    CREATE FUNCTION public.width_bucket(timestamptz, timestamptz[]) RETURNS int LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''width_bucket''); RETURN 1; END';
    CREATE FUNCTION public.pg_has_role(name, oid, text) RETURNS boolean LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''pg_has_role''); RETURN true; END';
    CREATE FUNCTION public.drop_chunks(regclass, timestamptz, timestamptz) RETURNS SETOF text LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''drop_chunks''); END';
    CREATE FUNCTION public.less(timestamptz, timestamptz) RETURNS boolean LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''<''); RETURN true; END';
    CREATE OPERATOR public.< (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = public.less);
    CREATE OPERATOR public.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = public.less);
    CREATE OPERATOR public.>= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = public.less);
    CREATE FUNCTION public.same(name, name) RETURNS boolean LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''=''); RETURN true; END';
    CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = name, FUNCTION = public.same);
    CREATE FUNCTION public.same(oid, oid) RETURNS boolean LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''=''); RETURN true; END';
    CREATE OPERATOR public.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = public.same);
    CREATE FUNCTION public.older(xid, xid) RETURNS boolean LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''xid''); RETURN false; END';
    CREATE DOMAIN public.timestamptz AS pg_catalog.text;
    CREATE DOMAIN public.bigint AS pg_catalog.text;
    CREATE TABLE public.pg_class AS SELECT * FROM pg_catalog.pg_class LIMIT 0;
    CREATE TABLE public.events (at pg_catalog.timestamptz);
    CREATE TYPE public.odd AS (a pg_catalog.int4);
    CREATE FUNCTION public.cast_odd(public.odd) RETURNS pg_catalog.xid8 LANGUAGE plpgsql AS
      'BEGIN PERFORM public.tell(''cast''); RETURN ''3''; END';
    CREATE CAST (public.odd AS pg_catalog.xid8) WITH FUNCTION public.cast_odd(public.odd) AS IMPLICIT;
    """

  @Test(
    "Functions, operators, casts and types of a role with CREATE on public, and its temporary ones, are not used",
    arguments: Kind.all)
  func shadowed(kind: Kind) async throws {
    let database = try await RetentionDatabase()
    try await database.makeTable("readings", kind)
    let unit = try await database.firstUnit("readings", kind)
    let since = try await database.since("readings")
    try await database.psql(
      "GRANT CREATE ON SCHEMA public TO \(database.caller); GRANT USAGE ON SCHEMA public TO PUBLIC")
    let temporary = """
      CREATE TEMP TABLE pg_class (oid oid); CREATE TEMP TABLE retention_policy (a int); CREATE TEMP TABLE archived_day (a int);
      CREATE DOMAIN pg_temp.text AS pg_catalog.int4; CREATE DOMAIN pg_temp.interval AS pg_catalog.text;
      CREATE FUNCTION pg_temp.now() RETURNS pg_catalog.timestamptz LANGUAGE sql AS 'SELECT pg_catalog.now() + ''100 years''';
      SET search_path = pg_temp, public, pg_catalog, events;
      """
    let tampered = """
      SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; SET intervalstyle = 'sql_standard'; SET row_security = on;
      SET lock_timeout = 0; SET standard_conforming_strings = off; SET transform_null_equals = on; SET bytea_output = 'escape';
      """
    try await database.psql(as: database.caller, Self.shadows)
    let answer = try await database.psql(
      as: database.caller, temporary + tampered + database.dropping("readings", unit, since: since))
    #expect(answer.hasPrefix("dropped|-|"), "\(answer)")
    // The log alone was run by the caller itself: CALL runs with its search path.
    try await database.psql(as: database.caller, temporary + "CALL admin.enforce_retention_all()")
    #expect(try await database.count("readings") == 0)
    #expect(try await database.psql("SELECT count(*) FROM public.called") == "0")
  }

  @Test(
    "Beside the extension's functions, in a schema where others may create some, none is called",
    .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
  func overloaded() async throws {
    let database = try await RetentionDatabase()
    try await database.makeTable("readings", .compressedDays)
    let unit = try await database.firstUnit("readings", .compressedDays)
    try await database.psql(
      "GRANT USAGE, CREATE ON SCHEMA tool TO \(database.caller); GRANT USAGE ON SCHEMA tool TO \(database.owner)")
    try await database.psql(
      as: database.caller,
      """
      CREATE TABLE tool.called (who text); GRANT ALL ON tool.called TO PUBLIC;
      CREATE FUNCTION tool.drop_chunks(relation regclass, older_than timestamptz, newer_than timestamptz) RETURNS SETOF text
        LANGUAGE plpgsql AS 'BEGIN INSERT INTO tool.called VALUES (current_user); END';
      """)
    let compressed = try await database.psql(
      "SELECT compress_relid::oid FROM _timescaledb_catalog.compression_settings WHERE relid::oid = \(unit ?? "")")
    #expect(try await database.psql("SELECT relkind FROM pg_class WHERE oid = \(compressed)") == "r")
    #expect(try await database.drop("readings", unit) == "dropped|-|24")
    #expect(try await database.psql("SELECT count(*) FROM tool.called") == "0")
    // The compressed rows went with the chunk, and those of no other one.
    #expect(try await database.psql("SELECT count(*) FROM pg_class WHERE oid = \(compressed)") == "0")
    #expect(try await database.count("readings") == 13 * 24)
  }

  @Test("A table that was dropped is refused, and so is one made anew by another role")
  func gone() async throws {
    let database = try await RetentionDatabase()
    try await database.makeTable("readings", .partitions)
    let oid = try await database.psql("SELECT 'events.readings'::regclass::oid")
    let part = try await database.firstUnit("readings", .partitions) ?? ""
    try await database.psql("DROP TABLE events.readings")
    let call = "SELECT outcome || '|' || reason FROM admin."
    #expect(
      try await database.psql(as: database.caller, "\(call)drop_unit(\(oid)::oid, \(part)::oid)") == "refused|no_table")
    #expect(
      try await database.psql(as: database.caller, "\(call)delete_rows(\(oid)::oid, '2024-01-04')")
        == "refused|no_table")
    #expect(
      try await database.psql(as: database.caller, "\(call)drop_chunks_older_than(\(oid)::oid, '90 days')")
        == "refused|no_table")
    try await database.psql(
      """
      GRANT CREATE ON SCHEMA events TO \(database.other); SET ROLE \(database.other);
      CREATE TABLE events.readings (at timestamptz NOT NULL, device int, value int) PARTITION BY RANGE (at);
      CREATE TABLE events.readings_0 PARTITION OF events.readings FOR VALUES FROM ('2024-01-04 00:00+00') TO ('2024-01-11 00:00+00');
      """)
    #expect(
      try await database.psql(
        as: database.caller, "\(call)drop_unit('events.readings', 'events.readings_0')") == "refused|not_owner")
    #expect(
      try await database.psql(
        "SELECT string_agg(outcome || ' ' || reason, ',' ORDER BY id) FROM admin.chunk_maintenance_log WHERE outcome = 'refused'"
      )
        == "refused no_table,refused no_table,refused no_table,refused not_owner")
  }

  @Test("A partition of another role, and one in a schema of a stranger, stay")
  func partitionOfStranger() async throws {
    let database = try await RetentionDatabase()
    try await database.makeTable("readings", .partitions)
    try await database.psql("ALTER TABLE events.readings_0 OWNER TO \(database.other)")
    #expect(try await database.drop("readings", "'events.readings_0'::regclass") == "refused|not_owner|-1")
    try await database.psql(
      "CREATE SCHEMA theirs AUTHORIZATION \(database.other); ALTER TABLE events.readings_1 SET SCHEMA theirs; "
        + "GRANT USAGE ON SCHEMA theirs TO PUBLIC")
    #expect(try await database.drop("readings", "'theirs.readings_1'::regclass") == "refused|schema_not_trusted|-1")
  }

  @Test(
    "Intervals that are zero, negative, too short, or a month where the minimum age is longer, drop nothing",
    arguments: [
      "0", "-1 day", "-100 years", "6 days 23:59:59", "1 month -31 days", "2 months -60 days", "1 month",
      "-1 month 90 days", "1 second",
    ])
  func intervals(interval: String) async throws {
    let database = try await RetentionDatabase.shared
    let table = "interval_" + interval.filter { $0.isLetter || $0.isNumber }
    try await database.makeTable(table, .partitions)
    try await database.psql(
      "UPDATE admin.retention_policy SET minimum_age = '\(interval == "1 month" ? "32 days" : "7 days")', keep = '40 days' WHERE table_name = '\(table)'"
    )
    let call = "admin.drop_chunks_older_than('events.\(table)', '\(interval)')"
    #expect(
      try await database.psql(as: database.caller, "SELECT outcome || '|' || reason FROM \(call)")
        == "refused|bad_interval")
    #expect(try await database.count(table) == 14 * 24)
    #expect(
      try await database.psql(
        "SELECT outcome || '|' || note FROM admin.chunk_maintenance_log WHERE table_name = '\(table)' AND action = 'drop_partition'"
      )
        == "refused|drop_chunks_older_than")
    let null = "admin.drop_chunks_older_than('events.\(table)', NULL)"
    #expect(
      try await database.psql(as: database.caller, "SELECT outcome || '|' || reason FROM \(null)")
        == "refused|bad_interval")
  }

  @Test("Ranges that are empty, turned round, open, or too young drop nothing; others what lies wholly in them")
  func ranges() async throws {
    let database = try await RetentionDatabase.shared
    try await database.makeTable("ranges", .partitions)
    for range in [
      "NULL, '2024-02-01'", "'2024-01-01', NULL", "'2024-02-01', '2024-01-01'", "'2024-01-04', '2024-01-04'",
      "'-infinity', 'infinity'", "'2024-01-01', now()",
    ] {
      let call = "admin.drop_chunks_between('events.ranges', \(range))"
      #expect(
        try await database.psql(as: database.caller, "SELECT outcome || '|' || reason FROM \(call)")
          == "refused|bad_interval")
    }
    let call = "admin.drop_chunks_between('events.ranges', '2024-01-05', '2024-01-18 00:00+00')"
    #expect(
      try await database.psql(as: database.caller, "SELECT unit || '|' || outcome FROM \(call)")
        == "events.ranges_1|dropped")
    #expect(try await database.count("ranges") == 7 * 24)
  }

  @Test(
    "What others call by age goes below the policy's keep time, but not without its proofs",
    arguments: Kind.all.filter { $0 != .plain })
  func olderThan(kind: Kind) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_older".lowercased()
    try await database.makeTable(table, kind, keep: "100 years")
    try await database.psql("DELETE FROM admin.archived_day WHERE table_name = '\(table)' AND day = '2024-01-17'")
    var answers: [String] = []
    // A slow machine needs several calls.
    repeat {
      answers.removeAll { $0 == "kept out_of_time" }
      let answer = try await database.psql(
        as: database.caller,
        "SELECT string_agg(outcome || coalesce(' ' || reason, ''), ',' ORDER BY n) FROM "
          + "admin.drop_chunks_older_than('events.\(table)', '30 days') WITH ORDINALITY AS d (unit, outcome, reason, rows, bytes, detail, n)"
      )
      answers += answer.split(separator: ",").map(String.init)
    } while answers.contains("kept out_of_time")
    #expect(answers == Array(repeating: "dropped", count: kind.isWeekly ? 1 : 13) + ["kept no_archive"])
  }

  @Test(
    "A chunk or partition of another table, the table itself, and a view or a foreign table are refused",
    arguments: Kind.all.filter { $0 != .plain })
  func strangers(kind: Kind) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_mine".lowercased()
    let stranger = "\(kind.rawValue)_stranger".lowercased()
    try await database.makeTable(table, kind)
    try await database.makeTable(stranger, kind)
    let theirs = try #require(try await database.firstUnit(stranger, kind))
    #expect(try await database.drop(table, theirs) == "refused|not_a_unit|-1")
    #expect(try await database.drop(table, "'events.\(table)'::regclass") == "refused|not_a_unit|-1")
    #expect(try await database.drop(table, "0") == "refused|not_a_unit|-1")
    #expect(try await database.drop(table, "NULL") == "refused|not_a_unit|-1")
    try await database.psql(
      """
      SET ROLE \(database.owner); CREATE VIEW events.\(table)_view AS SELECT * FROM events.\(table);
      CREATE MATERIALIZED VIEW events.\(table)_kept AS SELECT * FROM events.\(table); RESET ROLE;
      CREATE EXTENSION IF NOT EXISTS file_fdw; CREATE SERVER IF NOT EXISTS files FOREIGN DATA WRAPPER file_fdw;
      CREATE FOREIGN TABLE events.\(table)_foreign (at timestamptz) SERVER files OPTIONS (filename '/dev/null');
      """)
    for other in ["view", "kept", "foreign"] {
      #expect(try await database.drop("\(table)_\(other)", theirs) == "refused|not_a_table|-1")
      let rows = "SELECT outcome || '|' || reason FROM admin.delete_rows('events.\(table)_\(other)', '2024-01-04')"
      #expect(try await database.psql(as: database.caller, rows) == "refused|not_a_table")
    }
  }

  @Test(
    "A caller has EXECUTE and reads; it writes to nothing but the archived days, and calls nothing that others call")
  func rights() async throws {
    let database = try await RetentionDatabase.shared
    for sql in [
      "INSERT INTO admin.allowed_schema VALUES ('public')", "DELETE FROM admin.hold",
      "UPDATE admin.retention_policy SET keep = '1 day'",
      "DELETE FROM admin.chunk_maintenance_log", "SELECT admin.set_policy('events.x', '1 day')",
      "SELECT admin.release_hold(1, 'x')",
      "SELECT admin.remove_policy('events', 'x')",
      "SELECT admin.write_log('hold', NULL, NULL, NULL, NULL, NULL, 1, 1, NULL, NULL, NULL, NULL, NULL)",
      "SELECT admin.drop_checked(1, 1, NULL, false, NULL, true)", "SELECT admin.drop_chunks_exactly(1, '{}', 20, 1, 2)",
      "CREATE TABLE admin.t (a int)", "SELECT admin.delete_batch('events.x', 'true', 'true', '{}')",
    ] {
      let result = try await database.attempt(as: database.caller, sql)
      #expect(
        result.status != 0 && (result.errors.contains("permission denied") || result.errors.contains("does not exist")),
        "\(sql): \(result.errors)")
    }
    for sql in [
      "SELECT admin.drop_unit(1::oid, 1::oid)", "SELECT * FROM admin.hold", "CALL admin.enforce_retention_all()",
    ] {
      try await database.psql("CREATE ROLE nobody_\(database.name) LOGIN")
      let result = try await database.attempt(as: "nobody_\(database.name)", sql)
      #expect(result.errors.contains("permission denied"), "\(result.errors)")
      try await database.psql("DROP ROLE nobody_\(database.name)")
    }
  }
}
