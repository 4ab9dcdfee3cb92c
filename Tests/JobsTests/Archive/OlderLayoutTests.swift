import Archive
import Configuration
import Essentials
import Foundation
import Reporting
import TableDays
import TestSupport
import Testing

@testable import Jobs

/// Archives at `<database>/<schema>/<table>.<date>.csv.gz`, which older function apps wrote.
@Suite("Archives in the older layout")
struct OlderLayoutTests {
  let clicks = TableName(schema: "events", name: "clicks")

  func older(settings: [String: String] = [:]) async throws -> (Fixture, String) {
    let fixture = try await Fixture(settings: settings)
    let path = "\(fixture.database)/events/clicks.2024-01-01.csv.gz"
    try await fixture.put("id,at,note\n1,2024-01-01 00:00:00+00,first\n2,2024-01-01 12:00:00+00,\n", at: path)
    return (fixture, path)
  }

  @Test("A backup keeps them, also when the day's rows are gone")
  func backup() async throws {
    let (fixture, path) = try await older(settings: ["BACKUP_TABLES": "events.clicks:at"])
    try await fixture.psql("DELETE FROM events.clicks WHERE at >= '2024-01-01' AND at < '2024-01-02'")
    let result = try await fixture.backupOne()
    #expect(result.status == .skipped && result.skipped == "exists" && result.path == path)
    #expect(fixture.files == [path])
    #expect(try await fixture.restoreOne().rowsLoaded == 2)
  }

  @Test("A nightly run and a listing count them")
  func catalog() async throws {
    let (fixture, path) = try await older(settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "10"])
    #expect(
      try await ArchiveCatalog(fixture.lake).days(database: fixture.database)
        == [clicks: [try #require(Day("2024-01-01"))]])
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(!report.backup.results.contains { "\($0.date)" == "2024-01-01" })
    let request = try ArchivesRequest(["table": "events.clicks", "from": "2024-01-01", "to": "2024-01-01"])
    let items = try await request.answer(fixture.context, fixture.settings.backup).archives
    #expect(items.map(\.path) == [path])
  }

  @Test("With overwrite their rows are counted first, and the new archive counts before them")
  func overwrite() async throws {
    let (fixture, path) = try await older()
    let overwrite = OverwriteTests.overwrite
    try await fixture.psql("DELETE FROM events.clicks WHERE id IN (1, 2)")
    #expect(try await fixture.backupError(overwrite).code == .fewerRows)
    try await fixture.psql("INSERT INTO events.clicks VALUES (1, '2024-01-01', 'x'), (2, '2024-01-01', 'y')")
    // It has no manifest that says its span.
    #expect(try await fixture.backupError(overwrite).code == .archiveDiffers)
    let result = try await fixture.backupOne(OverwriteTests.force)
    #expect(result.status == .ok && result.rows == 3)
    #expect(result.warnings.contains { $0.contains(path) && $0.contains("older layout") })
    let items = try await ArchivesRequest([:]).answer(fixture.context, fixture.settings.backup).archives
    #expect(items.map(\.path) == [fixture.clicksPath])
    // Another replacement replaces today's.
    #expect(try await fixture.backupOne(overwrite).warnings == [])
  }

  @Test("An empty archive that an earlier version put beside one does not take its place in a restore")
  func emptyBeside() async throws {
    let (fixture, path) = try await older(settings: ["BACKUP_TABLES": "events.clicks:at"])
    let folder = fixture.directory.url
    let hidden = folder.appending(path: "hidden")
    try FileManager.default.moveItem(at: folder.appending(path: path), to: hidden)
    try await fixture.psql("DELETE FROM events.clicks WHERE at >= '2024-01-01' AND at < '2024-01-02'")
    #expect(try await fixture.backupOne().empty == true)
    try FileManager.default.moveItem(at: hidden, to: folder.appending(path: path))
    #expect(try await fixture.restoreOne().rowsLoaded == 2)
  }

  @Test("Columns that the table lacks are not lost with an archive without a manifest")
  func columns() async throws {
    let (fixture, path) = try await older()
    try await fixture.put("id,at,gone\n1,2024-01-01 00:00:00+00,x\n", at: path)
    let error = try await fixture.backupError(OverwriteTests.overwrite)
    #expect(error.code == .archiveDiffers && error.details["columns"] == ["gone"])
  }

  @Test("An older archive in a database's folder whose name Sluice would encode is listed as it is backed up")
  func olderEncoded() async throws {
    let fixture = try await Fixture()
    let day = try #require(Day("2024-01-01"))
    let table = TableName(schema: "events", name: "clicks")
    let database = "my.db"
    try await fixture.put(
      "id,at,note\n1,2024-01-01 00:00:00+00,first\n", at: "\(database)/events/clicks.2024-01-01.csv.gz")
    let tableDay = TableDay(database: database, table: table, day: day)
    #expect(try await tableDay.archive(in: fixture.lake) != nil)
    #expect(try await ArchiveCatalog(fixture.lake).days(database: database)[table] == [day])
  }

  @Test("An older archive of a table with a dot in its name is listed as it is backed up")
  func olderDot() async throws {
    let fixture = try await Fixture()
    let day = try #require(Day("2024-01-01"))
    let table = TableName(schema: "events", name: "clicks.v2")
    try await fixture.put(
      "id,at,note\n1,2024-01-01 00:00:00+00,first\n", at: "\(fixture.database)/events/clicks.v2.2024-01-01.csv.gz")
    let tableDay = TableDay(database: fixture.database, table: table, day: day)
    #expect(try await tableDay.archive(in: fixture.lake) != nil)
    #expect(try await ArchiveCatalog(fixture.lake).days(database: fixture.database)[table] == [day])
  }
}
