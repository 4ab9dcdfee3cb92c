import Database
import Foundation
import TestSupport
import Testing

@Suite("Names and owners in the schema of the retention")
struct AdminNameTests {
  @Test("A table named public.events is not the schema events")
  func tableNamedLikeSchema() async throws {
    let database = try await RetentionDatabase()
    try await database.psql(
      """
      CREATE TABLE public.events (at timestamptz NOT NULL) PARTITION BY RANGE (at);
      CREATE TABLE public.events_0 PARTITION OF public.events FOR VALUES FROM ('2024-01-04') TO ('2024-01-05');
      ALTER TABLE public.events OWNER TO \(database.owner); ALTER TABLE public.events_0 OWNER TO \(database.owner);
      """)
    let call = "admin.drop_unit('public.events', 'public.events_0')"
    #expect(
      try await database.psql(as: database.caller, "SELECT outcome || '|' || reason FROM \(call)")
        == "refused|schema_not_allowed")
  }

  @Test("A function that was given to another role drops nothing, neither for a plain role nor for a superuser")
  func ownerChanged() async throws {
    let database = try await RetentionDatabase()
    try await database.makeTable("readings", .partitions)
    for role in [database.other, database.server.superuser] {
      try await database.psql("ALTER FUNCTION admin.drop_unit OWNER TO \(role)")
      let result = try await database.attempt(
        as: database.caller, database.dropping("readings", "'events.readings_0'::regclass"))
      #expect(result.status != 0)
      #expect(
        result.errors.contains("belongs to another role") || result.errors.contains("permission denied"),
        "\(result.errors)")
    }
    #expect(try await database.count("readings") == 14 * 24)
    // The script sees it.
    await #expect(throws: CommandFailure.self) { try await database.apply() }
  }

  @Test("A schema, table or function of another role in the schema, and a trigger, keep the script from being run")
  func preparedSchema() async throws {
    let database = try await RetentionDatabase()
    for attack in [
      "CREATE TABLE admin.notes (a int)",
      "CREATE FUNCTION admin.verdict(text, text, varchar) RETURNS void LANGUAGE sql AS ''",
      "CREATE FUNCTION public.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; "
        + "CREATE TRIGGER t BEFORE INSERT ON admin.hold FOR EACH ROW EXECUTE FUNCTION public.f()",
      "ALTER SCHEMA admin OWNER TO \(database.other)",
    ] {
      let script = AdminSchema.script(schema: "admin", owner: database.owner, allowedSchemas: ["events"])
      await #expect(throws: CommandFailure.self) { try await database.psql("BEGIN; \(attack); \(script) COMMIT") }
    }
    try await database.apply()
  }

  @Test(
    "SQL in the names of schemas, tables and columns is a name",
    arguments: [
      #"x"; DROP TABLE events.readings; --"#, "it's", "a$sluice$ b", #"back\slash"#, "{schema}", "Capital.dot", "%I %s",
    ])
  func names(name: String) async throws {
    let database = try await RetentionDatabase(schema: name, allowed: ["events", "S " + name])
    try await database.makeTable("readings", .partitions, keep: "100 years")
    func quoted(_ text: String) -> String { "\"\(text.replacing("\"", with: "\"\""))\"" }
    func literal(_ text: String) -> String { "'\(text.replacing("'", with: "''"))'" }
    let schema = quoted("S " + name)
    let table = "\(schema).\(quoted("T " + name))"
    let part = "\(schema).\(quoted("P " + name))"
    let column = quoted("c " + name)
    try await database.psql(
      """
      CREATE SCHEMA \(schema) AUTHORIZATION \(database.owner); GRANT USAGE ON SCHEMA \(schema) TO PUBLIC; SET ROLE \(database.owner);
      CREATE TABLE \(table) (\(column) timestamptz NOT NULL) PARTITION BY RANGE (\(column));
      CREATE TABLE \(part) PARTITION OF \(table) FOR VALUES FROM ('2024-01-04 00:00+00') TO ('2024-01-05 00:00+00');
      INSERT INTO \(table) VALUES ('2024-01-04 12:00+00');
      CREATE TABLE \(schema).plain (\(column) timestamptz NOT NULL); INSERT INTO \(schema).plain VALUES ('2024-01-04 12:00+00');
      """)
    try await database.psql(
      as: database.other,
      "SELECT \(database.admin).set_policy(\(literal(table)), '30 days'); "
        + "SELECT \(database.admin).set_policy(\(literal(schema + ".plain")), '30 days', p_time_column => \(literal("c " + name)))"
    )
    try await database.settle()
    try await database.psql(
      "INSERT INTO \(database.admin).archived_day SELECT \(literal("S " + name)), t, '2024-01-04', \(literal("c " + name)), "
        + "'2024-01-04 00:00+00', '2024-01-05 00:00+00', 1, 'h', 's', 'p', now(), pg_snapshot_xmin(pg_current_snapshot()), format('%I.%I', \(literal("S " + name)), t)::regclass "
        + "FROM unnest(ARRAY[\(literal("T " + name)), 'plain']) t")
    try await database.psql(as: database.caller, "CALL \(database.admin).enforce_retention_all()")
    #expect(
      try await database.psql(
        "SELECT string_agg(outcome || coalesce(error, ''), ',') FROM \(database.admin).chunk_maintenance_log WHERE action LIKE 'd%'"
      )
        == "dropped,dropped")
    #expect(try await database.count("readings") == 14 * 24)
  }

  @Test(
    "A long text of a policy or hold is refused, and one of a drop is cut: each later write of the audit chain reads it"
  )
  func longTexts() async throws {
    let database = try await RetentionDatabase.shared
    try await database.makeTable("long_texts", .partitions, keep: "30 days")
    let (table, long) = ("'events.long_texts'", "repeat('x', 2001)")
    for call in [
      "place_hold(\(table), \(long))", "set_policy(\(table), p_note => \(long))",
      "set_policy(\(table), p_hold_until => 'infinity', p_hold_reason => \(long))", "release_hold(1, \(long))",
      "remove_policy('events', 'long_texts', \(long))",
    ] {
      await #expect(throws: (any Error).self, "\(call)") {
        try await database.psql(as: database.other, "SELECT \(database.admin).\(call)")
      }
    }
    let unit = try await database.psql(
      "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = \(table)::regclass LIMIT 1")
    try await database.psql(
      as: database.caller, "SELECT \(database.admin).drop_unit(\(table), '\(unit)', NULL, false, \(long) || 'y')")
    #expect(
      try await database.psql(
        """
        SELECT count(*) FILTER (WHERE action IN ('hold', 'release')) || ' ' || max(length(note))
        FROM \(database.admin).chunk_maintenance_log WHERE table_name = 'long_texts'
        """) == "0 2000")
  }
}
