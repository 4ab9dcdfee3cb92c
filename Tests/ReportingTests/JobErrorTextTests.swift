import Essentials
import Foundation
import Testing

@testable import Reporting

@Suite("The text of an error")
struct JobErrorTextTests {
  @Test("Fields are named as the caller wrote them, each once")
  func fields() {
    let error = JobError(
      .rowsExist, "3 rows are there; pass \(field: "destination.mode") \"staging\"", field: "destination.on_existing",
      details: ["rows": 3])
    #expect(error.message == "destination.on_existing: 3 rows are there; pass destination.mode \"staging\"")
    let options = ["destination.mode": "--mode", "destination.on_existing": "--on-existing"]
    let name: (String) -> String = { options[$0] ?? $0 }
    #expect(error.message(naming: name) == "--on-existing: 3 rows are there; pass --mode \"staging\"")
    #expect(error.description(naming: name).hasPrefix("rows_exist: --on-existing: "))
    #expect(
      error.members(naming: name) == [
        "rows": 3, "code": "rows_exist", "field": "destination.on_existing",
        "detail": "--on-existing: 3 rows are there; pass --mode \"staging\"",
      ])
  }

  @Test("The error of an inner object has the whole path")
  func inner() {
    let error = JobError.badField("mode", "one of two", got: .string("x")).under("destination")
    #expect(error.message == "destination.mode: expected one of two, got \"x\"")
    #expect(error.under("outer").field == "outer.destination.mode")
  }

  @Test("It is written as JSON with its own details")
  func json() throws {
    let error = JobError(.badRow, "a row", details: ["line": 9])
    let text = String(decoding: try JSONEncoder().encode(error), as: UTF8.self)
    #expect(try JSONValue(parsing: text.utf8) == ["code": "bad_row", "detail": "a row", "line": 9])
  }

  @Test("The nearest name is found, and none when none is near")
  func nearest() {
    let known = ["BACKUP_TABLES", "BACKUP_TIMEZONE", "PG_HOST", "PG_PORT"]
    #expect(NearestName.nearest(to: "BACKUP_TABEL", among: known) == "BACKUP_TABLES")
    #expect(NearestName.nearest(to: "PG_HSOT", among: known) == "PG_HOST")
    #expect(NearestName.nearest(to: "pg_port", among: known) == "PG_PORT")
    #expect(NearestName.nearest(to: "SOMETHING", among: known) == nil)
    #expect(NearestName.hint("PG_POTR", among: known) == " (did you mean PG_PORT?)")
    #expect(NearestName.hint("x", among: known) == "")
  }
}
