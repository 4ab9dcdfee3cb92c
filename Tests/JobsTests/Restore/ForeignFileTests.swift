import Essentials
import Foundation
import Jobs
import Reporting
import TestSupport
import Testing

/// Files that are no archives: other names, plain CSV, no header.
@Suite("Files of other programs")
struct ForeignFileTests {
  func empty() async throws -> Fixture {
    try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int PRIMARY KEY, at timestamptz, note text);")
  }

  /// Puts a file into the lake as it is.
  func put(_ text: String, _ fixture: Fixture, at path: String) throws {
    let file = fixture.directory.url.appending(path: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  func request(_ path: String, _ destination: String = "", _ more: String = "") -> String {
    "\"adls_url\": \"\(path)\", \"destination\": {\"target_table\": \"events.clicks\"\(destination)}\(more)"
  }

  static let rows = "id,at,note\n1,2024-01-01 10:00+00,a\n2,2020-05-05 10:00+00,b\n"

  @Test(
    "Any CSV file of the lake is loaded into the table that the request names, by its URL or its path",
    arguments: ["export.csv", "from/elsewhere/data", "a/clicks-2024-01-31.csv", "a/b/export.CSV"])
  func plain(path: String) async throws {
    let fixture = try await empty()
    try put(Self.rows, fixture, at: path)
    let result = try await fixture.restoreOne(request("file://\(fixture.directory.path)/\(path)"))
    #expect(result.rowsLoaded == 2)
    #expect(result.dateWindow == nil)
    #expect(result.database == fixture.database)
    let again = try await fixture.restoreOne(request(path, ", \"on_existing\": \"skip\""))
    #expect(again.status == .skipped)
    #expect(try await fixture.count() == 2)
  }

  @Test("A gzip file is known by its content where its name does not say so, and by its name where it does")
  func compression() async throws {
    let fixture = try await empty()
    try await fixture.put(Self.rows, at: "x/export.csv.gz")
    #expect(try await fixture.restoreOne(request("x/export.csv.gz")).rowsLoaded == 2)
    try await fixture.psql("TRUNCATE events.clicks")
    try FileManager.default.moveItem(
      atPath: fixture.directory.file("x/export.csv.gz"), toPath: fixture.directory.file("x/export.csv"))
    #expect(try await fixture.restoreOne(request("x/export.csv")).rowsLoaded == 2)
    try put(Self.rows, fixture, at: "x/named.csv.gz")
    #expect(try await fixture.restoreError(request("x/named.csv.gz")).code == .archiveNotGzip)
  }

  @Test("An empty file, and one of a single byte, are told as such")
  func short() async throws {
    let fixture = try await empty()
    for text in ["", "x"] {
      try put(text, fixture, at: "short.csv")
      #expect(try await fixture.restoreError(request("short.csv")).code == .badHeader)
    }
  }

  @Test("A plain file with an archive's name has the day of its name")
  func dated() async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int PRIMARY KEY, at timestamptz, note text);",
      settings: ["BACKUP_TABLES": "events.clicks:at"])
    try await fixture.psql(
      "INSERT INTO events.clicks VALUES (7, '2024-01-02 10:00+00', 'kept'), (8, '2024-01-01 10:00+00', 'replaced')")
    let path = "\(fixture.database)/events.clicks.2024-01-01.csv"
    try put("id,at,note\n1,2024-01-01 10:00+00,a\n", fixture, at: path)
    let result = try await fixture.restoreOne(request(path, ", \"on_existing\": \"replace\""))
    #expect(result.dateWindow?.start == "2024-01-01T00:00:00+00:00")
    #expect(try await fixture.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM events.clicks") == "1,7")
  }

  @Test("Without a day the table must be empty, unless the request appends or a unique index tells the rows")
  func existing() async throws {
    let fixture = try await empty()
    try put(Self.rows, fixture, at: "e.csv")
    try await fixture.psql("INSERT INTO events.clicks VALUES (2, '1999-01-01', 'there')")
    let error = try await fixture.restoreError(request("e.csv"))
    #expect(error.code == .rowsExist)
    #expect(error.field == "destination.on_existing")
    let staged = try await fixture.restoreOne(request("e.csv", ", \"mode\": \"staging\""))
    #expect(staged.rowsLoaded == 1)
    #expect(staged.rowsSkipped == 1)
    try put("id,note\n3,c\n", fixture, at: "e.csv")
    #expect(try await fixture.restoreOne(request("e.csv", ", \"on_existing\": \"append\"")).rowsLoaded == 1)
    #expect(try await fixture.count() == 3)
  }

  @Test(
    "What is about the rows of a day is refused for a file without one, and nothing is loaded",
    arguments: [
      (", \"on_existing\": \"replace\"", "", "destination.on_existing"),
      (", \"create_partition\": true", "", "destination.create_partition"),
      ("", ", \"keep_until\": \"2030-01-01\"", "keep_until"),
      ("", ", \"where\": {\"from\": \"2024-01-01T10:00Z\", \"to\": \"2024-01-01T11:00Z\"}", "where"),
    ])
  func refused(destination: String, more: String, field: String) async throws {
    let fixture = try await empty()
    try put(Self.rows, fixture, at: "e.csv")
    let error = try await fixture.restoreError(request("e.csv", destination, more))
    #expect(error.code == .badField)
    #expect(error.field == field)
    #expect(try await fixture.count() == 0)
    // The check before an answer of 202 finds it too.
    let parsed = try RestoreRequest(JSONValue(json: Data("{\(request("e.csv", destination, more))}".utf8)))
    #expect(throws: JobError.self) { try fixture.restoreJob().check(parsed) }
  }

  @Test("Without a table to load into, a file that is no archive is refused with the remedy")
  func noTarget() async throws {
    let fixture = try await empty()
    try put(Self.rows, fixture, at: "e.csv")
    let error = try await fixture.restoreError("\"adls_url\": \"e.csv\"")
    #expect(error.field == "adls_url")
    #expect(error.message.contains("destination.target_table"))
  }

  @Test("A path that leaves the lake, and one with a query, are refused without being repeated")
  func badPaths() async throws {
    let fixture = try await empty()
    for path in ["../secret.csv", "/etc/secret.csv", "a/secret.csv?sig=x", "a//secret.csv"] {
      let error = try await fixture.restoreError(request(path))
      #expect(error.code == .badField)
      #expect(error.field == "adls_url")
      #expect(!error.message.contains("secret"))
    }
  }

  @Test("A request with a key loads a file once")
  func key() async throws {
    let fixture = try await empty()
    try put(Self.rows, fixture, at: "e.csv")
    let keyed = request("e.csv", ", \"on_existing\": \"append\"", ", \"key\": \"k1\"")
    #expect(try await fixture.restoreOne(keyed).rowsLoaded == 2)
    #expect(try await fixture.restoreOne(keyed).status == .skipped)
    try put("id\n9\n", fixture, at: "f.csv")
    let other = request("f.csv", ", \"on_existing\": \"append\"", ", \"key\": \"k1\"")
    #expect(try await fixture.restoreOne(other).rowsLoaded == 1)
  }

  @Test("A file without a header is suspected and told by the form of its first line, without its values")
  func headerless() async throws {
    let fixture = try await empty()
    try put("17,2024-01-01 10:00+00,private\n18,2024-01-01 10:00+00,x\n", fixture, at: "e.csv")
    let error = try await fixture.restoreError(request("e.csv"))
    #expect(error.code == .badHeader)
    #expect(error.message.contains("seems to have no header"))
    #expect(error.message.contains("copy.csv_options.HEADER=false"))
    #expect(error.message.contains("\"id\", \"at\", \"note\""))
    #expect(!error.message.contains("private"))
    let named = ", \"copy\": {\"csv_options\": {\"HEADER\": false}, \"columns\": [\"id\", \"at\", \"note\"]}"
    #expect(try await fixture.restoreOne(request("e.csv", "", named)).rowsLoaded == 2)
  }

  @Test("A header of names that the table lacks is no line of values")
  func otherHeader() async throws {
    let fixture = try await empty()
    try put("user,time\nx,y\n", fixture, at: "e.csv")
    let error = try await fixture.restoreError(request("e.csv"))
    #expect(error.code == .badHeader)
    #expect(!error.message.contains("seems to have no header"))
  }

  @Test("A bad value is told by its column, type and line", arguments: ["", ", \"mode\": \"staging\""])
  func badValue(mode: String) async throws {
    let fixture = try await empty()
    try put("id,at,note\n1,2024-01-01,a\n2,private,b\n", fixture, at: "e.csv")
    let error = try await fixture.restoreError(request("e.csv", mode))
    #expect(error.code == .badRow)
    #expect(error.details["column"] == .string("at"))
    #expect(error.details["column_type"] == .string("timestamp with time zone"))
    #expect(error.details["line"]?.whole == 3)
    #expect(!"\(error)".contains("private"))
  }

  @Test("The rows that a maintenance task has deleted are loaded again, and checked against their manifest")
  func deletedRows() async throws {
    let fixture = try await empty()
    let stem = "events.clicks.deleted.20240110T120000Z"
    try await fixture.put(Self.rows, at: "\(fixture.database)/\(stem).csv.gz")
    func manifest(rows: Int) async throws {
      let sum = try await runChecked(
        "/usr/bin/sha256sum", [fixture.directory.file("\(fixture.database)/\(stem).csv.gz")])
      try put(
        "{\"format_version\": 1, \"kind\": \"deleted_rows\", \"rows\": \(rows), \"sha256\": \"\(sum.prefix(64))\"}",
        fixture, at: "\(fixture.database)/_sluice/\(stem).json")
    }
    try await manifest(rows: 3)
    let path = "\(fixture.database)/\(stem).csv.gz"
    #expect(try await fixture.restoreError(request(path)).code == .archiveCorrupt)
    #expect(try await fixture.count() == 0)
    try await manifest(rows: 2)
    #expect(try await fixture.restoreOne(request(path)).rowsLoaded == 2)
  }

  @Test("A preview says what the restore of a file without a day would do")
  func preview() async throws {
    let fixture = try await empty()
    try put(Self.rows, fixture, at: "e.csv")
    func preview() async throws -> RestorePreview {
      let asked = try RestoreRequest(JSONValue(json: Data("{\(request("e.csv"))}".utf8)))
      return try #require(await fixture.restoreJob().preview(asked).results.first)
    }
    #expect(try await preview().outcome == .load)
    try await fixture.psql("INSERT INTO events.clicks VALUES (5)")
    let refused = try await preview()
    #expect(refused.outcome == .refuse)
    #expect(refused.problems.map(\.code) == [.rowsExist])
  }
}
