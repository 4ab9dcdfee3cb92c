import Configuration
import Essentials
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Archive
@testable import Jobs
@testable import Reporting
@testable import TableDays

@Suite("The nightly backup")
struct NightlyBackupTests {
  /// `events.clicks` and `events.views` with a row each day from 2024-01-01 to 2024-01-10.
  static let tables = """
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (at timestamptz);
    INSERT INTO events.clicks SELECT generate_series('2024-01-01 06:00+00', '2024-01-10 06:00+00', interval '1 day');
    CREATE TABLE events.views AS TABLE events.clicks;
    """

  func nightly(_ tables: String, lookback: Int = 3) async throws -> Fixture {
    try await Fixture(
      Self.tables,
      settings: ["BACKUP_TABLES": tables, "BACKUP_LOOKBACK_DAYS": "\(lookback)", "BACKUP_CONCURRENCY": "1"])
  }

  func days(_ report: NightlyReport) -> [String] { report.backup.results.map { "\($0.table) \($0.date)" } }

  @Test("Yesterday of every table comes first, then the missing days")
  func order() async throws {
    let fixture = try await nightly("events.clicks:at,events.views:at")
    _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-08\"")
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(
      days(report) == [
        "events.clicks 2024-01-09", "events.views 2024-01-09", "events.views 2024-01-08", "events.clicks 2024-01-07",
        "events.views 2024-01-07",
      ])
    #expect(report.status == .ok)
    #expect(try await NightlyBackup(fixture.context, fixture.settings.backup).run().backup.results.isEmpty)
  }

  @Test("The failure of one table does not stop the others, and the report lists it")
  func oneFails() async throws {
    let fixture = try await nightly("events.absent:at,events.clicks:at")
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(report.status == .partial)
    #expect(days(report).first == "events.absent 2024-01-09")
    #expect(
      report.backup.results.map { $0.error?.code } == [.tableNotFound, nil, .tableNotFound, nil, .tableNotFound, nil])
    let archived = try await ArchiveCatalog(fixture.lake).days(database: fixture.database)
    #expect(archived[TableName(schema: "events", name: "clicks")]?.count == 3)
    #expect(fixture.temporaries == [])
  }

  @Test("No table-day starts after the deadline, and the next run archives what was left")
  func deadline() async throws {
    var fixture = try await nightly("events.clicks:at")
    let noon = fixture.now()
    let calls = Clock(noon)
    fixture.now = { calls.tick() }
    // The clock goes on by a minute at each look: the deadline comes after the first unit was begun.
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run(
      within: FunctionTime(begin: noon, seconds: 280))
    #expect(report.backup.results.map(\.status) == [.ok, .notBegun, .notBegun])
    fixture.now = { noon }
    #expect(
      days(try await NightlyBackup(fixture.context, fixture.settings.backup).run()) == [
        "events.clicks 2024-01-08", "events.clicks 2024-01-07",
      ])
  }

  private final class Clock: Sendable {
    private let time: Mutex<Date>
    init(_ start: Date) { time = Mutex(start) }
    func tick() -> Date {
      time.withLock { time in
        time += 60
        return time
      }
    }
  }

  @Test("Old temporary files of a killed run are removed, and recent ones are kept")
  func temporaries() async throws {
    var fixture = try await nightly("events.clicks:at", lookback: 1)
    let folder = fixture.directory.url.appending(path: "\(fixture.database)/_sluice/tmp")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let (old, new) = (folder.appending(path: "old"), folder.appending(path: "new"))
    try Data("x".utf8).write(to: old)
    try Data("x".utf8).write(to: new)
    let now = fixture.now()
    try FileManager.default.setAttributes([.modificationDate: now.addingTimeInterval(-86_500)], ofItemAtPath: old.path)
    try FileManager.default.setAttributes([.modificationDate: now.addingTimeInterval(-86_300)], ofItemAtPath: new.path)
    fixture.now = { now }
    _ = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(fixture.temporaries == ["\(fixture.database)/_sluice/tmp/new"])
  }

  @Test("A stray symbolic link fails neither run nor list, and one in an archive's place fails its day alone")
  func strayLink() async throws {
    let fixture = try await nightly("events.clicks:at", lookback: 2)
    let folder = fixture.directory.file(fixture.database)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: "\(folder)/README", withDestinationPath: "/etc/passwd")
    #expect(days(try await NightlyBackup(fixture.context, fixture.settings.backup).run()).count == 2)
    #expect(
      try await ArchivesRequest([:]).answer(fixture.context, BackupOptions()).archives.count
        == 2)
    let archive = "\(folder)/events.clicks.2024-01-08.csv.gz"
    try FileManager.default.removeItem(atPath: archive)
    try FileManager.default.createSymbolicLink(atPath: archive, withDestinationPath: "/etc/passwd")
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(days(report) == ["events.clicks 2024-01-08"])
    #expect(report.backup.results.first?.error?.code == .outsideLake)
  }

  @Test("A run without tables fails with an error that names BACKUP_TABLES")
  func noTables() async throws {
    let fixture = try await Fixture()
    let error = try #require(
      await #expect(throws: JobError.self) { try await NightlyBackup(fixture.context, fixture.settings.backup).run() })
    #expect(error.code == .notConfigured)
    #expect(error.field == "BACKUP_TABLES")
  }
}
