import Foundation
import Jobs
import Reporting
import TestSupport
import Testing

@testable import sluice

/// An error names a field as the user of the command line wrote it.
@Suite("Fields as the command line names them")
struct FieldNameTests {
  @Test(
    "A field has the name of its option",
    arguments: [
      ("destination.on_existing", "--on-existing"), ("table", "--table"), ("adls_url", "--adls-url"),
      ("pg.sslmode", "--sslmode"), ("timescaledb.refresh_caggs", "--refresh-cagg"), ("copy.columns", "--column"),
      ("copy.csv_options.DELIMITER", "--csv-option DELIMITER"), ("copy.csv_options", "--csv-option"),
      // No option of its own.
      ("pg.password", "pg.password"), ("copy", "copy"), ("PG_HOST", "PG_HOST"),
    ])
  func option(field: String, name: String) throws {
    #expect(try ParsedArguments([], options: RestoreCommand.options).fieldName(field) == name)
  }

  @Test(
    "A field that came from --request has its path in the JSON, and one that an option overrides has the option's name")
  func request() throws {
    let parsed = try ParsedArguments(
      ["--request", "x.json", "--mode", "staging"], options: RestoreCommand.options)
    #expect(parsed.fieldName("destination.on_existing") == "destination.on_existing")
    #expect(parsed.fieldName("copy.csv_options.DELIMITER") == "copy.csv_options.DELIMITER")
    #expect(parsed.fieldName("destination.mode") == "--mode")
  }

  @Test("The error of a request's field says the option, or the path of the field in the file")
  func message() throws {
    func message(_ arguments: [String]) throws -> String {
      let parsed = try ParsedArguments(arguments, options: RestoreCommand.options)
      let error = try #require(throws: JobError.self) { try RestoreRequest(parsed.request()) }
      #expect(error.field == "destination.on_existing")
      return error.message(naming: parsed.fieldName)
    }
    let options = ["--table", "a.b", "--date", "2024-01-01", "--on-existing", "maybe"]
    #expect(try message(options).hasPrefix("--on-existing: expected "))
    let folder = try TemporaryDirectory("request")
    let file = folder.file("request.json")
    try #"{"table": "a.b", "date": "2024-01-01", "destination": {"on_existing": "maybe"}}"#.write(
      toFile: file, atomically: true, encoding: .utf8)
    #expect(try message(["--request", file]).hasPrefix("destination.on_existing: expected "))
  }

  @Test("The JSON of a failed command has the option in its text and the request's field beside it")
  func failure() throws {
    let parsed = try ParsedArguments(["--mode", "x"], options: RestoreCommand.options)
    let error = JobError.badField("destination.mode", "one of direct, staging")
    let report = String(
      decoding: try ReportJSON.line(FailureReport(error: error), naming: parsed.fieldName), as: UTF8.self)
    #expect(report.contains(#""detail":"--mode: expected one of direct, staging""#), "\(report)")
    #expect(report.contains(#""field":"destination.mode""#), "\(report)")
    #expect(report.contains(#""status":"failed""#), "\(report)")
  }

  @Test("Each result of a report with several says the option too")
  func results() throws {
    let parsed = try ParsedArguments(["--table", "x"], options: BackupCommand.options)
    let report = ["a": [JobError(.tableNotFound, "there is no table x", field: "table")]]
    let text = String(decoding: try ReportJSON.line(report, naming: parsed.fieldName), as: UTF8.self)
    #expect(text.contains(#""detail":"--table: there is no table x""#), "\(text)")
    #expect(String(decoding: try ReportJSON.line(report), as: UTF8.self).contains(#""detail":"table: there"#))
  }
}
