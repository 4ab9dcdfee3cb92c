import Configuration
import Database
import Essentials
import Foundation
import Jobs
import Postgres
import Reporting
import TestSupport
import Testing

/// A restore is ok only when every row of the file is in the table.
@Suite("Rows that were stored and rows that were not")
struct StoredRowsTests {
  static let empty = "CREATE SCHEMA events; CREATE TABLE events.clicks (id int PRIMARY KEY, at timestamptz, note text);"
  static let dropsSome = """
    CREATE FUNCTION drop_some() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
    CREATE TRIGGER sieve BEFORE INSERT ON events.clicks FOR EACH ROW EXECUTE FUNCTION drop_some();
    """
  static let csv = "id,at,note\n" + (1...6).map { "\($0),2024-01-01,x\n" }.joined()

  func request(_ mode: String) -> String {
    "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\", \"mode\": \"\(mode)\"}"
  }

  @Test(
    "A trigger that keeps rows out makes the restore fail, with or without a manifest",
    arguments: ["direct", "staging"], [true, false])
  func trigger(mode: String, hasManifest: Bool) async throws {
    let fixture = try await Fixture(Self.empty)
    if hasManifest {
      try await fixture.psql("INSERT INTO events.clicks SELECT i, '2024-01-01', 'x' FROM generate_series(1, 6) i")
      _ = try await fixture.backupOne()
      try await fixture.psql("TRUNCATE events.clicks")
    } else {
      try await fixture.put(Self.csv)
    }
    try await fixture.psql(Self.dropsSome)
    let error = try await fixture.restoreError(request(mode))
    #expect(error.code == .rowsNotStored)
    #expect(error.code.kind == .unprocessable)
    #expect(
      error.details == [
        "file_rows": .number(6), "stored_rows": .number(3), "conflict_rows": .number(0), "dropped_rows": .number(3),
      ])
    #expect(try await fixture.count() == 0)
  }

  @Test("Rows in conflict and rows that a trigger dropped are counted apart, also by an index over nullable columns")
  func threeKinds() async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int UNIQUE, at timestamptz, note text);")
    try await fixture.put(Self.csv + ",2024-01-01,null\n")
    // 2 and 3 are there already; the trigger drops 2, 4 and 6 before the server looks for conflicts.
    try await fixture.psql("INSERT INTO events.clicks VALUES (2, '2024-01-01'), (3, '2024-01-01')")
    try await fixture.psql(Self.dropsSome)
    let error = try await fixture.restoreError(request("staging"))
    #expect(error.code == .rowsNotStored)
    #expect(
      error.details == [
        "file_rows": .number(7), "stored_rows": .number(3), "conflict_rows": .number(1), "dropped_rows": .number(3),
      ])
    #expect(try await fixture.count() == 2)
    let report = try await fixture.restore(
      "\"table\": \"events.clicks\", \"from\": \"2024-01-01\", \"to\": \"2024-01-02\", "
        + "\"destination\": {\"on_existing\": \"append\", \"mode\": \"staging\"}")
    #expect(report.results[0].rowsDropped == 3)
  }

  @Test("Rows with NULLs in a unique index are loaded beside rows in conflict, with a trigger that drops none")
  func nullKeys() async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int UNIQUE, at timestamptz, note text);")
    try await fixture.put("id,at,note\n1,2024-01-01,x\n3,2024-01-01,x\n3,2024-01-01,twice\n,2024-01-01,null\n")
    try await fixture.psql("INSERT INTO events.clicks VALUES (1, '2024-01-01')")
    try await fixture.psql(Self.dropsSome)
    let result = try await fixture.restoreOne(request("staging"))
    #expect(result.rowsLoaded == 2)
    #expect(result.rowsSkipped == 2)
    #expect(result.rowsDropped == 0)
  }

  @Test("A hypertable's rows are counted in the same three kinds", .enabled(if: PostgresServer.hasTimescale))
  func hypertable() async throws {
    let server = try await PostgresServer.withTimescale()
    let fixture = try await Fixture(
      """
      CREATE EXTENSION timescaledb; CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz NOT NULL, note text, UNIQUE (id, at));
      SELECT create_hypertable('events.clicks', 'at');
      INSERT INTO events.clicks VALUES (3, '2024-01-01');
      """ + Self.dropsSome, server: server)
    try await fixture.put(Self.csv)
    let error = try await fixture.restoreError(request("staging"))
    #expect(
      error.details == [
        "file_rows": .number(6), "stored_rows": .number(2), "conflict_rows": .number(1), "dropped_rows": .number(3),
      ])
    await fixture.pools.close()
    await server.stopAndWait()
  }

  @Test("A direct load by way of the staging table counts what a trigger dropped")
  func directByStaging() async throws {
    let fixture = try await Fixture(Self.empty)
    try await fixture.put("id,at,note,more\n" + (1...6).map { "\($0),2024-01-01,x,y\n" }.joined())
    try await fixture.psql(Self.dropsSome)
    let error = try await fixture.restoreError(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\", "
        + "\"columns_missing\": \"ignore\"}")
    #expect(error.details["dropped_rows"] == .number(3))
    #expect(error.details["conflict_rows"] == .number(0))
    #expect(try await fixture.count() == 0)
  }

  @Test("Rows that a trigger drops and the table holds are no failure, and are counted as dropped")
  func skipped() async throws {
    let fixture = try await Fixture(Self.empty)
    try await fixture.put(Self.csv)
    // The even ones are there already: the trigger loses nothing.
    try await fixture.psql("INSERT INTO events.clicks SELECT i, '2024-01-01', 'x' FROM generate_series(2, 6, 2) i")
    try await fixture.psql(Self.dropsSome)
    let result = try await fixture.restoreOne(request("staging"))
    #expect(result.rowsLoaded == 3)
    #expect(result.rowsSkipped == 0)
    #expect(result.rowsDropped == 3)
    #expect(try await fixture.count() == 6)
  }

  @Test("Rows that a trigger drops are not told as rows in conflict, also where the staging table has other types")
  func upsertTrigger() async throws {
    let fixture = try await Fixture(
      Self.empty + """
        CREATE TABLE public.texts (id text, at text, note text);
        INSERT INTO events.clicks VALUES (1, '2024-01-01'), (2, '2024-01-01'), (3, '2024-01-01');
        CREATE FUNCTION upsert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          UPDATE events.clicks SET note = 'by trigger' WHERE id = NEW.id;
          IF FOUND THEN RETURN NULL; END IF; RETURN NEW; END $$;
        CREATE TRIGGER upsert BEFORE INSERT ON events.clicks FOR EACH ROW EXECUTE FUNCTION upsert();
        """)
    try await fixture.put(Self.csv)
    let result = try await fixture.restoreOne(
      request("staging").replacing("\"staging\"", with: "\"staging\", \"create_staging_like\": \"public.texts\""))
    #expect(result.rowsLoaded == 3)
    #expect(result.rowsSkipped == 0)
    #expect(result.rowsDropped == 3)
    #expect(result.warnings.contains { $0.hasPrefix("3 rows of the file were dropped by triggers") })
    #expect(try await fixture.count() == 6)
  }

  @Test(
    "A line of \\. is found in a file with line ends of any kind",
    arguments: ["\n", "\r", "\r\n"], ["direct", "staging"])
  func endMark(lineEnd: String, mode: String) async throws {
    let fixture = try await Fixture("CREATE SCHEMA events; CREATE TABLE events.clicks (note text);")
    let rows = (1...5).map { "row \($0)" } + ["\\."] + (7...12).map { "row \($0)" }
    try await fixture.put((["note"] + rows).map { $0 + lineEnd }.joined())
    let version = try #require(Int(try await fixture.psql("SHOW server_version_num")))
    guard version < 180_000 else {
      // There the line is a value like any other.
      #expect(try await fixture.restoreOne(request(mode)).rowsLoaded == 12)
      return
    }
    let error = try await fixture.restoreError(request(mode))
    #expect(error.code == .badRow)
    #expect(error.details["row"] == .number(6))
    #expect(try await fixture.count() == 0)
    // As the last line it is meant so.
    try await fixture.put((["note"] + rows.prefix(6)).map { $0 + lineEnd }.joined())
    #expect(try await fixture.restoreOne(request(mode)).rowsLoaded == 5)
  }

  @Test("A rule that runs in place of INSERT is refused where an INSERT would meet it")
  func rule() async throws {
    let fixture = try await Fixture(
      Self.empty + """
        CREATE TABLE public.aside (LIKE events.clicks);
        CREATE RULE away AS ON INSERT TO events.clicks DO INSTEAD INSERT INTO public.aside VALUES (NEW.*);
        """)
    try await fixture.put(Self.csv)
    let error = try await fixture.restoreError(request("staging"))
    #expect(error.code == .insertRule)
    // COPY asks no rule.
    #expect(try await fixture.restoreOne(request("direct")).rowsLoaded == 6)
    #expect(try await fixture.count() == 6)
  }

  @Test("A role from which a policy hides rows cannot replace rows")
  func policy() async throws {
    var fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz, note text, twice int GENERATED ALWAYS AS (id * 2) STORED);
      INSERT INTO events.clicks SELECT i, '2024-01-01', CASE WHEN i > 3 THEN 'theirs' ELSE 'ours' END FROM generate_series(1, 6) i;
      ALTER TABLE events.clicks ENABLE ROW LEVEL SECURITY;
      CREATE POLICY ours ON events.clicks USING (note = 'ours') WITH CHECK (true);
      GRANT USAGE, CREATE ON SCHEMA events TO plain;
      GRANT ALL ON events.clicks TO plain;
      """, password: PostgresServer.shared.plainPassword)
    fixture.settings.server.user = fixture.server.plainUser
    try await fixture.put("id,at,note,twice\n" + (1...6).map { "\($0),2024-01-01,ours,0\n" }.joined())
    let error = try await fixture.restoreError(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\"}")
    #expect(error.message.contains("row-level security") || error.code == .databaseError, "\(error)")
    #expect(try await fixture.count() == 6)
  }

  @Test("Triggers that run after rows are stored are a warning")
  func afterTrigger() async throws {
    let fixture = try await Fixture(
      Self.empty + """
        CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
        CREATE TRIGGER look AFTER INSERT ON events.clicks FOR EACH ROW EXECUTE FUNCTION look();
        """)
    try await fixture.put(Self.csv)
    let result = try await fixture.restoreOne(request("direct"))
    #expect(result.rowsLoaded == 6)
    #expect(result.warnings.contains { $0.contains("AFTER triggers") })
  }

  @Test("The server's message about a value is not repeated, whatever statement caused it")
  func words() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.texts (id int, at timestamptz, note text);
      CREATE TABLE events.clicks (id int, at timestamptz, note regclass);
      """)
    try await fixture.put("id,at,note\n1,2024-01-01,private_4711\n")
    let error = try await fixture.restoreError(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\", "
        + "\"mode\": \"staging\", \"create_staging_like\": \"events.texts\"}")
    #expect(!"\(error) \(error.details)".contains("private_4711"), "\(error)")
    #expect(error.code == .databaseError)
  }
}
