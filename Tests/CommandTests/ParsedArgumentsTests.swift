import Essentials
import Foundation
import TestSupport
import Testing

@testable import sluice

@Suite("The arguments of a command")
struct ParsedArgumentsTests {
  private func restore(_ arguments: String...) throws -> ParsedArguments {
    try ParsedArguments(arguments, options: RestoreCommand.options)
  }

  @Test(
    "A wrong argument is an error that says what is wrong",
    arguments: [
      (["--on-existng", "skip"], "there is no option --on-existng (did you mean --on-existing?)"),
      (["--frobnicate"], "there is no option --frobnicate"),
      (["--table", "a.b", "--date", "2024-01-01", "--table=c.d"], "--table is given twice"),
      (["--table"], "--table needs a value: --table TABLE"),
      (["--csv-option"], "--csv-option needs a value: --csv-option NAME=VALUE"),
      (["--json=yes"], "--json takes no value"),
      (["events.clicks"], "\"events.clicks\" is not an option; options begin with --"),
      (["--"], "\"--\" is not an option; options begin with --"),
    ])
  func wrong(arguments: [String], text: String) throws {
    let error = #expect(throws: UsageError.self) {
      try ParsedArguments(arguments, options: RestoreCommand.options)
    }
    #expect(error?.description == text)
  }

  @Test("A value follows its option as the next argument or after an equals sign, and may begin with dashes")
  func values() throws {
    let parsed = try restore("--table", "a.b", "--date=2024-01-01", "--user", "--odd", "--host=a=b", "--json")
    #expect(parsed.value("table") == "a.b")
    #expect(parsed.value("date") == "2024-01-01")
    #expect(parsed.value("user") == "--odd")
    #expect(parsed.value("host") == "a=b")
    #expect(parsed.isFlagSet("json"))
    #expect(!parsed.isFlagSet("help"))
    #expect(parsed.value("from") == nil)
    #expect(try restore("-h").isFlagSet("help"))
    #expect(try restore("--help").isFlagSet("help"))
  }

  @Test("Options become the members of the request, each at its path")
  func request() throws {
    let request = try restore(
      "--table", "a.b", "--date", "2024-01-01", "--on-existing", "skip", "--decompress-window", "--column", "id",
      "--column", "at", "--refresh-cagg", "x.y", "--json"
    ).request()
    #expect(
      request == [
        "table": "a.b", "date": "2024-01-01", "destination": ["on_existing": "skip"],
        "timescaledb": ["decompress_window": true, "refresh_caggs": ["x.y"]], "copy": ["columns": ["id", "at"]],
      ])
  }

  @Test("Pairs are split at their first equals sign, and each becomes a member")
  func pairs() throws {
    let request = try restore("--csv-option", "DELIMITER=;", "--csv-option", "NULL==", "--csv-option=QUOTE=").request()
    #expect(request == ["copy": ["csv_options": ["DELIMITER": ";", "NULL": "=", "QUOTE": ""]]])
    let error = #expect(throws: UsageError.self) { try restore("--csv-option", "DELIMITER").request() }
    #expect(error?.description == "--csv-option needs NAME=VALUE, got \"DELIMITER\"")
  }

  @Test("Options override the members of the request file, and leave the others")
  func requestFile() throws {
    let folder = try TemporaryDirectory("request")
    let file = folder.file("request.json")
    try #"{"table": "a.b", "date": "2024-01-01", "destination": {"mode": "staging", "on_existing": "error"}}"#.write(
      toFile: file, atomically: true, encoding: .utf8)
    let request = try restore("--request", file, "--date", "2024-01-02", "--on-existing", "skip").request()
    #expect(
      request == [
        "table": "a.b", "date": "2024-01-02", "destination": ["mode": "staging", "on_existing": "skip"],
      ])
    try "[]".write(toFile: file, atomically: true, encoding: .utf8)
    #expect(throws: UsageError.self) { try restore("--request", file).request() }
    let error = #expect(throws: UsageError.self) { try restore("--request", folder.file("absent")).request() }
    #expect(error?.description.contains("cannot be read") == true)
  }
}
