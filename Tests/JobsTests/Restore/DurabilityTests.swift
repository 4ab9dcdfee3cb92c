import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

/// A server that waits for a standby which is gone.
@Suite("The durability of a load")
struct DurabilityTests {
  @Test(
    "Rows are reported as committed when the standby does not answer, and a cancelled job stops waiting",
    arguments: [true, false])
  func standby(isOff: Bool) async throws {
    let server = try await PostgresServer()
    let fixture = try await Fixture(server: server)
    _ = try await fixture.backupOne()
    try await fixture.psql("TRUNCATE events.clicks")
    try await fixture.psql("ALTER SYSTEM SET synchronous_standby_names = 'gone'")
    try await fixture.psql("SELECT pg_reload_conf()")
    let progress = JobProgress()
    let restore = Task {
      try await fixture.restoreJob(progress).run(
        RestoreRequest(
          JSONValue(
            json: Data(
              "{\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"copy\": {\"synchronous_commit_off\": \(isOff)}}"
                .utf8
            ))))
    }
    try await eventually { progress.reading.waitsFor?.contains("synchronous standby") == true }
    // Others see the rows already.
    #expect(try await fixture.psql("SELECT count(*) FROM events.clicks") == "3")
    restore.cancel()
    let result = try #require(try await restore.value.results.first)
    #expect(result.status == .partial)
    #expect(result.rowsLoaded == 3)
    #expect(result.warnings.contains { $0.contains("committed and on the server's disk, but the synchronous standby") })
    #expect(progress.reading.waitsFor == nil)
    await fixture.pools.close()
    await server.stopAndWait()
  }
}
