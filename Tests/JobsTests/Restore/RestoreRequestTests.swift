import Database
import Essentials
import Foundation
import Lake
import Postgres
import Testing

@testable import Archive
@testable import Jobs
@testable import Reporting
@testable import TableDays

@Suite("Restore requests")
struct RestoreRequestTests {
  func request(_ json: String) throws -> RestoreRequest {
    try RestoreRequest(JSONValue(json: Data(json.utf8)))
  }

  @Test("The documented request is read")
  func documented() throws {
    let request = try request(
      """
      {
        "adls_url": "abfss://telemetry@account.dfs.core.windows.net/backups/weavix/silver/pttreceive2.2025-01-01.csv.gz",
        "pg": { "host": null, "port": 5432, "user": null, "password": null, "sslmode": "require", "database": null,
                "connection_uri": null },
        "destination": { "mode": "direct", "target_table": null, "create_staging_like": null, "on_existing": "error" },
        "timescaledb": { "decompress_window": true, "recompress_window": true, "refresh_caggs": ["silver.ptt_daily"] },
        "copy": { "csv_options": { "HEADER": true, "DELIMITER": ",", "NULL": "", "QUOTE": "\\"" }, "columns": null,
                  "synchronous_commit_off": true }
      }
      """)
    #expect(
      try request.source
        == .file(
          LakeAddress(
            parsing:
              "abfss://telemetry@account.dfs.core.windows.net/backups/weavix/silver/pttreceive2.2025-01-01.csv.gz")))
    #expect(request.server == .init(port: 5432, sslMode: .require))
    #expect(request.destination == .init())
    #expect(request.timescale.decompressWindow == true)
    #expect(request.timescale.recompressWindow == true)
    #expect(request.timescale.refresh == .named([TableName(schema: "silver", name: "ptt_daily")]))
    #expect(request.copy == .init())
  }

  @Test("The other fields are read")
  func otherFields() throws {
    let request = try request(
      """
      {"table": "a.b", "from": "2024-01-01", "to": "2024-01-02",
       "pg": {"host": "h", "connection_uri": "postgresql://u:p%40w@other:6432/d?sslmode=verify-full"},
       "destination": {"mode": "staging", "target_table": "c.d", "create_staging_like": "e.f", "on_existing": "skip",
                       "columns_missing": "ignore"},
       "copy": {"csv_options": {"HEADER": false, "DELIMITER": ";", "NULL": "NULL", "QUOTE": "'", "ESCAPE": "\\\\",
                "FORCE_NULL": "x", "FORCE_NOT_NULL": ["y"], "ENCODING": "LATIN1"},
                "columns": ["x", "y"], "synchronous_commit_off": false}}
      """)
    #expect(
      request.source
        == .days(
          table: TableName(schema: "a", name: "b"), from: try #require(Day("2024-01-01")),
          to: try #require(Day("2024-01-02"))))
    // A field of its own wins over the URI.
    #expect(
      request.server
        == .init(
          host: "h", port: 6432, user: "u", password: Secret("p@w"), sslMode: .verifyFull, database: "d"))
    #expect(request.destination.policy.mode == .staging)
    #expect(request.destination.targetTable == TableName(schema: "c", name: "d"))
    #expect(request.destination.policy.stagingLike == TableName(schema: "e", name: "f"))
    #expect(request.destination.policy.onExisting == .skip)
    #expect(request.destination.policy.columnsMissing == .ignore)
    #expect(request.copy.columns == ["x", "y"])
    #expect(!request.copy.synchronousCommitOff)
    let options = request.copy.options
    #expect(!options.hasHeader)
    #expect(options.delimiter == ";" && options.null == "NULL" && options.quote == "'" && options.escape == "\\")
    #expect(options.forceNull == ["x"] && options.forceNotNull == ["y"] && options.encoding == "LATIN1")
    #expect(
      options.format
        == CSVFormat(delimiter: UInt8(ascii: ";"), quote: UInt8(ascii: "'"), escape: UInt8(ascii: "\\")))
  }

  @Test(
    "A bad field is named by its whole path",
    arguments: [
      ("", "missing_field", "adls_url", "give adls_url, or table with date"),
      ("\"adls_url\": 1", "bad_field", "adls_url", "a URL such as abfss://"),
      ("\"adls_url\": \"file:///l/x\", \"table\": \"a.b\"", "bad_field", "adls_url", "not both"),
      ("\"adls_url\": \"file:///l/x\", \"to\": \"2024-01-01\"", "bad_field", "adls_url", "not both"),
      ("\"date\": \"2024-01-01\"", "missing_field", "adls_url", "missing"),
      ("\"table\": \"a.b\"", "missing_field", "date", "YYYY-MM-DD"),
      ("\"table\": \"b\", \"date\": \"2024-01-01\"", "table_without_schema", "table", "schema.table"),
      ("\"table\": \"a.b\", \"date\": \"2024-02-30\"", "bad_field", "date", "got \"2024-02-30\""),
      ("\"table\": \"a.b\", \"from\": \"2024-02-02\", \"to\": \"2024-02-01\"", "bad_field", "from", "swap them"),
      (
        "\"table\": \"a.b\", \"from\": \"1583-01-01\", \"to\": \"9999-12-31\"", "too_many_units", "to", "split the span"
      ),
      ("\"adls_url\": \"file:///l/x\", \"extra\": 1", "unknown_field", "extra", "known are adls_url, table"),
      ("\"adls_url\": \"file:///l/x\", \"pg\": 1", "bad_field", "pg", "expected an object, got the number 1"),
      ("\"adls_url\": \"file:///l/x\", \"pg\": {\"hsot\": 1}", "unknown_field", "pg.hsot", "known are host"),
      ("\"adls_url\": \"file:///l/x\", \"pg\": {\"port\": 0}", "bad_field", "pg.port", "from 1 to 65535"),
      ("\"adls_url\": \"file:///l/x\", \"pg\": {\"sslmode\": \"on\"}", "bad_field", "pg.sslmode", "\"verify-full\""),
      (
        "\"adls_url\": \"file:///l/x\", \"destination\": {\"mode\": \"x\"}", "bad_field", "destination.mode",
        "\"staging\""
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"destination\": {\"target_table\": \"x\"}", "table_without_schema",
        "destination.target_table", "destination.target_table: \"x\" has no schema"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"destination\": {\"create_staging_like\": \"a.b\"}", "bad_field",
        "destination.create_staging_like", "only with destination.mode \"staging\""
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"destination\": {\"on_existing\": \"drop\"}", "bad_field",
        "destination.on_existing",
        "\"replace\""
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"destination\": {\"columns_missing\": 1}", "bad_field",
        "destination.columns_missing",
        "\"ignore\""
      ),
      ("\"adls_url\": \"file:///l/x\", \"destination\": {\"a\": 1}", "unknown_field", "destination.a", "no such field"),
      (
        "\"adls_url\": \"file:///l/x\", \"timescaledb\": {\"decompress_window\": 3}", "bad_field",
        "timescaledb.decompress_window",
        "true or false"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"timescaledb\": {\"refresh_caggs\": [\"a\"]}", "table_without_schema",
        "timescaledb.refresh_caggs", "has no schema"
      ),
      ("\"adls_url\": \"file:///l/x\", \"timescaledb\": {\"a\": 1}", "unknown_field", "timescaledb.a", "no such field"),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"a\": 1}", "unknown_field", "copy.a",
        "known are csv_options, columns"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"columns\": [1]}", "bad_field", "copy.columns",
        "a list of column names"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"FORMAT\": 1}}", "unknown_field",
        "copy.csv_options.FORMAT",
        "known are HEADER, DELIMITER, NULL"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"DELIMITER\": \"ab\"}}", "bad_field",
        "copy.csv_options.DELIMITER", "one single-byte character, not a line break, got \"ab\""
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"DELIMITER\": \"ä\"}}", "bad_field",
        "copy.csv_options.DELIMITER", "one single-byte character"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"QUOTE\": \"\\n\"}}", "bad_field",
        "copy.csv_options.QUOTE",
        "not a line break"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"ESCAPE\": \"\"}}", "bad_field",
        "copy.csv_options.ESCAPE",
        "one single-byte character"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"QUOTE\": \",\"}}", "bad_field",
        "copy.csv_options.QUOTE",
        "another character than DELIMITER"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"NULL\": \"a,b\"}}", "bad_field",
        "copy.csv_options.NULL",
        "without the DELIMITER"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"NULL\": \"\\n\"}}", "bad_field",
        "copy.csv_options.NULL",
        "without line breaks"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"NULL\": \",\\u0301\"}}", "bad_field",
        "copy.csv_options.NULL", "without the DELIMITER"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"FORCE_NULL\": [\"a\", \"a\"]}}", "bad_field",
        "copy.csv_options.FORCE_NULL", "each column once"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"FORCE_NOT_NULL\": [\"a\", \"a\"]}}", "bad_field",
        "copy.csv_options.FORCE_NOT_NULL", "each column once"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"pg\": {\"user\": \"app\\u0000x\"}", "bad_field", "pg.user",
        "without NUL characters"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"HEADER\": false}}", "missing_field",
        "copy.columns",
        "needs its columns named"
      ),
      (
        "\"adls_url\": \"file:///l/x\", \"copy\": {\"csv_options\": {\"HEADER\": \"match\"}}", "bad_field",
        "copy.csv_options.HEADER", "true or false"
      ),
    ])
  func badField(members: String, code: String, field: String, text: String) throws {
    let error = try #require(throws: JobError.self) {
      _ = try RestoreRequest(JSONValue(json: Data("{\(members)}".utf8)))
    }
    #expect(error.code.rawValue == code)
    #expect(error.field == field)
    #expect(error.code.kind == .invalid)
    #expect(error.message.contains(text), "\(error.message)")
  }

  @Test(
    "The error of a refused connection_uri does not contain its password",
    arguments: [
      ("postgresql://u:hunter2@h/d?options=-crole%3Dx", "options is not allowed; allowed are host, port, user"),
      ("postgresql://u:hunter2@h/d?passfile=/etc/passwd", "passfile is not allowed"),
      ("host=h password=hunter2 sslkey=/x", "sslkey is not allowed"),
      ("postgresql://u:hunter2@h/d?sslmode=never", "sslmode is not one of"),
      ("postgresql://u:hunter2@h:99999/d", "port"),
      ("postgresql://u:hunter2@h/d?hunter2=1", "cannot be read"),
      ("hunter2", "cannot be read"),
    ])
  func connectionURI(uri: String, text: String) throws {
    let error = try #require(throws: JobError.self) {
      _ = try RestoreRequest(
        .object(["adls_url": .string("file:///l/x"), "pg": .object(["connection_uri": .string(uri)])]))
    }
    #expect(error.code == .badField)
    #expect(error.field == "pg.connection_uri")
    #expect(error.message.contains(text), "\(error.message)")
    #expect(!"\(error)".contains("hunter2"))
  }

  @Test("The error of a password of the wrong type does not repeat it")
  func passwordType() throws {
    let error = try #require(throws: JobError.self) {
      _ = try RestoreRequest(.object(["adls_url": .string("file:///l/x"), "pg": .object(["password": .number(4711)])]))
    }
    #expect(error.field == "pg.password")
    #expect(!error.message.contains("4711"))
  }

  @Test("A printed request does not contain its password")
  func printed() throws {
    let request = try request("{\"adls_url\": \"file:///l/x\", \"pg\": {\"password\": \"hunter2\"}}")
    var dumped = ""
    dump(request, to: &dumped)
    #expect(!"\(request)\(dumped)".contains("hunter2"))
  }

  @Test("A URI in the place of the object pg is not repeated: it may hold a password")
  func uriForObject() throws {
    let error = try #require(throws: JobError.self) {
      try RestoreRequest(
        .object(["adls_url": .string("file:///l/x"), "pg": .string("postgresql://u:hunter2@h/db")]))
    }
    #expect(error.field == "pg")
    #expect(error.message == "pg: expected an object")
  }
}
