import Configuration
import Essentials
import Foundation
import Reporting
import TableDays
import TestSupport
import Testing

@testable import Jobs

/// What a backup says when `BACKUP_TIMEZONE`, the time column or the columns of a table have changed since its archives
/// were made, and which clock a column without a zone shows.
@Suite("Changed spans, columns and clocks")
struct SpanChangeTests {
  static func day(_ date: String, _ more: String = "") -> String {
    "\"table\": \"events.clicks:at\", \"date\": \"\(date)\"\(more)"
  }

  func berlin(_ fixture: inout Fixture) throws {
    fixture.settings.backup.timeZone = try #require(TimeZone(identifier: "Europe/Berlin"))
  }

  @Test("Archives that leave a gap or overlap because BACKUP_TIMEZONE has changed are a warning")
  func zone() async throws {
    var fixture = try await Fixture()
    _ = try await fixture.backupOne(Self.day("2024-01-01"))
    try berlin(&fixture)
    let after = try await fixture.backupOne(Self.day("2024-01-02"))
    #expect(
      after.warnings.contains { $0.contains("are in this archive and in that of 2024-01-01") }, "\(after.warnings)")
    let before = try await fixture.backupOne(Self.day("2023-12-31"))
    #expect(
      before.warnings.contains { $0.contains("are neither in this archive nor in that of 2024-01-01") },
      "\(before.warnings)")
    #expect(before.warnings[0].contains("from 2023-12-31T23:00:00+00:00 to 2024-01-01T00:00:00+00:00"))
    let apart = try await fixture.backupOne(Self.day("2024-01-05", ", \"empty\": \"archive\""))
    #expect(!apart.warnings.contains { $0.contains("BACKUP_TIMEZONE") })
  }

  @Test("Archives of neighbouring days that meet are no warning, also where clocks change")
  func meeting() async throws {
    var fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (at timestamptz);"
        + "INSERT INTO events.clicks SELECT generate_series('2023-03-25', '2023-03-28', interval '1 hour')")
    try berlin(&fixture)
    for date in ["2023-03-25", "2023-03-27", "2023-03-26"] {
      #expect(try await fixture.backupOne(Self.day(date)).warnings == [], "\(date)")
    }
  }

  @Test("An archive by another time column beside it is a warning")
  func column() async throws {
    let fixture = try await Fixture(
      Fixture.clicks + "ALTER TABLE events.clicks ADD seen timestamptz DEFAULT '2024-01-02'")
    _ = try await fixture.backupOne(Self.day("2024-01-01"))
    let result = try await fixture.backupOne("\"table\": \"events.clicks:seen\", \"date\": \"2024-01-02\"")
    #expect(result.warnings.contains { $0.contains("was made by the column at, and this one by seen") })
  }

  @Test("An archive of another span, time column or with more columns is replaced with force alone")
  func overwrite() async throws {
    var fixture = try await Fixture(
      Fixture.clicks + "ALTER TABLE events.clicks ADD seen timestamptz DEFAULT '2024-01-01'")
    _ = try await fixture.backupOne(Self.day("2024-01-01"))
    let bytes = try fixture.bytes()
    let overwrite = ", \"overwrite\": true"
    let column = try await fixture.backupError(
      "\"table\": \"events.clicks:seen\", \"date\": \"2024-01-01\"\(overwrite)")
    #expect(column.code == .archiveDiffers && column.message.contains("by the column at"))
    let zone = fixture.settings.backup.timeZone
    try berlin(&fixture)
    let span = try await fixture.backupError(Self.day("2024-01-01", overwrite))
    #expect(span.code == .archiveDiffers && span.message.contains("2024-01-01T00:00:00+00:00"))
    fixture.settings.backup.timeZone = zone
    try await fixture.psql("ALTER TABLE events.clicks DROP note")
    let columns = try await fixture.backupError(Self.day("2024-01-01", overwrite))
    #expect(columns.code == .archiveDiffers && columns.details["columns"] == ["note"])
    #expect(try fixture.bytes() == bytes)
    #expect(try await fixture.backupOne(Self.day("2024-01-01", "\(overwrite), \"force\": true")).status == .ok)
  }

  static let wallClock = """
    CREATE SCHEMA events; CREATE TABLE events.clicks (at timestamp);
    INSERT INTO events.clicks VALUES ('2024-01-01 10:00'), ('2024-01-09 10:00'), ('2024-01-10 10:00');
    """

  /// A fixture whose `events.clicks` shows the clock of `clock`.
  func clocked(_ clock: String, timeZone: String, table: String = wallClock) async throws -> Fixture {
    var fixture = try await Fixture(table, settings: ["BACKUP_TIMEZONE": timeZone, "BACKUP_LOOKBACK_DAYS": "1"])
    let file = "{\"BACKUP_TABLES\": \"events.clicks:at\", \"tables\": {\"events.clicks\": {\"clock\": \"\(clock)\"}}}"
    fixture.settings.backup.tables = try Settings(environment: [:], file: Data(file.utf8)).backup.tables
    return fixture
  }

  @Test("A day is over when it is over on the clock that the column shows")
  func clock() async throws {
    // Noon of the 10th in UTC; in Kiritimati it is the 11th.
    let fixture = try await clocked("UTC", timeZone: "Pacific/Kiritimati")
    let error = try #require(
      await #expect(throws: JobError.self) { _ = try await fixture.backupOne(Self.day("2024-01-10")) })
    #expect(error.code == .dayNotOver && error.message.contains("UTC, the clock of events.clicks"))
    #expect(try await fixture.backupOne(Self.day("2024-01-09")).rows == 1)
    let window = try fixture.manifest("events.clicks.2024-01-09")["window"]?.object
    #expect(window?["time_zone"] == "UTC" && window?["start"] == "2024-01-09T00:00:00+00:00")
    // The nightly run takes the last day that is over there.
    let nightly = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(nightly.backup.results.isEmpty)
  }

  @Test("A clock that is ahead of BACKUP_TIMEZONE ends the day earlier")
  func ahead() async throws {
    let fixture = try await clocked("Pacific/Kiritimati", timeZone: "UTC")
    #expect(try await fixture.backupOne(Self.day("2024-01-10", ", \"empty\": \"archive\"")).rows == 1)
    let nightly = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(nightly.backup.results.isEmpty)
  }

  @Test("A clock for a column that has a time zone is an error, and so is one that is no zone")
  func wrong() async throws {
    let fixture = try await clocked("Europe/Berlin", timeZone: "UTC", table: Fixture.clicks)
    let error = try await fixture.backupError(Self.day("2024-01-01"))
    #expect(error.code == .badTimeColumn && error.message.contains("remove the option"))
    let file = "{\"tables\": {\"events.clicks\": {\"clock\": \"Berlin\"}}}"
    let setting = try #require(throws: JobError.self) { try Settings(environment: [:], file: Data(file.utf8)) }
    #expect(setting.field == "tables.events.clicks.clock" && setting.message.contains("Europe/Berlin"))
  }

  @Test("An archive of a type with a zone, described by an older manifest, is another span than a wall clock's")
  func olderManifestOtherType() async throws {
    var fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz);"
        + "INSERT INTO events.clicks VALUES (1, '2024-01-01 23:30+00'), (2, '2024-01-01 22:30+00')")
    fixture.settings.backup.timeZone = try #require(TimeZone(identifier: "America/New_York"))
    _ = try await fixture.backupOne()
    var members = try fixture.manifest()
    var window = try #require(members["window"]?.object)
    for key in ["kind", "start_value", "end_value"] { window[key] = nil }
    members["window"] = .object(window)
    try Data(JSONValue.object(members).compact.utf8).write(
      to: fixture.directory.url.appending(path: "\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    // In UTC's clock other rows are the day's.
    try await fixture.psql(
      "ALTER TABLE events.clicks ALTER at TYPE timestamp USING at AT TIME ZONE 'UTC';"
        + "INSERT INTO events.clicks VALUES (3, '2024-01-01 01:00')")
    let result = try await fixture.backupOne(OverwriteTests.overwrite)
    #expect(result.status == .failed && result.error?.code == .archiveDiffers)
  }

  @Test("An archive without a manifest of another span is not replaced without force")
  func otherSpanWithoutManifest() async throws {
    var fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz);"
        + "INSERT INTO events.clicks SELECT n, '2024-01-01'::timestamptz + n * interval '1 hour' FROM generate_series(0, 47) n"
    )
    try await fixture.psql("SELECT 1")
    _ = try await fixture.backupOne()
    try FileManager.default.removeItem(
      at: fixture.directory.url.appending(path: "\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    fixture.settings.backup.timeZone = try #require(TimeZone(identifier: "America/New_York"))
    let result = try await fixture.backupOne(OverwriteTests.overwrite)
    #expect(
      result.status == .failed || result.warnings.contains { $0.contains("span") || $0.contains("outside") },
      "\(result.warnings)")
  }

  @Test("A neighbour whose manifest is pending is compared too")
  func pendingNeighbour() async throws {
    var fixture = try await Fixture()
    _ = try await fixture.backupOne()
    let folder = fixture.directory.url.appending(path: "\(fixture.database)/_sluice")
    try FileManager.default.createDirectory(at: folder.appending(path: "next"), withIntermediateDirectories: true)
    try FileManager.default.moveItem(
      at: folder.appending(path: "events.clicks.2024-01-01.json"),
      to: folder.appending(path: "next/2024-01-01.6f6f6f6f.json"))
    fixture.settings.backup.timeZone = try #require(TimeZone(identifier: "Europe/Berlin"))
    let result = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-02\"")
    #expect(
      result.warnings.contains { $0.contains("are in this archive and in that of 2024-01-01") }, "\(result.warnings)")
  }

  @Test("A stray manifest of a neighbour that has no archive is no warning")
  func strayNeighbour() async throws {
    var fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try FileManager.default.removeItem(at: fixture.directory.url.appending(path: fixture.clicksPath))
    fixture.settings.backup.timeZone = try #require(TimeZone(identifier: "Europe/Berlin"))
    let result = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-02\"")
    #expect(!result.warnings.contains { $0.contains("in that of 2024-01-01") }, "\(result.warnings)")
  }

  @Test("A backup by another column or of another span is not told that its archive exists, without a word")
  func keptOfAnotherSpan() async throws {
    var fixture = try await Fixture(
      Fixture.clicks + "ALTER TABLE events.clicks ADD seen timestamptz DEFAULT '2024-01-01'")
    _ = try await fixture.backupOne()
    let column = try await fixture.backupOne("\"table\": \"events.clicks:seen\", \"date\": \"2024-01-01\"")
    #expect(column.status != .skipped || !column.warnings.isEmpty, "\(column)")
    fixture.settings.backup.timeZone = try #require(TimeZone(identifier: "Asia/Tokyo"))
    let zone = try await fixture.backupOne()
    #expect(zone.status != .skipped || !zone.warnings.isEmpty)
  }
}
