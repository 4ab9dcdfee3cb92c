import Essentials
import Foundation
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

/// Servers that are away for a while.
@Suite("Retries of the database connection")
struct RetryTests {
  @Test("The waits of the tries grow to 5 s and end with the budget")
  func schedule() {
    var retries = DatabaseRetries(budget: .seconds(20))
    var now = ContinuousClock.now
    var waits: [Duration] = []
    while let wait = retries.next(now: now) {
      waits.append(wait)
      now += wait
    }
    #expect(
      waits == [
        .milliseconds(250), .milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(5), .seconds(5),
        .milliseconds(2250),
      ])
    #expect(waits.reduce(.zero, +) == .seconds(20))
    var none = DatabaseRetries(budget: .zero)
    #expect(none.next(now: now) == nil)
  }

  @Test("An error that a retry cannot change is not retried")
  func lasting() {
    func isTransient(_ reason: String, _ state: String? = nil) -> Bool {
      let target = PostgresTarget(host: "h", database: "d", user: "u")
      return PostgresError.connectFailed(target: target, reasons: [reason], sqlState: state).isTransient
    }
    #expect(isTransient("h: connection to server failed: Connection refused"))
    #expect(isTransient("h: the database system is starting up", "57P03"))
    #expect(isTransient("h: sorry, too many clients already", "53300"))
    #expect(isTransient("h: Temporary failure in name resolution"))
    #expect(!isTransient("h: Name or service not known"))
    #expect(!isTransient("h: SSL error: certificate verify failed"))
    #expect(!isTransient("h: server does not support SSL, but SSL was required"))
    #expect(!isTransient("h: password authentication failed", "28P01"))
    #expect(PostgresError.connectionLost(message: "gone").isTransient)
    #expect(PostgresError.server(ServerError(sqlState: "57P01", severity: "FATAL", message: "")).isTransient)
    #expect(!PostgresError.server(ServerError(sqlState: "57P01", message: "raised by a trigger")).isTransient)
  }

  @Test("A night that begins while the server restarts archives every table-day")
  func restart() async throws {
    let server = try await PostgresServer()
    let fixture = try await Fixture(settings: ["PG_RETRY_SECONDS": "60"], server: server)
    // One connection lies in the pool, and is broken when it is used next.
    #expect(try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2023-12-31\"").status == .ok)
    try server.crash()
    let progress = JobProgress()
    let run = Task {
      try await fixture.backup(
        "\"table\": \"events.clicks:at\", \"from\": \"2024-01-01\", \"to\": \"2024-01-07\"", progress: progress)
    }
    try await eventually { progress.reading.waitsFor?.contains("the database server, try ") == true }
    try await server.startAgain()
    let report = try await run.value
    #expect(report.status == .ok, "\(report.results.compactMap { $0.error })")
    #expect(report.results.map(\.rows) == [3, 1, 0, 0, 0, 0, 0])
    await server.stopAndWait()
  }

  @Test("A server without free connections is retried, by backup and restore")
  func full() async throws {
    let server = try await PostgresServer(settings: ["max_connections=6", "superuser_reserved_connections=0"])
    let fixture = try await Fixture(settings: ["PG_RETRY_SECONDS": "60"], server: server)
    _ = try await fixture.backupOne()
    await fixture.pools.close()
    try await fixture.psql("TRUNCATE events.clicks")
    var crowd: [PostgresConnection] = []
    while let guest = try? await fixture.otherSession() { crowd.append(guest) }
    let own = try await Fixture(other: fixture)
    let progress = JobProgress()
    let restore = Task {
      try await own.restoreJob(progress).run(
        RestoreRequest(JSONValue(json: Data("{\"table\": \"events.clicks\", \"date\": \"2024-01-01\"}".utf8))))
    }
    try await eventually {
      progress.reading.waitsFor?.contains("53300") == true || progress.reading.waitsFor?.contains("too many") == true
    }
    for guest in crowd { await guest.close() }
    #expect(try await restore.value.results[0].rowsLoaded == 3)
    await server.stopAndWait()
  }

  @Test("A server that stays away fails the job after PG_RETRY_SECONDS")
  func away() async throws {
    let fixture = try await Fixture(settings: ["PG_PORT": "\(PostgresServer.freePort())", "PG_RETRY_SECONDS": "1"])
    let retries = Mutex(0)
    var context = fixture.context
    context.sessions.onRetry = { retries.withLock { $0 += 1 } }
    let job = BackupJob(context, fixture.settings.backup)
    let request: JSONValue = ["table": "events.clicks:at", "date": "2024-01-01"]
    let error = try #require(try await job.run(job.plan(BackupRequest(request))).results.first?.error)
    #expect(error.code == .databaseUnavailable)
    #expect(error.message.contains("Connection refused"))
    // For the metric.
    #expect(retries.withLock { $0 } > 0)
  }
}
