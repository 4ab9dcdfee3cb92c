import Configuration
import Essentials
import Foundation
import Lake
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting
@testable import TableDays

@Suite("The status")
struct StatusTests {
  private func fixture() async throws -> Fixture {
    var fixture = try await Fixture(
      settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "2"])
    // 2024-01-03: yesterday is the last day that has rows.
    fixture.now = { Date(timeIntervalSince1970: 1_704_283_200) }
    return fixture
  }

  private func report(
    _ fixture: Fixture, checks: [ReadinessCheck] = [], operations: [Jobs.Operation] = []
  ) async throws -> StatusReport {
    try await StatusJob(fixture.context, fixture.settings.backup, readiness: ReadinessProbe(checks)) {
      OperationsOverview(operations)
    }.report()
  }

  @Test("A table's days that are there are compared with those that should be, and a gap needs attention")
  func tables() async throws {
    let fixture = try await fixture()
    let before = try await report(fixture)
    #expect(before.status == .attention && before.lastGoodNight == nil)
    #expect(before.tables?.first.map { [$0.expected, $0.present, $0.missing] } == [2, 0, 2])
    for day in ["2024-01-01", "2024-01-02"] {
      _ = try await fixture.backupOne("\"table\": \"events.clicks\", \"date\": \"\(day)\"")
    }
    let after = try await report(fixture)
    #expect(after.status == .ok && after.lastGoodNight == Day("2024-01-02") && after.problems == [])
    #expect(after.tables?.first.map { [$0.expected, $0.present, $0.missing, $0.damaged] } == [2, 2, 0, 0])
    try FileManager.default.removeItem(at: fixture.directory.url.appending(path: fixture.clicksPath))
    try Data("short".utf8).write(
      to: fixture.directory.url.appending(path: "\(fixture.database)/events.clicks.2024-01-02.csv.gz"))
    let damaged = try await report(fixture)
    #expect(damaged.status == .attention && damaged.lastGoodNight == nil)
    #expect(damaged.tables?.first.map { [$0.present, $0.damaged] } == [0, 1])
  }

  @Test(
    "A list in the lake that cannot be read fails the status, and the listing of archives says what does not show",
    arguments: ["drills.json", "days_without_rows.json"])
  func unreadable(name: String) async throws {
    let fixture = try await fixture()
    let readable = try await ArchivesRequest([:]).answer(fixture.context, fixture.settings.backup)
    #expect(readable.problems == nil)
    let path = "\(fixture.database)/_sluice/\(name)"
    let file = fixture.directory.url.appending(path: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("[]".utf8).write(to: file)
    let report = try await report(fixture)
    let problem = try #require(report.problems.first)
    #expect(report.status == .failed && report.problems.count == 1 && report.tables?.count == 1)
    #expect(
      problem.contains(" (\(path)) could not be read, and ") && problem.contains(": lake_error; remove "), "\(problem)")
    #expect(try await ArchivesRequest([:]).answer(fixture.context, fixture.settings.backup).problems == [problem])
  }

  @Test("A service that does not answer, and a lake that cannot be listed, fail the status and hide nothing else")
  func failures() async throws {
    var fixture = try await fixture()
    let down = ReadinessCheck("postgres") { throw JobError(.databaseUnavailable, "down at 10.1.2.3") }
    let report = try await report(fixture, checks: [down])
    #expect(report.status == .failed && report.checks["postgres"]?.code == "database_unavailable")
    #expect(report.tables?.count == 1)
    var lake = HookedStore(fixture.lake)
    lake.beforeListing = { throw LakeError.rootUnavailable("/secret/place", reason: "gone") }
    fixture.lake = lake
    let unlisted = try await self.report(fixture)
    #expect(unlisted.status == .failed && unlisted.tables == nil)
    #expect(unlisted.problems == ["the lake could not be read, and the tables are absent: lake_unavailable"])
  }

  @Test("Jobs that run say what they wait for, and the last five failures what mends them")
  func operations() async throws {
    let now = Date(timeIntervalSince1970: 0)
    var running = Jobs.Operation(id: "r", kind: "backup", state: OperationState(.running), at: now)
    running.progress = ["subject": "events.clicks 2024-01-01", "waits_for": "a lock"]
    let failed = (0..<7).map { number in
      var failed = Jobs.Operation(
        id: "f\(number)", kind: "restore", state: OperationState([.failed, .partial, .lost][number % 3]), at: now)
      failed.error = ["code": "rows_exist"]
      return failed
    }
    let overview = OperationsOverview(
      [running] + failed + [Jobs.Operation(id: "s", kind: "backup", state: OperationState(.succeeded), at: now)])
    #expect(overview.running.map(\.waitsFor) == ["a lock"])
    #expect(overview.running.map(\.subject) == ["events.clicks 2024-01-01"])
    #expect(
      overview.failures.map(\.command) == [
        "sluice operations rerun-failed f0", "sluice operations rerun-failed f1", "sluice operations resume f2",
        "sluice operations rerun-failed f3", "sluice operations rerun-failed f4",
      ])
    #expect(overview.failures.allSatisfy { $0.code == "rows_exist" })
  }

  @Test("The overview reads the documents of the lake, and passes over what is none")
  func documents() async throws {
    let fixture = try await fixture()
    let store = OperationStore(lake: fixture.lake, now: fixture.now)
    let operation = try await store.start(Draft("backup")) { _ in throw JobError(.rowsExist, "there are rows") }
    await store.shutDown(grace: .seconds(60))
    let folder = fixture.directory.url.appending(path: "_sluice/operations")
    try Data("{}".utf8).write(to: folder.appending(path: "notes.json"))
    let overview = try await OperationStore(lake: fixture.lake, now: fixture.now).overview()
    #expect(overview.failures.map(\.id) == [operation.id])
    #expect(overview.failures.map(\.code) == ["rows_exist"])
  }
}
