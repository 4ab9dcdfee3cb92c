import Database
import Foundation
import Lake
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

@Suite("The readiness probe")
struct ReadinessProbeTests {
  /// For checks that are to be answered: on a busy machine the program's own is too short.
  private let longPatience = Duration.seconds(60)

  /// A clock that a test moves.
  private final class Clock: Sendable {
    private let time = Mutex(ContinuousClock.now)

    var now: ContinuousClock.Instant { time.withLock { $0 } }
    func advance(by duration: Duration) { time.withLock { $0 += duration } }
  }

  private final class Count: Sendable {
    private let value = Mutex(0)

    var count: Int { value.withLock { $0 } }
    func add() { value.withLock { $0 += 1 } }
  }

  @Test("An answer serves all who ask within its life, and the lake is asked anew after it")
  func life() async throws {
    let fixture = try await Fixture("SELECT 1")
    let (clock, listings) = (Clock(), Count())
    var lake = HookedStore(fixture.lake)
    lake.beforeProbe = { listings.add() }
    let probe = ReadinessProbe(
      [.database(fixture.settings.server, fixture.pools), .lake(lake)], patience: longPatience, now: { clock.now })
    for _ in 0..<10 { #expect(await probe.readiness().status == "ok") }
    #expect(listings.count == 1)
    clock.advance(by: ReadinessProbe.life - .milliseconds(1))
    #expect(await probe.readiness().status == "ok")
    #expect(listings.count == 1)
    clock.advance(by: .milliseconds(1))
    #expect(await probe.readiness().status == "ok")
    #expect(listings.count == 2)
    await probe.close()
  }

  @Test("Those who ask while the checks are under way wait for the same answer")
  func shared() async throws {
    let fixture = try await Fixture("SELECT 1")
    let (clock, listings, gate) = (Clock(), Count(), Gate())
    var lake = HookedStore(fixture.lake)
    lake.beforeProbe = {
      listings.add()
      try await gate.pass()
    }
    let probe = ReadinessProbe(
      [.database(fixture.settings.server, fixture.pools), .lake(lake)], patience: longPatience, now: { clock.now })
    let first = Task { await probe.readiness() }
    try await eventually { gate.isReached }
    // However long the checks take: the life begins with the answer.
    clock.advance(by: ReadinessProbe.life * 10)
    let asked = Count()
    let others = (0..<10).map { _ in
      Task {
        asked.add()
        return await probe.readiness()
      }
    }
    try await eventually { asked.count == 10 }
    gate.open()
    for task in [first] + others { #expect(await task.value.status == "ok") }
    #expect(listings.count == 1)
    await probe.close()
  }

  @Test("A failure is kept no longer than an answer that all is well")
  func failure() async throws {
    let fixture = try await Fixture("SELECT 1")
    let clock = Clock()
    let fails = Mutex(true)
    var lake = HookedStore(fixture.lake)
    lake.beforeProbe = { if fails.withLock({ $0 }) { throw LakeError.rootUnavailable("lake", reason: "gone") } }
    let probe = ReadinessProbe(
      [.database(fixture.settings.server, fixture.pools), .lake(lake)], patience: longPatience, now: { clock.now })
    let failed = await probe.readiness()
    #expect(failed.status == "failed")
    #expect(failed.checks?["lake"]?.code == "lake_unavailable")
    #expect(failed.checks?["postgres"]?.status == "ok")
    fails.withLock { $0 = false }
    #expect(await probe.readiness() == failed)
    clock.advance(by: ReadinessProbe.life)
    #expect(await probe.readiness().status == "ok")
    await probe.close()
  }

  @Test("It answers while jobs use all connections of their pool")
  func fullPool() async throws {
    let fixture = try await Fixture("SELECT 1")
    let target = try fixture.settings.server.target()
    let (held, gate) = (Count(), Gate())
    let jobs = (0..<4).map { _ in
      Task {
        try await fixture.pools.withConnection(to: target) { _ in
          held.add()
          try await gate.pass()
        }
      }
    }
    try await eventually { held.count == 4 }
    // Even where it shares the jobs' pools, which the program does not, it asks over a connection that no job takes.
    let probe = ReadinessProbe(
      [.database(fixture.settings.server, fixture.pools), .lake(fixture.lake)], patience: longPatience)
    #expect(await probe.readiness().checks?["postgres"]?.status == "ok")
    gate.open()
    for job in jobs { try await job.value }
    await probe.close()
  }

  @Test("A check that hangs keeps no answer from coming, and is not asked twice")
  func patience() async throws {
    let (asked, gate, clock) = (Count(), Gate(), Clock())
    // It does not react to its cancellation, as a call on a dead mount does not.
    let hanging = ReadinessCheck("lake") {
      asked.add()
      try await Task.detached { try await gate.pass() }.value
    }
    let probe = ReadinessProbe([hanging, ReadinessCheck("postgres") {}], now: { clock.now })
    #expect(ReadinessProbe.patience < .seconds(2), "as docs/http.md says")
    let readiness = await probe.readiness()
    #expect(readiness.checks?["lake"] == .init(status: "failed", code: "no_answer"))
    #expect(readiness.checks?["postgres"]?.status == "ok")
    clock.advance(by: ReadinessProbe.life)
    #expect(await probe.readiness().checks?["lake"]?.code == "no_answer")
    #expect(asked.count == 1)
    gate.open()
    try await eventually {
      clock.advance(by: ReadinessProbe.life)
      return await probe.readiness().status == "ok"
    }
  }

  @Test("The lake is asked for by one small request: nothing is listed, and a root that is not there fails")
  func smallRequest() async throws {
    let folder = try TemporaryDirectory("probed")
    let listings = Count()
    var lake = HookedStore(try await FolderStore(root: folder.path))
    lake.beforeListing = { listings.add() }
    let clock = Clock()
    let probe = ReadinessProbe([.lake(lake)], patience: longPatience, now: { clock.now })
    #expect(await probe.readiness().status == "ok")
    #expect(listings.count == 0)
    try FileManager.default.removeItem(atPath: folder.path)
    clock.advance(by: ReadinessProbe.life)
    #expect(await probe.readiness().checks?["lake"]?.code == "lake_unavailable")
  }

  @Test("A failure whose code no document lists is told as internal")
  func unlistedCode() async throws {
    let probe = ReadinessProbe([ReadinessCheck("lake") { throw JobError(.rowsExist, "cannot be") }])
    #expect(await probe.readiness().checks?["lake"]?.code == "internal")
  }
}
