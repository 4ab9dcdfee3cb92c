import Essentials
import Foundation
import Lake
import Reporting
import Synchronization
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs

@Suite("A job that is cut short lists what was done")
struct CutShortTests {
  @Test("A backup lists the finished day, the interrupted one and those that did not begin")
  func backup() async throws {
    var fixture = try await Fixture(settings: ["BACKUP_CONCURRENCY": "1"])
    let gate = Gate()
    let base = fixture.lake
    let path = fixture.directory.file(fixture.clicksPath)
    // Once the first archive is there, appends wait.
    var store = HookedStore(base)
    store.append = { writer, bytes in
      if FileManager.default.fileExists(atPath: path) { try await gate.pass() }
      try await writer.append(bytes)
    }
    fixture.lake = store
    let gated = fixture
    let told = Mutex<[BackupResult]>([])
    let request = try BackupRequest([
      "table": "events.clicks:at", "from": "2024-01-01", "to": "2024-01-04", "empty": "archive",
    ])
    let job = Task {
      let job = BackupJob(gated.context, gated.settings.backup) { result in told.withLock { $0.append(result) } }
      return try await job.run(job.plan(request))
    }
    try await eventually { gate.isReached }
    // The first result is told while the job goes on.
    #expect(told.withLock { $0.map(\.status) } == [.ok])
    job.cancel()
    let report = try await job.value
    #expect(told.withLock { $0 } == report.results)
    #expect(report.lake == base.displayURL)
    #expect(report.results.map(\.status) == [.ok, .failed, .notBegun, .notBegun])
    #expect(report.status == .partial)
    #expect(report.results.map { $0.error?.code } == [nil, .cancelled, .cancelled, .cancelled])
    #expect(report.results[1].error?.message.contains("while it worked on this table-day") == true)
    #expect(report.results[2].error?.message.contains("before it began this table-day") == true)
    #expect(fixture.files.count == 2)
    // The next run does the rest.
    fixture.lake = base
    let rest = try await fixture.backup(
      "\"table\": \"events.clicks:at\", \"from\": \"2024-01-01\", \"to\": \"2024-01-04\", \"empty\": \"archive\"")
    #expect(rest.results.map(\.status) == [.skipped, .ok, .ok, .ok])
  }

  @Test("A backup that had finished nothing is reported as cancelled alone")
  func nothing() async throws {
    var fixture = try await Fixture()
    let gate = Gate()
    fixture.lake = HookedStore.gated(fixture.lake, gate)
    let gated = fixture
    let job = Task {
      try await gated.backup(
        "\"table\": \"events.clicks:at\", \"from\": \"2024-01-01\", \"to\": \"2024-01-04\", \"empty\": \"archive\"")
    }
    try await eventually { gate.isReached }
    job.cancel()
    await #expect(throws: CancellationError.self) { try await job.value }
    #expect(fixture.files == [])
  }

  @Test("A restore lists the loaded day, the interrupted one and those that did not begin")
  func restore() async throws {
    var fixture = try await Fixture()
    let days = "\"table\": \"events.clicks\", \"from\": \"2023-12-31\", \"to\": \"2024-01-02\""
    _ = try await fixture.backup(
      "\"table\": \"events.clicks:at\", \"from\": \"2023-12-31\", \"to\": \"2024-01-02\"")
    try await fixture.psql("TRUNCATE events.clicks")
    let gate = Gate()
    var store = HookedStore(fixture.lake)
    store.read = { reader, maxBytes, _ in
      if reader.entry.path.name.contains("2024-01-01.csv") { try await gate.pass() }
      return try await reader.read(maxBytes: maxBytes)
    }
    fixture.lake = store
    let gated = fixture
    let job = Task { try await gated.restore(days) }
    try await eventually { gate.isReached }
    job.cancel()
    let report = try await job.value
    #expect(report.results.map(\.status) == [.ok, .failed, .notBegun])
    #expect(report.status == .partial)
    #expect(try await fixture.count() == 1)
  }
}
