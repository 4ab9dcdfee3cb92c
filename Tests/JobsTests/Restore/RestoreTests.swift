import Essentials
import Foundation
import Jobs
import TestSupport
import Testing

@testable import Reporting

@Suite("Restores")
struct RestoreTests {
  /// Members for a restore of the one archive with this destination.
  func to(_ destination: String) -> String {
    "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\(destination)}"
  }

  /// A fixture whose day is archived, and deleted from the table.
  func archived(_ sql: String = Fixture.clicks) async throws -> Fixture {
    let fixture = try await Fixture(sql)
    _ = try await fixture.backupOne()
    try await fixture.psql(
      "CREATE TABLE original AS TABLE events.clicks;"
        + "DELETE FROM events.clicks WHERE at >= '2024-01-01' AND at < '2024-01-02'")
    return fixture
  }

  func expectOriginal(_ fixture: Fixture) async throws {
    #expect(
      try await fixture.psql(
        "SELECT count(*) FROM ((TABLE events.clicks EXCEPT ALL TABLE original) UNION ALL "
          + "(TABLE original EXCEPT ALL TABLE events.clicks)) x") == "0")
  }

  @Test("The report has the JSON form that the documentation shows")
  func report() async throws {
    let fixture = try await archived()
    let report = try await fixture.restore()
    try await expectOriginal(fixture)
    guard case .object(let members) = try JSONValue(json: JSONEncoder().encode(report)) else {
      throw JobError(.internal, "another form")
    }
    #expect(
      Set(members.keys) == [
        "status", "database", "target_table", "date_window", "mode", "columns_loaded", "rows_loaded", "rows_skipped",
        "rows_dropped", "csv_bytes", "gzip_bytes", "seconds", "steps", "warnings", "lake",
      ])
    #expect(members["status"] == .string("ok"))
    #expect(members["database"] == .string(fixture.database))
    #expect(members["target_table"] == .string("events.clicks"))
    #expect(members["mode"] == .string("direct"))
    #expect(members["columns_loaded"] == .array([.string("id"), .string("at"), .string("note")]))
    #expect(members["rows_loaded"] == .number(3))
    #expect(members["rows_skipped"] == .number(0))
    guard case .array(let steps)? = members["steps"] else {
      Issue.record("no steps")
      return
    }
    #expect(steps.compactMap { $0.object?["name"]?.string } == RestoreStep.Name.allCases.map(\.rawValue))
    #expect(steps.first?.object?.keys.sorted() == ["name", "seconds", "status", "touched"])
    #expect(
      members["date_window"]
        == .object([
          "start": .string("2024-01-01T00:00:00+00:00"), "end": .string("2024-01-02T00:00:00+00:00"),
        ]))
  }

  @Test("Existing rows are counted and stop the load")
  func existingRows() async throws {
    let fixture = try await archived()
    try await fixture.psql("INSERT INTO events.clicks VALUES (7, '2024-01-01 01:00+00'), (8, '2024-01-01 02:00+00')")
    let error = try await fixture.restoreError()
    #expect(error.code == .rowsExist)
    #expect(error.code.kind == .conflict)
    #expect(error.field == "destination.on_existing")
    #expect(error.details == ["rows": .number(2)])
    #expect(error.message.contains("holds 2 rows of 2024-01-01 already"))
    #expect(error.message.contains("append, replace or skip"))
    #expect(try await fixture.count() == 4)
  }

  @Test(
    "Existing rows are kept, deleted or skipped as on_existing says",
    arguments: [("append", 3, 7, "ok"), ("replace", 3, 5, "ok"), ("skip", 0, 4, "skipped")])
  func onExisting(choice: String, loaded: Int, after: Int, status: String) async throws {
    let fixture = try await archived()
    try await fixture.psql("INSERT INTO events.clicks VALUES (7, '2024-01-01 01:00+00'), (8, '2024-01-01 02:00+00')")
    let result = try await fixture.restoreOne(to("\"on_existing\": \"\(choice)\""))
    #expect(result.status.rawValue == status)
    #expect(result.rowsLoaded == loaded)
    #expect(try await fixture.count() == after)
    if choice == "replace" {
      try await expectOriginal(fixture)
      #expect(result.warnings == ["2 rows of the window were replaced"])
    }
    if choice == "skip" { #expect(result.columnsLoaded == []) }
  }

  @Test("A replacement that fails keeps the existing rows")
  func failedReplacement() async throws {
    let fixture = try await archived()
    try await fixture.psql(
      "INSERT INTO events.clicks VALUES (7, '2024-01-01 01:00+00'); ALTER TABLE events.clicks ADD CHECK (id <> 2)")
    let error = try await fixture.restoreError(to("\"on_existing\": \"replace\""))
    #expect(error.code == .constraintViolation)
    #expect(error.code.kind == .unprocessable)
    #expect(error.message.contains("clicks_id_check"))
    #expect(error.details["line"] == .number(3))
    #expect(try await fixture.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM events.clicks") == "4,5,7")
  }

  @Test("Without a time column, the error names the remedy")
  func noTimeColumn() async throws {
    let fixture = try await Fixture()
    try await fixture.put("id,at,note\n1,2024-01-01,x\n")
    let error = try await fixture.restoreError()
    #expect(error.code == .noTimeColumn)
    #expect(error.field == "destination.on_existing")
    #expect(error.message.contains("pass \"append\""))
    #expect(try await fixture.restoreOne(to("\"on_existing\": \"append\"")).rowsLoaded == 1)
  }

  @Test("Staging loads the missing rows and counts the others as skipped")
  func staging() async throws {
    let fixture = try await archived(Fixture.clicks + "ALTER TABLE events.clicks ADD PRIMARY KEY (id);")
    try await fixture.psql("INSERT INTO events.clicks VALUES (2, '2024-01-01 12:00+00', NULL)")
    let result = try await fixture.restoreOne(to("\"mode\": \"staging\""))
    #expect(result.rowsLoaded == 2)
    #expect(result.rowsSkipped == 1)
    try await expectOriginal(fixture)
  }

  @Test("Staging without a unique index does not duplicate rows")
  func noUniqueIndex() async throws {
    let fixture = try await archived()
    #expect(try await fixture.restoreOne(to("\"mode\": \"staging\"")).rowsLoaded == 3)
    let error = try await fixture.restoreError(to("\"mode\": \"staging\""))
    #expect(error.code == .rowsExist)
    #expect(error.message.contains("no unique index"))
    try await expectOriginal(fixture)
  }

  @Test(
    "A partial index, an expression index, one over nullable columns or a key that the file lacks does not identify rows",
    arguments: [
      "CREATE UNIQUE INDEX ON events.clicks (id) WHERE id > 100",
      "CREATE UNIQUE INDEX ON events.clicks ((id + 1))",
      "ALTER TABLE events.clicks ADD COLUMN row bigserial PRIMARY KEY",
      "CREATE UNIQUE INDEX ON events.clicks (id)",
      "CREATE UNIQUE INDEX ON events.clicks (id, note)",
    ])
  func weakIndex(index: String) async throws {
    let fixture = try await archived()
    try await fixture.psql(index)
    #expect(try await fixture.restoreOne(to("\"mode\": \"staging\"")).rowsLoaded == 3)
    #expect(try await fixture.restoreError(to("\"mode\": \"staging\"")).code == .rowsExist)
    #expect(try await fixture.count() == 5)
  }

  @Test("A deferrable key is refused for staging with the advice to load directly")
  func deferrableKey() async throws {
    let fixture = try await archived()
    try await fixture.psql("ALTER TABLE events.clicks ADD UNIQUE (id) DEFERRABLE")
    let error = try await fixture.restoreError(to("\"mode\": \"staging\""))
    #expect(error.code == .deferrableKey)
    #expect(error.field == "destination.mode")
    #expect(try await fixture.restoreOne().rowsLoaded == 3)
  }

  @Test("Staging replaces existing rows when asked")
  func stagingReplace() async throws {
    let fixture = try await archived(Fixture.clicks + "ALTER TABLE events.clicks ADD PRIMARY KEY (id);")
    try await fixture.psql("INSERT INTO events.clicks VALUES (2, '2024-01-01 13:00+00', 'other')")
    let result = try await fixture.restoreOne(to("\"mode\": \"staging\", \"on_existing\": \"replace\""))
    #expect(result.rowsLoaded == 3)
    try await expectOriginal(fixture)
  }

  @Test("A unique violation loads nothing")
  func uniqueViolation() async throws {
    let fixture = try await archived(Fixture.clicks + "ALTER TABLE events.clicks ADD CONSTRAINT one PRIMARY KEY (id);")
    try await fixture.psql("UPDATE events.clicks SET id = 3 WHERE id = 4")
    let error = try await fixture.restoreError()
    #expect(error.code == .uniqueViolation)
    #expect(error.code.kind == .conflict)
    #expect(error.message.contains("unique index one"))
    #expect(error.message.contains("mode \"staging\""))
    #expect(!error.message.contains("(3)"))
    #expect(try await fixture.count() == 2)
  }

  @Test("A restore fills another table when the request names one")
  func otherTable() async throws {
    let fixture = try await archived()
    try await fixture.psql("CREATE TABLE public.other (LIKE events.clicks)")
    let result = try await fixture.restoreOne(to("\"target_table\": \"public.other\""))
    #expect("\(result.targetTable)" == "public.other")
    #expect(try await fixture.count("public.other") == 3)
    #expect(try await fixture.count() == 2)
  }

  @Test("The staging table takes its columns from the table of the named schema")
  func qualifiedTable() async throws {
    let fixture = try await archived()
    try await fixture.psql("CREATE TABLE public.model (id text, at text); CREATE TABLE public.narrow (note text)")
    for model in ["public.model", "public.narrow"] {
      let result = try await fixture.restoreOne(
        to("\"mode\": \"staging\", \"create_staging_like\": \"\(model)\", \"on_existing\": \"replace\""))
      #expect(result.rowsLoaded == 3)
      try await expectOriginal(fixture)
    }
    let error = try await fixture.restoreError(
      to("\"mode\": \"staging\", \"create_staging_like\": \"a.b\", \"on_existing\": \"append\""))
    #expect(error.code == .tableNotFound)
  }

  @Test("A column that the file lacks takes its default")
  func missingColumns() async throws {
    let fixture = try await archived()
    try await fixture.psql(
      "ALTER TABLE events.clicks ADD COLUMN seen boolean NOT NULL DEFAULT true, ADD COLUMN n serial")
    for mode in ["direct", "staging"] {
      let replace = "\"mode\": \"\(mode)\", \"on_existing\": \"replace\""
      if mode == "staging" {
        let error = try await fixture.restoreError(to(replace))
        #expect(error.details == ["columns": .array([.string("seen"), .string("n")])])
      }
      let result = try await fixture.restoreOne(to(replace + ", \"force\": true"))
      #expect(result.columnsLoaded == ["id", "at", "note"])
      #expect(try await fixture.psql("SELECT count(*) FROM events.clicks WHERE seen AND n IS NOT NULL") == "5")
    }
  }

  @Test("Several days have one result each, and a missing one does not stop the others")
  func severalDays() async throws {
    let fixture = try await Fixture()
    for day in ["2023-12-31", "2024-01-02"] {
      _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"\(day)\"")
    }
    try await fixture.psql("TRUNCATE events.clicks")
    let report = try await fixture.restore(
      "\"table\": \"events.clicks\", \"from\": \"2023-12-31\", \"to\": \"2024-01-02\"")
    #expect(report.status == .partial)
    #expect(report.results.map(\.status) == [.ok, .failed, .ok])
    #expect(report.results.map(\.rowsLoaded) == [1, 0, 1])
    #expect(report.results[1].error?.code == .archiveNotFound)
    guard case .object(let members) = try JSONValue(json: JSONEncoder().encode(report)) else {
      throw JobError(.internal, "another form")
    }
    #expect(members["status"] == .string("partial"))
    #expect(try await fixture.restoreError().code == .archiveNotFound)
  }

  @Test(
    "A target that is not a table is refused",
    arguments: [
      ("public.absent", "table_not_found"), ("public.seen", "not_a_table"), ("public.seq", "not_a_table"),
    ])
  func notATable(target: String, code: String) async throws {
    let fixture = try await archived()
    try await fixture.psql("CREATE VIEW seen AS TABLE events.clicks; CREATE SEQUENCE seq")
    #expect(try await fixture.restoreError(to("\"target_table\": \"\(target)\"")).code.rawValue == code)
  }

  @Test("A missing privilege is named with its GRANT")
  func grant() async throws {
    let server = try await PostgresServer.shared
    let fixture = try await Fixture(settings: ["PG_USER": server.plainUser], password: server.plainPassword)
    try await fixture.put("id,at,note\n1,2024-01-01,x\n")
    try await fixture.psql("GRANT USAGE ON SCHEMA events TO plain")
    let request = to("\"on_existing\": \"append\"")
    #expect(try await fixture.restoreError(request).message.contains("GRANT INSERT ON events.clicks TO plain"))
    try await fixture.psql("GRANT INSERT (id, at) ON events.clicks TO plain")
    #expect(try await fixture.restoreError(request).message.contains("GRANT INSERT (note) ON events.clicks TO plain"))
    try await fixture.psql("GRANT INSERT ON events.clicks TO plain")
    let result = try await fixture.restoreOne(request)
    #expect(result.status == .ok)
    #expect(result.rowsLoaded == 1)
  }

  @Test("A load is flushed to disk before it is reported")
  func durable() async throws {
    // A server that writes its log to disk only when it must. The page with the rows tells how far the log must be.
    let server = try await PostgresServer(settings: ["wal_writer_delay=10s", "wal_writer_flush_after=1GB"])
    let fixture = try await Fixture(server: server)
    _ = try await fixture.backupOne()
    try await fixture.psql("CREATE EXTENSION pageinspect; TRUNCATE events.clicks; CHECKPOINT")
    #expect(try await fixture.restoreOne().status == .ok)
    let isFlushed = try await fixture.psql(
      "SELECT pg_current_wal_flush_lsn() >= (page_header(get_raw_page('events.clicks', 0))).lsn")
    #expect(isFlushed == "t")
    await server.stopAndWait()
  }
}
