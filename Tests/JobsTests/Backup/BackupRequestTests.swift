import Essentials
import Foundation
import Testing

@testable import Jobs
@testable import Reporting
@testable import TableDays

@Suite("Backup requests")
struct BackupRequestTests {
  func request(_ json: String) throws -> BackupRequest { try BackupRequest(JSONValue(json: Data(json.utf8))) }

  @Test("A query string with table and date is a request")
  func query() throws {
    let request = try request("{\"table\": \"events.clicks\", \"date\": \"2024-02-29\"}")
    #expect(request.tables == [TableOptions(table: TableName(schema: "events", name: "clicks"))])
    #expect(request.from == Day("2024-02-29"))
    #expect(request.to == request.from)
    #expect(!request.overwrite)
    #expect(!request.force)
    #expect(request.compressionLevel == nil)
  }

  @Test("Every field is read")
  func everyField() throws {
    let request = try request(
      """
      {"tables": ["a.b:t", "c.\\"d,e\\"", "\\"Odd Schema\\".\\"d,e:f\\""], "from": "2024-01-01", "to": "2024-01-03", "time_column": "at",
       "overwrite": "true", "force": true, "compression_level": "9"}
      """)
    #expect(
      request.tables == [
        TableOptions(table: TableName(schema: "a", name: "b"), timeColumn: "t"),
        TableOptions(table: TableName(schema: "c", name: "d,e")),
        TableOptions(table: TableName(schema: "Odd Schema", name: "d,e:f")),
      ])
    #expect(request.timeColumn == "at")
    #expect(request.from.through(request.to).count == 3)
    #expect(request.overwrite)
    #expect(request.force)
    #expect(request.compressionLevel == 9)
  }

  @Test(
    "A bad field is named with the expected form",
    arguments: [
      ("{}", "missing_field", "table", "table: missing; expected schema.table"),
      ("{\"tabel\": \"a.b\", \"date\": \"2024-01-01\"}", "unknown_field", "tabel", "did you mean table?"),
      ("{\"table\": \"a.b\", \"dat\": \"2024-01-01\"}", "unknown_field", "dat", "did you mean date?"),
      ("{\"tables\": []}", "missing_field", "table", "table: missing"),
      ("{\"table\": \" , \", \"date\": \"2024-01-01\"}", "missing_field", "table", "table: missing"),
      ("{\"table\": 1, \"date\": \"2024-01-01\"}", "bad_field", "table", "got the number 1"),
      ("{\"table\": \"clicks\", \"date\": \"2024-01-01\"}", "table_without_schema", "table", "has no schema"),
      ("{\"tables\": [\"a.b\", \"c\"], \"date\": \"2024-01-01\"}", "table_without_schema", "tables", "has no schema"),
      (
        "{\"table\": \"a.b\", \"tables\": [\"c.d\"], \"date\": \"2024-01-01\"}", "bad_field", "tables", "one of the two"
      ),
      ("{\"table\": \"a.b,a.b\", \"date\": \"2024-01-01\"}", "bad_field", "table", "a.b is named twice"),
      ("{\"table\": \"a.b:\", \"date\": \"2024-01-01\"}", "bad_field", "table", "a time column after the colon"),
      (
        "{\"table\": \"a.b\"}", "missing_field", "date",
        "expected a day as YYYY-MM-DD, yesterday or today-3, or from and to"
      ),
      ("{\"table\": \"a.b\", \"date\": \"2024-02-30\"}", "bad_field", "date", "YYYY-MM-DD"),
      ("{\"table\": \"a.b\", \"from\": \"2024-02-01\"}", "missing_field", "to", "together"),
      ("{\"table\": \"a.b\", \"to\": \"2024-02-01\"}", "missing_field", "from", "together"),
      (
        "{\"table\": \"a.b\", \"from\": \"2024-02-02\", \"to\": \"2024-02-01\"}", "bad_field", "from",
        "from: 2024-02-02 is after to, 2024-02-01; swap them"
      ),
      (
        "{\"table\": \"a.b\", \"date\": \"2024-02-02\", \"to\": \"2024-02-01\"}", "bad_field", "date", "not both"
      ),
      ("{\"table\": \"a.b\", \"date\": \"2024-02-02\", \"overwrite\": 2}", "bad_field", "overwrite", "true or false"),
      ("{\"table\": \"a.b\", \"date\": \"2024-02-02\", \"force\": \"x\"}", "bad_field", "force", "true or false"),
      (
        "{\"table\": \"a.b\", \"date\": \"2024-02-02\", \"time_column\": 1}", "bad_field", "time_column",
        "a column's name"
      ),
      (
        "{\"table\": \"a.b\", \"date\": \"2024-02-02\", \"compression_level\": 10}", "bad_field", "compression_level",
        "a whole number from 1 to 9, got the number 10"
      ),
      (
        "{\"table\": \"a.b\", \"date\": \"2024-02-02\", \"tabel\": 1}", "unknown_field", "tabel",
        "no such field (did you mean table?); known are"
      ),
      (
        "{\"table\": \"a.b\", \"from\": \"1583-01-01\", \"to\": \"9999-12-31\"}", "too_many_units", "to",
        "split the span"
      ),
    ])
  func badField(json: String, code: String, field: String, text: String) throws {
    let error = try #require(throws: JobError.self) { _ = try request(json) }
    #expect(error.code.rawValue == code)
    #expect(error.field == field)
    #expect(error.code.kind == .invalid)
    #expect(error.message.contains(text), "\(error.message)")
  }
}
