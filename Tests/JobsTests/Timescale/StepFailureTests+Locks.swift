import Foundation
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

extension StepFailureTests {
  /// Two days of chunks of their own whose rows are gone, and a session that writes to one of the chunks: rows go in beside it, and
  /// the compression waits for it.
  func withWriter(_ damaged: Damaged) async throws -> PostgresConnection {
    try await damaged.fixture.psql(
      "DELETE FROM events.clicks WHERE at >= '2024-01-05+00' AND at < '2024-01-07+00'")
    let chunk = try await damaged.fixture.psql(
      "SELECT c FROM show_chunks('events.clicks', newer_than => '2024-01-05 12:00+00'::timestamptz - interval '12 hours') c "
        + "ORDER BY c LIMIT 1")
    let writer = try await damaged.fixture.otherSession()
    try await writer.query("BEGIN")
    try await writer.query("LOCK TABLE \(chunk) IN ROW EXCLUSIVE MODE")
    return writer
  }

  static let twoDays = "\"table\": \"events.clicks\", \"from\": \"2024-01-05\", \"to\": \"2024-01-06\""

  @Test("A chunk that another session writes to is not told as compressed; it alone is owed")
  func oneChunk() async throws {
    let damaged = try await Damaged(interval: "1 day")
    let writer = try await withWriter(damaged)
    let report = try await damaged.fixture.with { $0.lockTimeoutSeconds = 1 }.restore(Self.twoDays)
    #expect(report.status == .partial)
    let steps = report.results.flatMap { $0.steps.filter { $0.name == .recompress } }
    #expect(steps.map(\.status.rawValue).sorted() == ["done", "failed"])
    #expect(steps.first { $0.status == .failed }?.code == .locked)
    #expect(try await damaged.fixture.hash() == damaged.archived)
    #expect(try await damaged.fixture.psql(Self.owed) == "1")
    try await writer.query("COMMIT")
    await writer.close()
    #expect(try await damaged.fixture.restoreJob().resume(load: nil).results.count == 1)
    try await damaged.expectWhole("1,1,1,1")
  }

  @Test("A job that is cancelled after its commit tells what is left")
  func cancelled() async throws {
    let damaged = try await Damaged(interval: "1 day")
    let writer = try await withWriter(damaged)
    try await damaged.fixture.psql("DELETE FROM events.clicks WHERE at >= '2024-01-06+00' AND at < '2024-01-07+00'")
    let job = Task { try await damaged.fixture.restore("\"table\": \"events.clicks\", \"date\": \"2024-01-05\"") }
    try await damaged.fixture.waitUntilBlocked()
    job.cancel()
    let result = try #require(try await job.value.results.first)
    #expect(result.status == .partial)
    #expect(result.step(.recompress)?.code == .cancelled)
    expectEachOnce(result)
    #expect(result.load != nil)
    try await writer.query("COMMIT")
    await writer.close()
    _ = try await damaged.fixture.restoreOne("\"table\": \"events.clicks\", \"date\": \"2024-01-06\"")
    try await damaged.expectWhole("1,1,1,1")
  }

  @Test("A log that is locked after the commit is not waited for without end, and the load is told")
  func lockedLog() async throws {
    let damaged = try await Damaged(interval: "1 day")
    let writer = try await withWriter(damaged)
    try await damaged.fixture.psql("DELETE FROM events.clicks WHERE at >= '2024-01-06+00' AND at < '2024-01-07+00'")
    let fixture = damaged.fixture.with { $0.lockTimeoutSeconds = 2 }
    let job = Task { try await fixture.restoreOne("\"table\": \"events.clicks\", \"date\": \"2024-01-05\"") }
    try await fixture.waitUntilBlocked()
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE sluice.restore_log IN SHARE MODE")
    try await writer.query("COMMIT")
    await writer.close()
    let result = try await job.value
    #expect(result.status == .partial)
    #expect(result.step(.recompress)?.status == .done)
    #expect(result.warnings.contains { $0.contains("still in sluice.restore_log") }, "\(result.warnings)")
    try await other.query("COMMIT")
    await other.close()
    let load = try #require(result.load)
    #expect(try await fixture.restoreJob().resume(load: load).status == .ok)
    _ = try await fixture.restoreOne("\"table\": \"events.clicks\", \"date\": \"2024-01-06\"")
    try await damaged.expectWhole("1,1,1,1")
  }
}
