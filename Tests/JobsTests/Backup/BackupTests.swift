import Essentials
import Foundation
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

@Suite("Backups")
struct BackupTests {
  @Test("A day's archive holds the rows from midnight up to the next midnight")
  func midnight() async throws {
    let fixture = try await Fixture()
    let result = try await fixture.backupOne()
    #expect(result.status == .ok)
    #expect(result.rows == 3)
    #expect(result.path == fixture.clicksPath)
    #expect(
      try await fixture.csv() == """
        id,at,note
        1,2024-01-01 00:00:00+00,first
        2,2024-01-01 12:00:00+00,
        3,2024-01-01 23:59:59.999999+00,""

        """)
    #expect(fixture.files == ["\(fixture.database)/_sluice/events.clicks.2024-01-01.json", fixture.clicksPath])
  }

  @Test("The manifest describes the archive as it is")
  func manifest() async throws {
    let fixture = try await Fixture()
    let result = try await fixture.backupOne()
    let manifest = try fixture.manifest()
    let sum = try await runChecked("/usr/bin/sha256sum", [fixture.directory.file(fixture.clicksPath)])
    let digest = String(sum.prefix { $0 != " " })
    #expect(manifest["sha256"] == .string(digest))
    #expect(result.sha256 == digest)
    #expect(manifest["gzip_bytes"] == .number(Double(try fixture.bytes().count)))
    #expect(result.gzipBytes == (try fixture.bytes().count))
    let csv = try await fixture.csv()
    #expect(manifest["csv_bytes"] == .number(Double(csv.utf8.count)))
    #expect(manifest["rows"] == .number(3))
    #expect(manifest["format_version"] == .number(1))
    #expect(manifest["database"] == .string(fixture.database))
    #expect(manifest["table"] == .string("events.clicks"))
    #expect(manifest["date"] == .string("2024-01-01"))
    #expect(manifest["created_at"] == .string("2024-01-10T12:00:00Z"))
    #expect(manifest["program_version"] == .string(Program.version))
    #expect(manifest["verified_at"] == nil)
    #expect(
      manifest["window"]
        == .object([
          "start": .string("2024-01-01T00:00:00+00:00"), "end": .string("2024-01-02T00:00:00+00:00"),
          "time_zone": .string("UTC"), "time_column": .string("at"),
          "kind": .string("timestamp with time zone"), "start_value": .string("2024-01-01T00:00:00+00:00"),
          "end_value": .string("2024-01-02T00:00:00+00:00"),
        ]))
    func column(_ name: String, _ type: String) -> JSONValue {
      .object(["name": .string(name), "type": .string(type), "kind": .string("base")])
    }
    #expect(
      manifest["columns"]
        == .array([column("id", "integer"), column("at", "timestamp with time zone"), column("note", "text")]))
    let version = try await fixture.psql("SHOW server_version")
    #expect(manifest["server_version"] == .string(version))
    guard case .string(let snapshot)? = manifest["snapshot"] else { throw JobError(.internal, "no snapshot") }
    #expect(snapshot.wholeMatch(of: /\d+:\d+:[\d,]*/) != nil)
  }

  @Test("Midnight is that of BACKUP_TIMEZONE")
  func timeZone() async throws {
    var fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz);
      INSERT INTO events.clicks SELECT i, '2024-03-30 22:30+00'::timestamptz + i * interval '30 min'
        FROM generate_series(0, 60) i;
      """, settings: ["BACKUP_TIMEZONE": "Europe/Berlin"])
    fixture.now = { Date(timeIntervalSince1970: 1_712_000_000) }
    let result = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-03-31\"")
    // From 23:00 UTC to 22:00 UTC: the clocks went forward.
    #expect(result.rows == 46)
    guard case .object(let window)? = try fixture.manifest("events.clicks.2024-03-31")["window"] else {
      throw JobError(.internal, "no window")
    }
    #expect(window["start"] == .string("2024-03-31T00:00:00+01:00"))
    #expect(window["end"] == .string("2024-04-01T00:00:00+02:00"))
    #expect(window["time_zone"] == .string("Europe/Berlin"))
  }

  @Test(
    "A timestamp or date column is cut at the midnight that its own values show",
    arguments: ["timestamp", "date", "instants"])
  func columnTypes(type: String) async throws {
    let fixture = try await Fixture(
      """
      CREATE DOMAIN instants AS timestamptz;
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at \(type));
      INSERT INTO events.clicks VALUES (1, '2023-12-31 23:59:59'), (2, '2024-01-01 00:00:00'), (3, '2024-01-01 23:59:59'),
        (4, '2024-01-02 00:00:00'), (5, NULL), (6, 'infinity');
      """)
    let result = try await fixture.backupOne()
    #expect(result.rows == 2)
    #expect(try await fixture.csv().split(separator: "\n").map { $0.first } == ["i", "2", "3"])
  }

  @Test("The archive of a day without rows holds the header alone")
  func empty() async throws {
    let fixture = try await Fixture()
    let result = try await fixture.backupOne(
      "\"table\": \"events.clicks:at\", \"date\": \"2023-06-01\", \"empty\": \"archive\"")
    #expect(result.status == .ok)
    #expect(result.rows == 0)
    #expect(result.empty == true)
    let csv = try await fixture.csv("\(fixture.database)/events.clicks.2023-06-01.csv.gz")
    #expect(csv == "id,at,note\n")
  }

  @Test("Generated columns are left out")
  func generated() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (n * 2) STORED,
        n int, at date);
      INSERT INTO events.clicks (n, at) VALUES (7, '2024-01-01');
      """)
    _ = try await fixture.backupOne()
    #expect(try await fixture.csv() == "id,n,at\n1,7,2024-01-01\n")
  }

  @Test(
    "A relation that cannot be archived is refused with the reason",
    arguments: [
      ("events.absent", "table_not_found", JobErrorCode.Kind.notFound, "there is no table events.absent in database"),
      ("events.Clicks", "table_not_found", .notFound, "upper and lower case included"),
      ("absent.clicks", "table_not_found", .notFound, "there is no table absent.clicks"),
      (
        "events.\\\"clicks; DROP TABLE events.clicks\\\"", "table_not_found", .notFound,
        "clicks; DROP TABLE events.clicks"
      ),
      (
        "events.seen", "not_a_table", .unprocessable,
        "events.seen is a view, not a table; name the table that its rows come from"
      ),
      ("events.kept", "not_a_table", .unprocessable, "is a materialized view"),
      ("events.numbers", "not_a_table", .unprocessable, "is a sequence"),
      ("events.byid", "not_a_table", .unprocessable, "is an index"),
      ("events.clicks", "no_time_column", .unprocessable, "columns that can serve: at)"),
      ("events.clicks:when", "bad_time_column", .unprocessable, "has no column when (columns that can serve: at)"),
      (
        "events.clicks:note", "bad_time_column", .unprocessable,
        "column note of events.clicks is of type text, which has no days"
      ),
      ("events.timeless", "no_time_column", .unprocessable, "no column of type timestamptz, timestamp or date"),
    ])
  func refused(table: String, code: String, kind: JobErrorCode.Kind, text: String) async throws {
    let fixture = try await Fixture(
      Fixture.clicks + """
        CREATE VIEW events.seen AS TABLE events.clicks;
        CREATE MATERIALIZED VIEW events.kept AS TABLE events.clicks;
        CREATE SEQUENCE events.numbers;
        CREATE INDEX byid ON events.clicks (id);
        CREATE TABLE events.timeless (id int);
        """)
    let error = try await fixture.backupError("\"table\": \"\(table)\", \"date\": \"2024-01-01\"")
    #expect(error.code.rawValue == code)
    #expect(error.code.kind == kind)
    #expect(error.message.contains(text), "\(error.message)")
    #expect(fixture.files == [])
    #expect(try await fixture.count() == 5)
  }

  @Test("A missing privilege is named with its GRANT")
  func grant() async throws {
    let server = try await PostgresServer.shared
    let fixture = try await Fixture(settings: ["PG_USER": server.plainUser], password: server.plainPassword)
    func message() async throws -> String {
      let error = try await fixture.backupError()
      #expect(error.code == .permissionDenied)
      #expect(error.code.kind == .forbidden)
      return error.message
    }
    #expect(try await message().contains("GRANT USAGE ON SCHEMA events TO plain"))
    try await fixture.psql("GRANT USAGE ON SCHEMA events TO plain")
    #expect(try await message().contains("GRANT SELECT ON events.clicks TO plain"))
    try await fixture.psql("GRANT SELECT (id, at) ON events.clicks TO plain")
    #expect(try await message().contains("GRANT SELECT (note) ON events.clicks TO plain"))
    try await fixture.psql("GRANT SELECT ON events.clicks TO plain")
    #expect(try await fixture.backupOne().rows == 3)
  }

  @Test("A row security policy that hides rows fails the backup instead of shortening the archive")
  func policy() async throws {
    let server = try await PostgresServer.shared
    let fixture = try await Fixture(settings: ["PG_USER": server.plainUser], password: server.plainPassword)
    try await fixture.psql(
      """
      GRANT USAGE ON SCHEMA events TO plain; GRANT SELECT ON events.clicks TO plain;
      ALTER TABLE events.clicks ENABLE ROW LEVEL SECURITY;
      CREATE POLICY few ON events.clicks USING (id = 1);
      """)
    let error = try await fixture.backupError()
    #expect(error.code == .permissionDenied)
    #expect(error.message.contains("row-level security"))
    #expect(fixture.files == [])
  }

  @Test(
    "A day that is not over is refused",
    arguments: [
      ("\"date\": \"2024-01-11\"", "date_in_future", "date"), ("\"date\": \"2024-01-10\"", "day_not_over", "date"),
      ("\"from\": \"2024-01-01\", \"to\": \"2024-01-12\"", "date_in_future", "to"),
    ])
  func notOver(days: String, code: String, field: String) async throws {
    let fixture = try await Fixture()
    let error = try #require(
      await #expect(throws: JobError.self) { try await fixture.backup("\"table\": \"events.clicks:at\", \(days)") })
    #expect(error.code.rawValue == code)
    #expect(error.code.kind == .invalid)
    #expect(error.field == field)
    #expect(error.message.contains("the last day that can be archived is 2024-01-09"))
    #expect(error.message.contains("UTC"))
  }

  @Test("BACKUP_TIMEZONE decides whether a day is over")
  func overByZone() async throws {
    var fixture = try await Fixture(settings: ["BACKUP_TIMEZONE": "Pacific/Auckland"])
    // 12:30 UTC on the 9th is already the 10th over there.
    fixture.now = { Date(timeIntervalSince1970: 1_704_803_400) }
    #expect(try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-09\"").status == .skipped)
  }

  @Test("The failure of one table-day does not stop the others")
  func oneFails() async throws {
    let fixture = try await Fixture()
    let report = try await fixture.backup(
      "\"tables\": [\"events.absent:at\", \"events.clicks:at\"], \"from\": \"2023-12-31\", \"to\": \"2024-01-02\"")
    #expect(report.status == .partial)
    #expect(report.results.map(\.status) == [.failed, .failed, .failed, .ok, .ok, .ok])
    let days = ["2023-12-31", "2024-01-01", "2024-01-02"]
    #expect(report.results.map(\.date.description) == days + days)
    #expect(report.results.map(\.rows) == [nil, nil, nil, 1, 3, 1])
    #expect(report.results[0].error?.code == .tableNotFound)
    #expect(fixture.temporaries == [])
  }

  @Test("The report has the JSON form that the documentation shows")
  func report() async throws {
    let fixture = try await Fixture()
    let report = try await fixture.backup(
      "\"tables\": [\"events.clicks:at\", \"events.absent\"], \"date\": \"2024-01-01\"")
    guard case .object(let members) = try JSONValue(json: JSONEncoder().encode(report)),
      case .array(let results)? = members["results"], case .object(let good) = results[0],
      case .object(let bad) = results[1], case .object(let failure)? = bad["error"]
    else { throw JobError(.internal, "another form") }
    #expect(members["status"] == .string("partial"))
    #expect(good["status"] == .string("ok"))
    #expect(good["rows"] == .number(3))
    #expect(good["warnings"] == .array([]))
    #expect(bad["status"] == .string("failed"))
    #expect(failure["code"] == .string("table_not_found"))
    #expect(failure["field"] == .string("table"))
    #expect(failure["detail"] != nil)
  }
}
