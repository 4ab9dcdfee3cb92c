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

  func run(_ fixture: Fixture, within time: FunctionTime? = nil) async throws -> NightlyReport {
    try await NightlyBackup(fixture.context, fixture.settings.backup).run(within: time)
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
      fixture.context, fixture.settings.backup
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
      try await run(fixture, within: FunctionTime(begin: fixture.now(), seconds: 0))
    }
    #expect(report.backup.results.map(\.status) == [.notBegun, .notBegun, .notBegun])
    #expect(lines.all.contains { $0.contains("warning") && $0.contains("table=events.clicks days=3") }, "\(lines.all)")
  }

  @Test("A day whose rows came late is archived again, and one whose rows went is left and told")
  func lateRows() async throws {
    var fixture = try await nightly()
    try await fixture.psql("INSERT INTO events.clicks VALUES ('2024-01-08 07:00+00')")
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
      report.changed.map { "\($0.date) \($0.archiveRows) \($0.tableRows)" } == [
        "2024-01-07 1 2", "2024-01-08 2 1", "2024-01-09 1 2",
      ])
    #expect(report.changed.map(\.archivedAgain) == [true, nil, true])
    #expect(report.status == .ok)
    #expect(lines.all.count { $0.contains("it was archived again") && $0.contains(" info ") } == 2)
    #expect(lines.all.count { $0.contains("rows of a day were removed") && $0.contains(" warning ") } == 1)
    let told = lines.all.filter { $0.contains("nightly backup of a table") }
    #expect(told.count == 1 && told[0].contains("again=2") && told[0].contains("fewer_rows=1"), "\(told)")
    #expect(report.summary.contains("2 archived again"))
    // A day that has no rows any more was dropped, as archived days are.
    try await fixture.psql("DELETE FROM events.clicks WHERE at::date = '2024-01-08'")
    let dropped = LogLines()
    let after = try await dropped.collecting { try await run(reviewed) }
    #expect(after.changed.map { "\($0.date) \($0.tableRows)" } == ["2024-01-08 0"])
    #expect(!dropped.all.contains { $0.contains("rows of a day were removed") || $0.contains("fewer_rows=1") })
  }

  @Test("A table that cannot be read makes the run partial: its days were not looked for")
  func unreadable() async throws {
    let fixture = try await nightly()
    _ = try await run(fixture)
    try await fixture.psql("DROP TABLE events.clicks")
    let report = try await run(fixture)
    #expect(report.backup.results == [] && report.changed == [] && report.unreviewed == [clicks])
    #expect(report.status == .partial)
  }

  @Test("A table that receives no rows any more does not make each nightly run partial, or the told remedy ends it")
  func quietTable() async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (at timestamptz);"
        + "INSERT INTO events.clicks VALUES ('2023-12-01 10:00+00'), ('2023-12-02 10:00+00')",
      settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "3"])
    _ = try await fixture.backup("\"table\": \"events.clicks\", \"from\": \"2023-12-01\", \"to\": \"2023-12-02\"")
    let job = NightlyBackup(fixture.context, fixture.settings.backup)
    let first = try await job.run()
    for span in first.unarchived {
      let report = try await fixture.backup(
        "\"table\": \"events.clicks\", \"from\": \"\(span.from)\", \"to\": \"\(span.to)\"")
      #expect(report.status == .ok)
    }
    let second = try await job.run()
    #expect(second.status == .ok && second.unarchived == [], "\(second.unarchived)")
  }

  @Test(
    "A row of a year that no day has hides no days that were never archived, makes none, and is counted as one without a day",
    arguments: ["0001-01-01 00:00+00", "2000-01-01 00:00+00 BC"])
  func yearsWithoutDays(time: String) async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (at timestamptz); CREATE INDEX ON events.clicks (at);"
        + "INSERT INTO events.clicks VALUES ('\(time)'), ('2024-01-05 10:00+00'), ('2024-01-08 10:00+00'), ('2024-01-09 10:00+00')",
      settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "2"])
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(report.unarchived.map { "\($0.from)" } == ["2024-01-05"], "\(report.unarchived)")
    // No request can name a day that holds the row.
    #expect(report.backup.results.compactMap(\.rowsWithoutADay) == [1])
  }

  @Test("Days whose rows were dropped after they were archived are not told as ones to archive again")
  func droppedRows() async throws {
    var fixture = try await Fixture(
      NightlyBackupTests.tables, settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "2"])
    _ = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    try await fixture.psql("DELETE FROM events.clicks WHERE at < '2024-01-10'")
    let now = fixture.now()
    fixture.now = { now.addingTimeInterval(86_400) }
    let lines = LogLines()
    let later = fixture
    _ = try await lines.collecting { try await NightlyBackup(later.context, later.settings.backup).run() }
    #expect(!lines.all.contains { $0.contains("archive it again with overwrite") }, "\(lines.all)")
  }

  @Test("The report of a nightly run names its lake")
  func nightlyLake() async throws {
    let fixture = try await Fixture(
      NightlyBackupTests.tables, settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "2"])
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(
      try ReportJSON.line(report).split(separator: UInt8(ascii: "\n")).first.map {
        String(decoding: $0, as: UTF8.self)
      }?.contains("\"lake\"") == true)
  }

  @Test("A nightly run that had no time for its review does not say that no days were never archived")
  func noTimeForReview() async throws {
    let fixture = try await Fixture(
      NightlyBackupTests.tables, settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "1"])
    for day in ["2024-01-02", "2024-01-09"] {
      _ = try await fixture.backupOne("\"table\": \"events.clicks\", \"date\": \"\(day)\"")
    }
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run(
      within: FunctionTime(begin: fixture.now(), seconds: 0))
    #expect(report.status == .partial, "\(report.status) \(report.unarchived)")
  }

  @Test("A run that goes past midnight does not call a day that it has archived one that was never archived")
  func midnight() async throws {
    var fixture = try await Fixture(
      NightlyBackupTests.tables + "CREATE INDEX ON events.clicks (at);",
      settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "2"])
    let midnight = Date(timeIntervalSince1970: 1_704_931_200)
    let path = fixture.directory.file("\(fixture.database)/events.clicks.2024-01-09.csv.gz")
    fixture.now = { FileManager.default.fileExists(atPath: path) ? midnight + 60 : midnight - 60 }
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(report.backup.results.map { "\($0.date) \($0.status)" } == ["2024-01-09 ok", "2024-01-08 ok"])
    #expect(report.unarchived.map { "\($0.to)" } == ["2024-01-07"], "\(report.unarchived)")
  }
}
