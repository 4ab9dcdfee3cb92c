import Archive
import Configuration
import Essentials
import Foundation
import Lake
import Synchronization
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting
@testable import TableDays

/// Rows that come into days which are archived already.
@Suite("Late rows and the nightly run")
struct LateRowsTests {
  let clicks = TableName(schema: "events", name: "clicks")

  /// A table with 10 rows on each of the last 8 days, all archived; the next run is a night later.
  private func fixture(_ settings: [String: String] = [:]) async throws -> Fixture {
    var fixture = try await Fixture(
      """
      CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz);
      INSERT INTO events.clicks SELECT g, timestamptz '2024-01-02 00:00+00' + g * interval '144 min'
        FROM generate_series(0, 99) g;
      """,
      settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "8"].merging(settings) { $1 })
    _ = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    let now = fixture.now()
    fixture.now = { now.addingTimeInterval(86_400) }
    return fixture
  }

  private func again(_ report: NightlyReport) -> [String] {
    report.changed.filter { $0.archivedAgain == true }.map { "\($0.date)" }
  }

  private let late = """
    INSERT INTO events.clicks SELECT g, timestamptz '2024-01-07 00:30+00' + g % 3 * interval '1 day'
      FROM generate_series(1000, 1499) g
    """

  @Test("500 rows that came late into three archived days: the next night archives those three again, and no others")
  func threeDays() async throws {
    let fixture = try await fixture()
    let before = try modified(fixture)
    try await fixture.psql(late)
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(again(report) == ["2024-01-07", "2024-01-08", "2024-01-09"])
    #expect(report.status == .ok, "\(report.backup.results.compactMap(\.error))")
    let after = try modified(fixture)
    let changed = after.filter { before[$0.key] != $0.value }.map(\.key).sorted()
    #expect(changed == ["01-07", "01-08", "01-09", "01-10"].map { "events.clicks.2024-\($0).csv.gz" })
    let rows = try await ArchivesRequest([:]).answer(fixture.context, fixture.settings.backup).archives.map(\.rows)
    #expect(rows == [10, 10, 10, 10, 10, 176, 177, 177, 10])
    // Nothing is left for the night after.
    let next = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(next.changed == [] && next.backup.results == [])
  }

  /// The content of each archive.
  private func modified(_ fixture: Fixture) throws -> [String: Data] {
    let folder = fixture.directory.url.appending(path: fixture.database)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".csv.gz") }
    return Dictionary(
      uniqueKeysWithValues: try names.map { ($0, try Data(contentsOf: folder.appending(path: $0))) })
  }

  @Test("The old archive can be read until the new one is in its place, and stays where that cannot be put there")
  func oldStays() async throws {
    var fixture = try await fixture()
    try await fixture.psql(late)
    let folder = fixture.directory
    let paths = ["07", "08", "09"].map { "\(fixture.database)/events.clicks.2024-01-\($0).csv.gz" }
    let old = Dictionary(
      uniqueKeysWithValues: try paths.map { ($0, try Data(contentsOf: folder.url.appending(path: $0))) })
    let seen = Mutex<[String]>([])
    var lake = HookedStore(fixture.lake)
    lake.publish = { writer, path, condition in
      if let before = old["\(path)"] {
        let there = try Data(contentsOf: folder.url.appending(path: "\(path)"))
        seen.withLock { $0.append("\(path) \(there == before)") }
        if "\(path)".contains("01-08") { throw LakeError.noSpace(path) }
      }
      return try await writer.publish(as: path, condition: condition)
    }
    fixture.lake = lake
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(seen.withLock { $0.sorted() } == paths.map { "\($0) true" })
    #expect(again(report) == ["2024-01-07", "2024-01-09"])
    #expect(report.status == .partial && report.summary.contains("1 failed"))
    #expect(try Data(contentsOf: folder.url.appending(path: paths[1])) == old[paths[1]])
    #expect(try Data(contentsOf: folder.url.appending(path: paths[0])) != old[paths[0]])
  }

  @Test("BACKUP_RECHECK_DAYS says how many days are counted; 0 counts none", arguments: [0, 1, 2])
  func days(count: Int) async throws {
    let fixture = try await fixture(["BACKUP_RECHECK_DAYS": "\(count)"])
    try await fixture.psql(late)
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(again(report) == ["2024-01-08", "2024-01-09"].suffix(count))
  }

  @Test("A day whose column was dropped is not archived again: its archive holds more")
  func fewerColumns() async throws {
    let fixture = try await fixture()
    try await fixture.psql(late + "; ALTER TABLE events.clicks DROP COLUMN id")
    let report = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(again(report) == [])
    #expect(report.backup.results.compactMap(\.error?.code) == [.archiveDiffers, .archiveDiffers, .archiveDiffers])
  }
}
