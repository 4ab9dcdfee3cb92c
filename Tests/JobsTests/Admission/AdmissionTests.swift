import Configuration
import Essentials
import FoundationEssentials
import Postgres
import Reporting
import Synchronization
import TableDays
import TestSupport
import Testing

@testable import Jobs

@Suite("Admission")
struct AdmissionTests {
  @Test("As many are admitted as the limit allows; the others go in the order they came, restores first")
  func order() {
    var state = AdmissionState(limit: 2)
    let tickets = (0..<7).map { _ in state.takeTicket() }
    let works: [AdmissionState.Work] = [.backup, .restore, .backup, .backup, .restore, .restore, .resumed]
    let before = zip(tickets, works).map { state.enter($0, for: $1) }
    #expect(before == [nil, nil, 0, 1, 0, 1, 0])
    let first = (0..<2).map { _ in state.leave() }
    #expect(first == [tickets[6], tickets[4]])
    // One that gives up is passed over; one that is in, or gone, is not waiting.
    let gaveUp = [5, 5, 4].map { state.giveUp(tickets[$0]) }
    #expect(gaveUp == [true, false, false])
    let second = (0..<2).map { _ in state.leave() }
    #expect(second == [tickets[2], tickets[3]])
    #expect(state.running == 2)
    let last = (0..<2).map { _ in state.leave() }
    #expect(last == [nil, nil])
    #expect(state.running == 0)
  }

  private func tableDay(_ day: Int) throws -> TableDay {
    TableDay(
      database: "d", table: TableName(schema: "s", name: "t"), day: try #require(Day("2024-01-01")).adding(days: day))
  }

  private final class Counts: Sendable {
    private let state = Mutex((now: 0, most: 0, all: 0))

    var most: Int { state.withLock { $0.most } }
    var all: Int { state.withLock { $0.all } }

    func begin() {
      state.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
        $0.all += 1
      }
    }

    func end() { state.withLock { $0.now -= 1 } }
  }

  @Test("Of many at once, no more than the limit run, and each of them runs")
  func limit() async throws {
    let admission = Admission(limit: 3)
    let counts = Counts()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<200 {
        let tableDay = try tableDay(number)
        group.addTask {
          try await admission.admitting("\(tableDay)", for: number % 3 == 0 ? .restore : .backup, JobProgress()) {
            place in
            counts.begin()
            await Task.yield()
            counts.end()
            // Its place goes to others while it waits.
            if number % 7 == 0 {
              place.giveUp()
              await Task.yield()
              try await place.takeAgain()
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(counts.most <= 3)
    #expect(counts.all == 200)
  }

  @Test("A waiting job says what it waits for, and leaves the queue when it is cancelled")
  func waiting() async throws {
    let admission = Admission(limit: 1)
    let gate = Gate()
    let (first, second) = (try tableDay(1), try tableDay(2))
    let running = Task {
      try await admission.admitting("\(first)", for: .backup, JobProgress()) { _ in try await gate.pass() }
    }
    try await eventually { gate.isReached }
    let progress = JobProgress()
    let waiting = Task {
      try await admission.admitting("\(second)", for: .backup, progress) { _ in Issue.record("it was admitted") }
    }
    try await eventually { progress.reading.waitsFor?.contains("BACKUP_CONCURRENCY") == true }
    #expect(progress.reading.waitsFor?.contains("0 before it in the queue") == true)
    waiting.cancel()
    await #expect(throws: CancellationError.self) { try await waiting.value }
    #expect(progress.reading.waitsFor == nil)
    gate.open()
    try await running.value
    try await admission.admitting("\(second)", for: .backup, progress) { _ in }
  }

  @Test("BACKUP_CONCURRENCY holds over all requests, and a job that waits for its turn says so")
  func jobs() async throws {
    var fixture = try await Fixture()
    fixture.admission = Admission(limit: 1)
    let gate = Gate()
    var gated = fixture
    gated.lake = HookedStore.gated(fixture.lake, gate)
    let slow = gated
    let first = Task { try await slow.backupOne() }
    try await eventually { gate.isReached }
    let progress = JobProgress()
    let other = fixture
    let second = Task {
      try await other.backup("\"table\": \"events.clicks:at\", \"date\": \"2024-01-02\"", progress: progress)
    }
    try await eventually { progress.reading.waitsFor?.hasPrefix("its turn (BACKUP_CONCURRENCY is 1)") == true }
    #expect(fixture.files.filter { $0.hasSuffix(".gz") } == [])
    gate.open()
    #expect(try await first.value.status == .ok)
    #expect(try await second.value.status == .ok)
    #expect(progress.reading.waitsFor == nil)
  }
}

extension AdmissionTests {
  @Test("A table-day whose turn does not come in time is not begun, and says so")
  func noTurn() async throws {
    var fixture = try await Fixture()
    fixture.admission = Admission(limit: 1)
    let gate = Gate()
    var gated = fixture
    gated.lake = HookedStore.gated(fixture.lake, gate)
    let slow = gated
    let first = Task { try await slow.backupOne() }
    try await eventually { gate.isReached }
    let soon = FunctionTime(begin: fixture.now(), seconds: 0.27)
    let job = BackupJob(fixture.context, fixture.settings.backup)
    let members = "{\"table\": \"events.clicks:at\", \"from\": \"2024-01-02\", \"to\": \"2024-01-03\"}"
    let plan = try job.plan(BackupRequest(JSONValue(json: Array(members.utf8))))
    let report = try await job.run(plan, within: soon)
    #expect(report.results.map(\.status) == [.notBegun, .notBegun])
    #expect(report.results.allSatisfy { $0.error?.code == .noTurn })
    #expect(report.status == .failed)
    let request = try RestoreRequest(
      JSONValue(json: Array("{\"table\": \"events.clicks\", \"date\": \"2024-01-01\"}".utf8)))
    let error = await #expect(throws: JobError.self) {
      try await fixture.restoreJob().run(request, deadline: soon.lastBegin)
    }
    #expect(error?.code == .noTurn)
    // A nightly run leaves such days to the next one.
    fixture.settings.backup.tables = [
      TableOptions(table: TableName(schema: "events", name: "clicks"), timeColumn: "at")
    ]
    let night = try await NightlyBackup(fixture.context, fixture.settings.backup).run(within: soon)
    #expect(!night.backup.results.isEmpty && night.backup.results.allSatisfy { $0.status == .notBegun })
    gate.open()
    #expect(try await first.value.status == .ok)
  }

  @Test("A job whose table is free again waits for its turn without the table's lock")
  func turnWithoutLock() async throws {
    var fixture = try await Fixture(
      Fixture.clicks + "CREATE TABLE events.other AS TABLE events.clicks;",
      settings: ["PG_LOCK_TIMEOUT_SECONDS": "3600"])
    fixture.admission = Admission(limit: 1)
    let shared = fixture
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE events.clicks IN ACCESS EXCLUSIVE MODE")
    let progress = JobProgress()
    let waiting = Task { try await shared.backup(progress: progress) }
    // It has left its turn, which another job takes.
    try await eventually { progress.reading.waitsFor?.contains("locked by") == true }
    let gate = Gate()
    var gated = fixture
    gated.lake = HookedStore.gated(fixture.lake, gate)
    let slow = gated
    let second = Task { try await slow.backup("\"table\": \"events.other:at\", \"date\": \"2024-01-01\"") }
    try await eventually { gate.isReached }
    try await other.query("ROLLBACK")
    try await eventually { progress.reading.waitsFor?.hasPrefix("its turn") == true }
    try await other.query("SET lock_timeout = '5s'")
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE events.clicks IN ACCESS EXCLUSIVE MODE")
    gate.open()
    #expect(try await second.value.status == .ok)
    await other.close()
    #expect(try await waiting.value.status == .ok)
  }
}

extension AdmissionTests {
  @Test("A table-day that waits for a locked table leaves its turn to the next one of the same job")
  func ownJob() async throws {
    var fixture = try await Fixture(
      Fixture.clicks + "CREATE TABLE events.a AS TABLE events.clicks; CREATE TABLE events.b AS TABLE events.clicks;",
      settings: ["PG_LOCK_TIMEOUT_SECONDS": "3600"])
    fixture.admission = Admission(limit: 1)
    let shared = fixture
    let other = try await fixture.otherSession()
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE events.clicks IN ACCESS EXCLUSIVE MODE")
    let job = Task {
      try await shared.backup(
        "\"tables\": [\"events.clicks:at\", \"events.a:at\", \"events.b:at\"], \"date\": \"2024-01-01\"")
    }
    try await eventually { shared.files.filter { $0.hasSuffix(".gz") }.count == 2 }
    try await other.query("ROLLBACK")
    #expect(try await job.value.results.map(\.status) == [.ok, .ok, .ok])
    await other.close()
  }
}
