import Archive
import Configuration
import Essentials
import Foundation
import TableDays
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

/// What a nightly run says of days that it does not archive.
@Suite("What a nightly run leaves")
struct NightlyReviewTests {
  let clicks = TableName(schema: "events", name: "clicks")

  func nightly(_ more: String = "", lookback: Int = 3, _ settings: [String: String] = [:]) async throws -> Fixture {
    try await Fixture(
      NightlyBackupTests.tables + more,
      settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "\(lookback)", "BACKUP_CONCURRENCY": "1"]
        .merging(settings) { $1 })
  }

  func run(_ fixture: Fixture, deadline: Date? = nil) async throws -> NightlyReport {
    try await NightlyBackup(fixture.context, fixture.settings.backup).run(deadline: deadline)
  }

  func span(_ from: String, _ to: String) throws -> NightlyReport.Unarchived {
    .init(table: clicks, from: try #require(Day(from)), to: try #require(Day(to)))
  }

  @Test("Days before the look-back that were never archived make the run partial and are listed, each night")
  func neverArchived() async throws {
    let fixture = try await nightly()
    for day in ["2024-01-02", "2024-01-04"] {
      _ = try await fixture.backupOne("\"table\": \"events.clicks\", \"date\": \"\(day)\"")
    }
    for _ in 0..<2 {
      let report = try await run(fixture)
      #expect(report.backup.status == .ok && report.status == .partial)
      #expect(report.unarchived == [try span("2024-01-03", "2024-01-03"), try span("2024-01-05", "2024-01-06")])
    }
    let items = try await ArchivesRequest(.object([:])).answer(
      from: fixture.lake, database: fixture.database, fixture.settings.backup, now: fixture.now()
    ).archives
    #expect(
      items.filter { $0.pastLookback == true }.map { "\($0.date)" } == ["2024-01-03", "2024-01-05", "2024-01-06"])
    // A backup of the days ends it.
    _ = try await fixture.backup("\"table\": \"events.clicks\", \"from\": \"2024-01-02\", \"to\": \"2024-01-06\"")
    let report = try await run(fixture)
    #expect(report.status == .ok && report.unarchived == [])
  }

  @Test("Where an index tells the table's first row, the days from it on count")
  func firstRow() async throws {
    let fixture = try await nightly(
      "CREATE INDEX ON events.clicks (at); INSERT INTO events.clicks VALUES ('-infinity')")
    #expect(try await run(fixture).unarchived == [try span("2024-01-01", "2024-01-06")])
  }

  @Test("Days after the table's last row are not days that were left")
  func lastRow() async throws {
    let fixture = try await nightly(
      "CREATE INDEX ON events.clicks (at); DELETE FROM events.clicks WHERE at > '2024-01-05'")
    #expect(try await run(fixture).unarchived == [try span("2024-01-01", "2024-01-04")])
  }

  @Test("A table whose first archive is recent and which has no index is not asked for its first row")
  func noIndex() async throws {
    let fixture = try await nightly()
    let report = try await run(fixture)
    #expect(report.status == .ok && report.unarchived == [])
  }

  @Test("The invocation's log has a warning for each table with days that were left for lack of time")
  func lackOfTime() async throws {
    let fixture = try await nightly()
    let lines = LogLines()
    let report = try await lines.collecting {
      try await run(fixture, deadline: fixture.now())
    }
    #expect(report.backup.results.map(\.status) == [.notBegun, .notBegun, .notBegun])
    #expect(lines.all.contains { $0.contains("warning") && $0.contains("table=events.clicks days=3") }, "\(lines.all)")
  }

  @Test("Rows that came late into the last archived days are a warning, and rows that went")
  func lateRows() async throws {
    var fixture = try await nightly()
    _ = try await run(fixture)
    try await fixture.psql(
      "INSERT INTO events.clicks VALUES ('2024-01-09 10:00+00'), ('2024-01-07 10:00+00');"
        + "DELETE FROM events.clicks WHERE at = '2024-01-08 06:00+00'")
    let now = fixture.now()
    fixture.now = { now.addingTimeInterval(86_400) }
    let lines = LogLines()
    let reviewed = fixture
    let report = try await lines.collecting { try await run(reviewed) }
    #expect(
      report.changed.map { "\($0.date) \($0.archiveRows) \($0.tableRows)" } == ["2024-01-08 1 0", "2024-01-09 1 2"])
    #expect(report.status == .ok)
    #expect(lines.all.count { $0.contains("has another number of rows now") } == 2)
  }

  @Test("A table that cannot be read does not fail the run's report")
  func unreadable() async throws {
    let fixture = try await nightly()
    _ = try await run(fixture)
    try await fixture.psql("DROP TABLE events.clicks")
    let report = try await run(fixture)
    #expect(report.backup.results == [] && report.changed == [])
  }
}
