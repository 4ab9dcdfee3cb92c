import Configuration
import Essentials
import Foundation
import Reporting
import TableDays
import TestSupport
import Testing

@testable import Jobs

/// Tables whose time column counts from 1970 on.
@Suite("Integer time columns")
struct IntegerTimeTests {
  /// Three rows on 2024-01-01 in UTC, at both of its ends and in the middle; one on each day beside it.
  static func table(_ type: String, perSecond: Int, index: Bool = true) -> String {
    let first = 1_704_067_200 * perSecond, next = 1_704_153_600 * perSecond
    return """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at \(type));
      INSERT INTO events.clicks VALUES (1, \(first)), (2, \((first + next) / 2)), (3, \(next - 1)), (4, \(first - 1)), (5, \(next));
      \(index ? "CREATE INDEX ON events.clicks (at);" : "")
      """
  }

  static func settings(_ options: String) -> Data { Data("{\"tables\": {\"events.clicks\": {\(options)}}}".utf8) }

  static let units: [(String, String, Int)] = [
    ("integer", "s", 1), ("bigint", "s", 1), ("bigint", "ms", 1_000), ("bigint", "us", 1_000_000),
    ("bigint", "ns", 1_000_000_000),
  ]

  @Test(
    "A day is archived by its instants in the column's unit, and replaced, skipped and refused by them",
    arguments: units)
  func roundTrip(type: String, unit: String, perSecond: Int) async throws {
    let fixture = try await Fixture(Self.table(type, perSecond: perSecond))
    let request = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"unit\": \"\(unit)\""
    let result = try await fixture.backupOne(request)
    #expect(result.rows == 3, "\(result.error as Any)")
    #expect(result.warnings == [])
    guard case .object(let window)? = try fixture.manifest()["window"] else { return #expect(Bool(false), "no window") }
    #expect(window["kind"] == .string(type) && window["unit"] == .string(unit))
    #expect(window["start_value"] == .string("\(1_704_067_200 * perSecond)"))
    #expect(window["end_value"] == .string("\(1_704_153_600 * perSecond)"))
    #expect(try await fixture.restoreError().code == .rowsExist)
    func restore(_ mode: String) -> String {
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"\(mode)\"}"
    }
    #expect(try await fixture.restoreOne(restore("skip")).status == .skipped)
    try await fixture.psql("UPDATE events.clicks SET id = 0")
    #expect(try await fixture.restoreOne(restore("replace")).rowsLoaded == 3)
    #expect(
      try await fixture.psql("SELECT string_agg(id::text, ',' ORDER BY at) FROM events.clicks") == "0,1,2,3,0")
  }

  @Test("The days are those of BACKUP_TIMEZONE")
  func zone() async throws {
    let fixture = try await Fixture(
      Self.table("bigint", perSecond: 1_000), settings: ["BACKUP_TIMEZONE": "Asia/Tokyo"])
    let result = try await fixture.backupOne(
      "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"unit\": \"ms\"")
    // From 2023-12-31 15:00 to 2024-01-01 15:00 UTC.
    #expect(try await fixture.csv().split(separator: "\n").dropFirst().map { $0.first } == ["1", "2", "4"])
    #expect(result.rows == 3)
  }

  @Test("The unit of the settings file counts where the request names none, and the request's before it")
  func precedence() async throws {
    let file = Self.settings("\"time_column\": \"at\", \"unit\": \"ms\"")
    let fixture = try await Fixture(Self.table("bigint", perSecond: 1_000), file: file)
    #expect(try await fixture.backupOne("\"table\": \"events.clicks\", \"date\": \"2024-01-01\"").rows == 3)
    let other = try await Fixture(Self.table("bigint", perSecond: 1), file: file)
    let result = try await other.backupOne(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"unit\": \"s\"")
    #expect(result.rows == 3)
  }

  @Test("Without a unit it is told from the last value, with a warning that names the setting", arguments: units)
  func guess(type: String, unit: String, perSecond: Int) async throws {
    let fixture = try await Fixture(Self.table(type, perSecond: perSecond))
    let result = try await fixture.backupOne()
    #expect(result.rows == 3, "\(result.error as Any)")
    let warning = try #require(result.warnings.first)
    #expect(warning.contains("\"unit\": \"\(unit)\" under tables.events.clicks"), "\(warning)")
    #expect(warning.contains("2024-01-02T00:00:00+00:00"), "\(warning)")
  }

  @Test(
    "A unit that cannot be told is an error with its remedy",
    arguments: ["", "INSERT INTO events.clicks VALUES (9, 9000000000000000000)"])
  func noGuess(more: String) async throws {
    // Without an index the last value would be looked for in the whole table; a value far ahead says nothing.
    let fixture = try await Fixture(Self.table("bigint", perSecond: 1_000, index: !more.isEmpty) + more)
    let error = try await fixture.backupError()
    #expect(error.code == .badTimeColumn && error.field == "time_column")
    #expect(error.message.contains("one of s, ms, us, ns"))
  }

  @Test("A unit whose day the type does not hold, and one of a column that is not of integers, are errors")
  func misfit() async throws {
    let fixture = try await Fixture(Self.table("integer", perSecond: 1))
    let error = try await fixture.backupError(
      "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"unit\": \"ms\"")
    #expect(error.code == .badTimeColumn && error.field == "unit")
    #expect(error.message.contains("does not hold 2024-01-01 counted in ms"))
    let times = try await Fixture()
    let other = try await times.backupError(
      "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"unit\": \"ms\"")
    #expect(other.code == .badTimeColumn && other.message.contains("remove the option"))
  }

  @Test("A day without rows, and rows without a day, are told as of other columns")
  func emptyDay() async throws {
    let fixture = try await Fixture(
      Self.table("bigint", perSecond: 1_000) + "INSERT INTO events.clicks VALUES (6, NULL), (7, -99999999999999999)")
    func backup(_ day: String) async throws -> BackupResult {
      try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"\(day)\", \"unit\": \"ms\"")
    }
    #expect(try await backup("2024-01-05").skipped == "outside the table's rows")
    try await fixture.psql("DELETE FROM events.clicks WHERE id < 4")
    let between = try await backup("2024-01-01")
    #expect(between.empty == true && between.rowsWithoutADay == 2)
  }

  @Test("A nightly run finds days that were never archived, and late rows")
  func nightly() async throws {
    var fixture = try await Fixture(
      Self.table("bigint", perSecond: 1_000),
      settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "7"],
      file: Self.settings("\"unit\": \"ms\""))
    // 2024-01-10: the look-back begins on 2024-01-03.
    let first = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(first.unarchived.map { "\($0.from) \($0.to)" } == ["2023-12-31 2024-01-02"])
    #expect(first.unreviewed == [])
    _ = try await fixture.backup("\"table\": \"events.clicks\", \"from\": \"2023-12-31\", \"to\": \"2024-01-02\"")
    try await fixture.psql("INSERT INTO events.clicks VALUES (8, 1704153601000)")
    let now = fixture.now()
    fixture.now = { now.addingTimeInterval(86_400) }
    let second = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(second.changed.map { "\($0.date) \($0.archiveRows) \($0.tableRows)" } == ["2024-01-02 1 2"])
  }

  @Test("Without a manifest the settings' unit counts for a restore, and without it the existing rows cannot be told")
  func noManifest() async throws {
    for unit in ["\"unit\": \"ms\"", ""] {
      let options = ["\"time_column\": \"at\"", unit].filter { !$0.isEmpty }.joined(separator: ", ")
      let fixture = try await Fixture(Self.table("bigint", perSecond: 1_000), file: Self.settings(options))
      try await fixture.put("id,at\n1,1704067200000\n")
      let error = try await fixture.restoreError()
      if unit.isEmpty {
        #expect(error.code == .badTimeColumn && error.message.contains("`unit` of the table in the settings file"))
      } else {
        #expect(error.details["rows"] == .integer(3))
      }
    }
  }

  @Test("An archive of a bigint column replaces the rows of a table whose column is an integer, where it holds them")
  func otherLength() async throws {
    let fixture = try await Fixture(Self.table("bigint", perSecond: 1))
    _ = try await fixture.backupOne()
    try await fixture.psql("ALTER TABLE events.clicks ALTER at TYPE integer")
    let restored = try await fixture.restoreOne(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"replace\"}")
    #expect(restored.rowsLoaded == 3)
    #expect(try await fixture.count() == 5)
  }
}
