import Essentials
import Foundation
import Jobs
import Reporting
import TestSupport
import Testing

@Suite("Files that a restore reads")
struct RestoreFileTests {
  static let request =
    "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\"}"

  func with(_ options: String, columns: String = "null") -> String {
    Self.request + ", \"copy\": {\"csv_options\": {\(options)}, \"columns\": \(columns)}"
  }

  /// Rows of the clicks table that came from the file, as CSV.
  func loaded(_ fixture: Fixture) async throws -> String {
    try await fixture.psql("COPY (SELECT id, at::date, note FROM events.clicks ORDER BY id) TO STDOUT (FORMAT csv)")
  }

  func empty() async throws -> Fixture {
    try await Fixture("CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz, note text);")
  }

  @Test(
    "The header is removed with its byte order mark, quotes and line ends",
    arguments: [
      ("\u{FEFF}id,at,note\n1,2024-01-01,x\n", "1,2024-01-01,x"),
      ("\u{FEFF}\"id\",\"at\",\"note\"\r\n1,2024-01-01,x\r\n", "1,2024-01-01,x"),
      ("note,id\n\"a\nb\",1", "1,,\"a\nb\""),
      ("id,at,note\n", ""), ("id,at,note", ""),
    ])
  func headers(csv: String, rows: String) async throws {
    let fixture = try await empty()
    try await fixture.put(csv)
    _ = try await fixture.restoreOne(Self.request)
    #expect(try await loaded(fixture) == rows)
  }

  @Test("Quoted column names with commas and newlines are matched to their columns")
  func quotedNames() async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (\"a,b\" int, \"c\nd\" int, \"e\"\"f\" int, \" g \" int);")
    try await fixture.put("\"c\nd\",\"a,b\", g ,\"e\"\"f\"\n1,2,3,4\n")
    let result = try await fixture.restoreOne(Self.request)
    #expect(result.columnsLoaded == ["c\nd", "a,b", " g ", "e\"f"])
    #expect(try await fixture.psql("TABLE events.clicks") == "2|1|4|3")
  }

  @Test(
    "A bad row is reported by its line in the file, without its text",
    arguments: [
      ("id,at,note\n1,2024-01-01,a\n2,2024-01-01,private,private\n", 3, "22P04"),
      ("id,at,note\n1,2024-01-01,a\n2,2024-01-01\n", 3, "22P04"),
      ("id,at,note\n1,2024-01-01,\"a\nb\"\nprivate,2024-01-01,b\n", 4, "22P02"),
      ("id,at,\"note\"\r\n1,2024-01-01,a\r\n2,private,b\r\n", 3, "22007"),
      ("id,at,note\n1,2024-01-01,a\n99999999999,2024-01-01,private\n", 3, "22003"),
      ("id,at,note\n1,2024-01-01,\"private\n", 3, "22P04"),
      ("id,at,note\r\n1,2024-01-01,\"a\r\nb\"\r\nprivate,2024-01-01,b\r\n", 4, "22P02"),
      ("id,at,note\r1,2024-01-01,a\rprivate,2024-01-01,b\r", 3, "22P02"),
      ("id,at,\"note\"\n\nprivate", 2, "22P04"),
    ])
  func badRow(csv: String, line: Int, state: String) async throws {
    let fixture = try await empty()
    try await fixture.put(csv)
    let error = try await fixture.restoreError(Self.request)
    #expect(error.code == .badRow)
    #expect(error.code.kind == .unprocessable)
    #expect(error.details["line"] == .number(Double(line)), "\(error.message)")
    #expect(error.message.contains("at line \(line) of the file: SQLSTATE \(state)"), "\(error.message)")
    #expect(!"\(error)\(error.details)".contains("private"))
    #expect(try await fixture.count() == 0)
  }

  @Test("A header of several lines counts in the line number of a bad row")
  func longHeader() async throws {
    let fixture = try await Fixture("CREATE SCHEMA events; CREATE TABLE events.clicks (\"a\nb\" int);")
    try await fixture.put("\"a\nb\"\n1\nx\n")
    #expect(try await fixture.restoreError(Self.request).details["line"] == .number(4))
  }

  @Test("A bad row deep in the file is reported by its line")
  func deepRow() async throws {
    let fixture = try await empty()
    let rows = (1...50_000).map { $0 == 40_000 ? "x,,\n" : "\($0),2024-01-01,note \($0)\n" }
    try await fixture.put("id,at,note\n" + rows.joined())
    #expect(try await fixture.restoreError(Self.request).details["line"] == .number(40_001))
    #expect(try await fixture.count() == 0)
  }

  @Test("Unknown columns are listed, or left out on request")
  func unknownColumns() async throws {
    let fixture = try await empty()
    try await fixture.put("id,extra,at,note,\"o,ther\"\n1,x,2024-01-01,n,y\n")
    let error = try await fixture.restoreError(Self.request)
    #expect(error.code == .unknownColumns)
    #expect(error.code.kind == .unprocessable)
    #expect(error.details == ["columns": .array([.string("extra"), .string("o,ther")])])
    let result = try await fixture.restoreOne(
      Self.request.replacing("append\"", with: "append\", \"columns_missing\": \"ignore\""))
    #expect(result.columnsLoaded == ["id", "at", "note"])
    #expect(result.warnings == ["the load left out columns that the table lacks: \"extra\", \"o,ther\""])
    #expect(try await loaded(fixture) == "1,2024-01-01,n")
  }

  @Test("Generated columns are recomputed, and identity columns take the values of the file")
  func generated() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events; CREATE TABLE events.clicks (id int GENERATED ALWAYS AS IDENTITY, n int,
        twice int GENERATED ALWAYS AS (n * 2) STORED);
      """)
    try await fixture.put("id,n,twice\n41,1,999\n42,2,4\n")
    let result = try await fixture.restoreOne(Self.request)
    #expect(result.columnsLoaded == ["id", "n"])
    #expect(result.warnings == ["the table computes these columns, so the file's values were not loaded: twice"])
    #expect(try await fixture.psql("SELECT * FROM events.clicks ORDER BY id") == "41|1|2\n42|2|4")
  }

  @Test("A file without a header is read by the columns that the request names")
  func headerless() async throws {
    let fixture = try await empty()
    try await fixture.put("\u{FEFF}x,7\ny,8\n")
    let result = try await fixture.restoreOne(with("\"HEADER\": false", columns: "[\"note\", \"id\"]"))
    #expect(result.columnsLoaded == ["note", "id"])
    #expect(try await loaded(fixture) == "7,,x\n8,,y")
  }

  @Test("A bad row of a file without a header is reported by its line")
  func headerlessBadRow() async throws {
    let fixture = try await empty()
    try await fixture.put("x,7\ny,z\n")
    let error = try await fixture.restoreError(with("\"HEADER\": false", columns: "[\"note\", \"id\"]"))
    #expect(error.details["line"] == .number(2))
  }

  @Test("The columns that the request names replace the header")
  func namedColumns() async throws {
    let fixture = try await empty()
    try await fixture.put("a,b\nx,7\n")
    _ = try await fixture.restoreOne(with("\"HEADER\": true", columns: "[\"note\", \"id\"]"))
    #expect(try await loaded(fixture) == "7,,x")
    let error = try await fixture.restoreError(with("\"HEADER\": true", columns: "[\"note\"]"))
    #expect(error.code == .badHeader)
    #expect(error.field == "copy.columns")
  }

  @Test("Delimiter, quote, escape and NULL are those of the request")
  func dialect() async throws {
    let fixture = try await empty()
    try await fixture.put("id;at;note\n1;NULL;'it\\'s; so'\n2;NULL;'NULL'\n3;NULL;NULL\n4;NULL;\n")
    let request = with(
      "\"DELIMITER\": \";\", \"QUOTE\": \"'\", \"ESCAPE\": \"\\\\\", \"NULL\": \"NULL\"")
    #expect(try await fixture.restoreOne(request).rowsLoaded == 4)
    #expect(try await loaded(fixture) == "1,,it's; so\n2,,NULL\n3,,\n4,,\"\"")
  }

  @Test("FORCE_NULL and FORCE_NOT_NULL apply to the columns named")
  func forcedNulls() async throws {
    let fixture = try await empty()
    try await fixture.put("id,at,note\n1,\"\",\"\"\n2,,\n")
    _ = try await fixture.restoreOne(with("\"FORCE_NULL\": [\"at\"], \"FORCE_NOT_NULL\": [\"note\"]"))
    #expect(try await loaded(fixture) == "1,,\"\"\n2,,\"\"")
    let error = try await fixture.restoreError(with("\"FORCE_NULL\": [\"absent\"]"))
    #expect(error.field == "copy.csv_options.FORCE_NULL")
    #expect(error.code == .badHeader)
  }

  @Test("A file in another encoding is converted, header included")
  func encoding() async throws {
    let fixture = try await Fixture("CREATE SCHEMA events; CREATE TABLE events.clicks (id int, \"größe\" text);")
    let latin = try #require("id,größe\n1,äöü\n".data(using: .isoLatin1))
    try await fixture.put(latin)
    #expect(try await fixture.restoreOne(with("\"ENCODING\": \"LATIN1\"")).columnsLoaded == ["id", "größe"])
    #expect(try await fixture.psql("TABLE events.clicks") == "1|äöü")
    let unnamed = try await fixture.restoreError(Self.request)
    #expect(unnamed.code == .badHeader)
    #expect(unnamed.field == "copy.csv_options.ENCODING")
    let wrong = try await fixture.restoreError(with("\"ENCODING\": \"UTF8\""))
    #expect(wrong.code == .badHeader)
    let unknown = try await fixture.restoreError(with("\"ENCODING\": \"KLINGON\""))
    #expect(unknown.code == .badField)
    #expect(unknown.field == "copy.csv_options.ENCODING")
  }

  @Test("Bytes that are invalid in the encoding are a bad row")
  func badBytes() async throws {
    let fixture = try await empty()
    try await fixture.put(Data("id,note\n1,a\n2,".utf8) + Data([0xE4, 0x0A]))
    let error = try await fixture.restoreError(Self.request)
    #expect(error.code == .badRow)
    #expect(error.details["line"] == .number(3))
  }

  @Test("Rows after a line of \\. are not lost without an error")
  func endMark() async throws {
    let fixture = try await empty()
    try await fixture.put("note\na\n\\.\nb\nc\n")
    let major = try #require(Int(try await fixture.psql("SHOW server_version_num"))) / 10_000
    if major >= 18 {
      #expect(try await fixture.restoreOne(Self.request).rowsLoaded == 4)
    } else {
      let error = try await fixture.restoreError(Self.request)
      #expect(error.code == .badRow)
      #expect(error.details == ["row": .number(2)])
      #expect(error.message.contains("Put the value in quotes"))
      #expect(try await fixture.count() == 0)
    }
  }

  @Test("A quoted \\. is text")
  func quotedEndMark() async throws {
    let fixture = try await empty()
    try await fixture.put("id,note\n1,\"a\n\\.\nb\"\n2,c\n")
    #expect(try await fixture.restoreOne(Self.request).rowsLoaded == 2)
    #expect(try await loaded(fixture) == "1,,\"a\n\\.\nb\"\n2,,c")
  }

  @Test("An archive of the older layout is found")
  func olderLayout() async throws {
    let fixture = try await empty()
    try await fixture.put("id\n1\n", at: "\(fixture.database)/events/clicks.2024-01-01.csv.gz")
    #expect(try await fixture.restoreOne(Self.request).rowsLoaded == 1)
    let url = fixture.url("\(fixture.database)/events/clicks.2024-01-01.csv.gz")
    #expect(try await fixture.restoreOne(url + ", \"destination\": {\"on_existing\": \"append\"}").rowsLoaded == 1)
  }

  @Test("All members of a gzip file are read")
  func members() async throws {
    let fixture = try await empty()
    try await fixture.put("id,note\n1,\"a")
    let first = try fixture.bytes()
    try await fixture.put("b\"\n2,c\n")
    try (first + fixture.bytes()).write(to: fixture.directory.url.appending(path: fixture.clicksPath))
    #expect(try await fixture.restoreOne(Self.request).rowsLoaded == 2)
    #expect(try await loaded(fixture) == "1,,ab\n2,,c")
  }
}
