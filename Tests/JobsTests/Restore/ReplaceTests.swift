import Essentials
import Foundation
import Jobs
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Reporting

/// A replacement deletes nothing that the archive does not hold, unless it is asked for.
@Suite("Replacing the rows of a day")
struct ReplaceTests {
  func replace(_ more: String = "") -> String {
    "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"replace\"\(more)}"
  }

  /// Three archived rows, which are in the table too.
  func archived(_ more: String = "", hasManifest: Bool = true) async throws -> Fixture {
    let fixture = try await Fixture(Fixture.clicks + more, settings: ["BACKUP_TABLES": "events.clicks:at"])
    _ = try await fixture.backupOne()
    if !hasManifest {
      try FileManager.default.removeItem(
        atPath: fixture.directory.file("\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    }
    return fixture
  }

  @Test(
    "More rows than the archive holds are not replaced by it, unless forced", arguments: [true, false],
    ["direct", "staging"])
  func fewer(hasManifest: Bool, mode: String) async throws {
    let fixture = try await archived(hasManifest: hasManifest)
    try await fixture.psql("INSERT INTO events.clicks VALUES (6, '2024-01-01 13:00+00', 'late')")
    let mode = ", \"mode\": \"\(mode)\""
    let error = try await fixture.restoreError(replace(mode))
    #expect(error.code == .fewerRows)
    #expect(error.code.status == 409)
    #expect(error.details == ["archive_rows": .number(3), "table_rows": .number(4)])
    #expect(error.message.contains("destination.force"))
    #expect(try await fixture.count() == 6)
    let result = try await fixture.restoreOne(replace(mode + ", \"force\": true"))
    #expect(result.rowsLoaded == 3)
    #expect(result.warnings.contains("4 rows of the window were replaced"))
    #expect(try await fixture.count() == 5)
  }

  @Test(
    "A foreign key that would delete or change other rows stops a replacement, unless it is allowed",
    arguments: ["CASCADE", "SET NULL", "SET DEFAULT"])
  func cascades(action: String) async throws {
    let fixture = try await archived("ALTER TABLE events.clicks ADD PRIMARY KEY (id);")
    try await fixture.psql(
      """
      CREATE TABLE public.notes (click int DEFAULT NULL CONSTRAINT of_click REFERENCES events.clicks ON DELETE \(action));
      INSERT INTO public.notes VALUES (2);
      """)
    let error = try await fixture.restoreError(replace())
    #expect(error.code == .deleteCascades)
    #expect(error.code.status == 409)
    #expect(error.details == ["constraints": .array([.string("of_click of public.notes")])])
    #expect(error.message.contains("of_click"))
    #expect(try await fixture.psql("SELECT click FROM public.notes") == "2")
    #expect(try await fixture.restoreOne(replace(", \"cascade\": true")).rowsLoaded == 3)
    #expect(try await fixture.psql("SELECT count(click) FROM public.notes") == "0")
    // With nothing to delete there is nothing to cascade.
    try await fixture.psql("DELETE FROM events.clicks WHERE id < 4")
    #expect(try await fixture.restoreOne(replace()).rowsLoaded == 3)
  }

  @Test("A foreign key to a partitioned table stops a replacement in one of its partitions too")
  func partitionedCascade() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.whole (id int, at timestamptz, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
      CREATE TABLE events.clicks PARTITION OF events.whole FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
      INSERT INTO events.whole VALUES (1, '2024-01-01');
      """, settings: ["BACKUP_TABLES": "events.clicks:at"])
    _ = try await fixture.backupOne()
    try await fixture.psql(
      """
      CREATE TABLE notes (id int, at timestamptz, CONSTRAINT of_click FOREIGN KEY (id, at) REFERENCES events.whole ON DELETE CASCADE);
      """)
    let error = try await fixture.restoreError(replace())
    #expect(error.code == .deleteCascades)
    #expect(error.details == ["constraints": .array([.string("of_click of public.notes")])])
  }

  @Test("A foreign key without an action is the server's to refuse, and the table stays as it was")
  func noAction() async throws {
    let fixture = try await archived("ALTER TABLE events.clicks ADD PRIMARY KEY (id);")
    try await fixture.psql(
      "CREATE TABLE public.notes (click int REFERENCES events.clicks); INSERT INTO public.notes VALUES (2);")
    #expect(try await fixture.restoreError(replace()).code == .constraintViolation)
    #expect(try await fixture.count() == 5)
  }

  @Test("The rows of the manifest's span are replaced, whatever BACKUP_TIMEZONE is now")
  func spanOfManifest() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz, note text);
      INSERT INTO events.clicks VALUES (1, '2023-12-31 23:30+00', 'of Berlin''s first'), (2, '2024-01-01 23:30+00', 'of its second');
      """, settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_TIMEZONE": "Europe/Berlin"])
    _ = try await fixture.backupOne()
    let other = fixture.with { $0.backup.timeZone = .gmt }
    let result = try await other.restoreOne(replace())
    #expect(result.rowsLoaded == 1)
    #expect(result.dateWindow?.start == "2024-01-01T00:00:00+01:00")
    #expect(try await fixture.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM events.clicks") == "1,2")
  }

  @Test("Without a manifest the answer says which span was taken for the day")
  func unrecorded() async throws {
    let fixture = try await archived(hasManifest: false)
    let result = try await fixture.restoreOne(replace())
    #expect(result.rowsLoaded == 3)
    #expect(
      result.warnings.contains {
        $0.contains("no manifest") && $0.contains("at from 2024-01-01T00:00:00+00:00 to 2024-01-02T00:00:00+00:00")
      }, "\(result.warnings)")
    #expect(try await fixture.count() == 5)
  }

  @Test(
    "A file without a manifest whose rows lie outside the day deletes nothing",
    arguments: [
      ("1,2024-01-01,x\n2,2024-01-02,x\n3,2023-12-31 23:59:59+00,x\n", 2, 0), ("1,2024-01-01,x\n2,,secret\n", 0, 1),
      ("1,infinity,x\n", 1, 0),
    ])
  func outside(csv: String, outside: Int, timeless: Int) async throws {
    let fixture = try await archived(hasManifest: false)
    try await fixture.put("id,at,note\n" + csv)
    let error = try await fixture.restoreError(replace(", \"force\": true"))
    #expect(error.code == .rowsOutsideSpan)
    #expect(error.code.status == 422)
    #expect(error.details["outside_rows"] == .number(Double(outside)))
    #expect(error.details["rows_without_time"] == .number(Double(timeless)))
    #expect(!"\(error)".contains("secret"))
    #expect(try await fixture.count() == 5)
  }

  @Test("A file without a manifest and without the time column deletes nothing")
  func noTime() async throws {
    let fixture = try await archived(hasManifest: false)
    try await fixture.put("id,note\n1,x\n2,x\n3,x\n")
    #expect(try await fixture.restoreError(replace()).code == .badTimeColumn)
    #expect(try await fixture.count() == 5)
  }

  @Test("Rows of tables that inherit from the target are not moved into it")
  func children() async throws {
    let fixture = try await archived()
    try await fixture.psql(
      """
      CREATE TABLE public.more () INHERITS (events.clicks); CREATE TABLE public.less () INHERITS (events.clicks);
      INSERT INTO public.less VALUES (9, '2024-01-05', 'another day');
      """)
    #expect(try await fixture.restoreOne(replace()).rowsLoaded == 3)
    try await fixture.psql(
      "DELETE FROM ONLY events.clicks WHERE id = 3; INSERT INTO public.more VALUES (3, '2024-01-01 10:00+00')")
    let error = try await fixture.restoreError(replace(", \"force\": true"))
    #expect(error.code == .childTables)
    #expect(error.code.status == 409)
    #expect(error.details == ["tables": .array([.string("public.more")])])
    #expect(try await fixture.count("public.more") == 1)
  }

  @Test("Rows that a policy hides from the role make a replacement an error", arguments: [true, false])
  func hidden(isOwner: Bool) async throws {
    let fixture = try await archived()
    try await fixture.psql(
      """
      INSERT INTO events.clicks VALUES (6, '2024-01-01 13:00+00', 'theirs');
      ALTER TABLE events.clicks ENABLE ROW LEVEL SECURITY;
      CREATE POLICY ours ON events.clicks USING (note IS DISTINCT FROM 'theirs') WITH CHECK (true);
      GRANT USAGE, CREATE ON SCHEMA events TO plain; GRANT ALL ON events.clicks TO plain;
      """)
    if isOwner {
      try await fixture.psql(
        "ALTER TABLE events.clicks OWNER TO plain; ALTER TABLE events.clicks FORCE ROW LEVEL SECURITY")
    }
    let plain = try await Fixture.plain(of: fixture, PostgresServer.shared)
    let error = try await plain.restoreError(replace())
    #expect(error.code == .databaseError || error.code == .permissionDenied, "\(error)")
    #expect(try await fixture.count() == 6)
    await plain.pools.close()
  }

  @Test("Rows that are left after the deletion stop the replacement")
  func remaining() async throws {
    let fixture = try await archived()
    try await fixture.psql(
      """
      CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF OLD.id = 2 THEN RETURN NULL; END IF; RETURN OLD; END $$;
      CREATE TRIGGER keep BEFORE DELETE ON events.clicks FOR EACH ROW EXECUTE FUNCTION keep();
      """)
    let error = try await fixture.restoreError(replace())
    #expect(error.code == .rowsNotDeleted)
    #expect(try await fixture.count() == 5)
  }

  @Test("Force and cascade without replace are refused", arguments: ["force", "cascade"])
  func fields(name: String) {
    let error = #expect(throws: JobError.self) {
      try RestoreRequest(
        JSONValue(
          json: Data("{\"table\": \"a.b\", \"date\": \"2024-01-01\", \"destination\": {\"\(name)\": true}}".utf8)))
    }
    #expect(error?.code == .badField)
    #expect(error?.field == "destination.\(name)")
  }

  @Test(
    "The day of a hypertable is replaced whole, also in a chunk that is partly compressed",
    .enabled(if: PostgresServer.hasTimescale))
  func hypertable() async throws {
    let server = try await PostgresServer.withTimescale()
    let fixture = try await Fixture(
      """
      CREATE EXTENSION timescaledb; CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz NOT NULL, note text);
      SELECT create_hypertable('events.clicks', 'at', chunk_time_interval => interval '7 days');
      ALTER TABLE events.clicks SET (timescaledb.compress, timescaledb.compress_segmentby = 'note');
      INSERT INTO events.clicks SELECT i, '2023-12-30'::timestamptz + i * interval '10 seconds', 'n' || i % 7
        FROM generate_series(1, 40000) i;
      SELECT compress_chunk(c) FROM show_chunks('events.clicks') c;
      INSERT INTO events.clicks SELECT i, '2024-01-01'::timestamptz + i * interval '7 seconds', 'late' FROM generate_series(1, 999) i;
      """, settings: ["BACKUP_TABLES": "events.clicks:at"], server: server)
    let archive = try await fixture.backupOne()
    let before = try await fixture.count()
    let result = try await fixture.restoreOne(replace())
    #expect(result.rowsLoaded == archive.rows)
    #expect(try await fixture.count() == before)
    await fixture.pools.close()
    await server.stopAndWait()
  }
}
