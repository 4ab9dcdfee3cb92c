import Essentials
import Foundation
import Postgres
import Reporting
import TestSupport
import Testing

@testable import Archive
@testable import Configuration
@testable import Jobs
@testable import TableDays

@Suite("What the operations tell of days")
struct KnownDaysTests {
  private let clicks = TableName(schema: "events", name: "clicks")
  private let now = Date(timeIntervalSince1970: 1_704_888_000)

  private func operation(_ kind: String, _ state: Jobs.Operation.State, _ result: JSONValue?, database: String? = "d")
    -> Jobs.Operation
  {
    var operation = Jobs.Operation(id: UUID().uuidString, kind: kind, state: OperationState(state), at: now)
    operation.database = database
    operation.result = result
    return operation
  }

  private func item(_ day: String, _ status: String, skipped: String? = nil, database: String = "d") -> JSONValue {
    var members: [String: JSONValue] = [
      "database": .string(database), "table": "events.clicks", "date": .string(day), "status": .string(status),
    ]
    if let skipped { members["skipped"] = .string(skipped) }
    return .object(members)
  }

  private func changed(_ day: String, _ rows: Int, _ archived: Int, again: Bool = false) -> JSONValue {
    var members: [String: JSONValue] = [
      "table": "events.clicks", "date": .string(day), "table_rows": .integer(rows), "archive_rows": .integer(archived),
    ]
    if again { members["archived_again"] = .bool(true) }
    return .object(members)
  }

  private func days(_ texts: String...) -> Set<Day> { Set(texts.compactMap { Day($0) }) }

  @Test("The newest operation that names a day counts; other kinds and other databases do not")
  func newest() {
    let newer = operation(
      "backup", .partial,
      [
        "results": .array([
          item("2024-01-01", "failed"), item("2024-01-02", "ok"), item("2024-01-05", "failed", database: "e"),
        ])
      ])
    let older = operation(
      "nightly_backup", .partial,
      [
        "changed": .array([
          changed("2024-01-06", 12, 10), changed("2024-01-07", 9, 10), changed("2024-01-08", 12, 10, again: true),
        ]),
        "results": .array([
          item("2024-01-01", "ok"), item("2024-01-02", "failed"),
          item("2024-01-03", "skipped", skipped: "outside the table's rows"),
          item("2024-01-04", "skipped", skipped: "exists"),
        ]),
      ])
    let oldest = operation(
      "nightly_backup", .succeeded, ["changed": .array([changed("2024-01-09", 12, 10)]), "results": .array([])])
    let elsewhere = operation(
      "nightly_backup", .succeeded, ["changed": .array([changed("2024-01-02", 12, 10)])], database: "e")
    let other = operation("restore", .failed, ["results": .array([item("2024-01-10", "failed")])])
    let known = Coverage.Known([newer, elsewhere, other, older, oldest], of: "d")
    #expect(known.failed == [clicks: days("2024-01-01")])
    #expect(known.lateRows.mapValues { Set($0.keys) } == [clicks: days("2024-01-06")])
    #expect(known.running.isEmpty)
  }

  @Test("A running backup tells the day that it is at; what is malformed is passed over")
  func running() {
    var running = operation("backup", .running, ["results": .array(["x", ["table": 1]])])
    running.progress = ["subject": "events.clicks 2024-01-04"]
    var odd = operation("backup", .running, nil)
    odd.progress = ["subject": "?"]
    let known = Coverage.Known([running, odd], of: "d")
    #expect(known.running == [clicks: days("2024-01-04")])
    #expect(known.failed.isEmpty && known.withoutRows.isEmpty)
  }

  @Test("A table without rows needs no attention once a night has looked; a day whose backup failed says so")
  func status() async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz);",
      settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "2"])
    let store = OperationStore(lake: fixture.lake)
    func answer() async throws -> [String] {
      var context = fixture.context
      context.knownDays = { await store.knownDays(of: $0) }
      return try await ArchivesRequest([:]).answer(context, fixture.settings.backup).archives.map(\.status.rawValue)
    }
    func night() async throws {
      let night = NightlyBackup(fixture.context, fixture.settings.backup)
      let report = try await night.run()
      _ = try await store.run(
        Draft("nightly_backup", of: fixture.database, request: [:]), noting: .atOnce, JobProgress(),
        describe: { (report: NightlyReport) in .init(state: .init(report.status), result: report) }
      ) { report }
    }
    #expect(try await answer() == ["expected", "expected"])
    try await night()
    #expect(try await answer() == ["empty", "empty"])
    try await fixture.psql(
      "INSERT INTO events.clicks SELECT 1, d FROM generate_series(timestamptz '2024-01-07 05:00+00', '2024-01-11', '1 day') d"
    )
    try await fixture.psql("ALTER TABLE events.clicks RENAME COLUMN at TO moved")
    try await night()
    #expect(try await answer() == ["failed", "failed"])
    try await fixture.psql("ALTER TABLE events.clicks RENAME COLUMN moved TO at")
    try await night()
    #expect(try await answer() == ["archived", "archived"])
    await fixture.pools.close()
  }

  @Test("The summary counts the days that were never archived, and lists no spans")
  func neverArchived() throws {
    func day(_ text: String) throws -> Day { try #require(Day(text)) }
    var report = NightlyReport(backup: BackupReport(results: []))
    report.unarchived = [
      .init(table: clicks, from: try day("2024-01-01"), to: try day("2024-01-05")),
      .init(table: clicks, from: try day("2024-01-08"), to: try day("2024-01-12")),
      .init(table: TableName(schema: "events", name: "pages"), from: try day("2024-01-02"), to: try day("2024-01-02")),
    ]
    let lines = report.summary.split(separator: "\n")
    #expect(
      lines.dropFirst() == [
        "events.clicks: never archived, before the look-back: 10 days from 2024-01-01 to 2024-01-12",
        "events.pages: never archived, before the look-back: 2024-01-02",
      ])
  }

  @Test("A night in messages tells at its end which days were archived again")
  func nightInMessages() {
    let report = NightlyReport.ended(
      [
        "changed": .array([changed("2024-01-06", 12, 10), changed("2024-01-07", 9, 10), changed("2024-01-08", 12, 10)]),
        "results": .array([
          item("2024-01-06", "ok"), item("2024-01-09", "ok"), item("2024-01-07", "skipped", skipped: "exists"),
        ]),
      ], .partial, failures: ["events.clicks 2024-01-08"])
    #expect(
      report["changed"]
        == .array([
          changed("2024-01-06", 12, 10, again: true), changed("2024-01-07", 9, 10), changed("2024-01-08", 12, 10),
        ]))
    #expect(
      report["summary"]
        == "partial: 1 table-days archived, 1 archived again for late rows, 1 failed; 0 rows\nfailed: events.clicks 2024-01-08"
    )
  }
}
