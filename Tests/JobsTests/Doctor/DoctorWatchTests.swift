import Foundation
import Synchronization
import Testing

@testable import Jobs

@Suite("The doctor's findings for probes")
struct DoctorWatchTests {
  @Test("Nobody waits for a run; its findings serve until they are old, names alone")
  func life() async throws {
    let time = Mutex(Date(timeIntervalSince1970: 1_700_000_000))
    let runs = Mutex(0)
    let watch = DoctorWatch(now: { time.withLock(\.self) }) {
      runs.withLock { $0 += 1 }
      return DoctorReport([
        DoctorCheck(.lakeList, .ok, "a secret place"), DoctorCheck(.grantsBackup, .failed, "a secret table"),
      ])
    }
    #expect(await watch.findings() == nil)
    await watch.settle()
    let found = try #require(await watch.findings())
    #expect(found.failed == ["grants.backup"] && found.summary == ["ok": 1, "failed": 1, "warning": 0, "skipped": 0])
    time.withLock { $0 += DoctorWatch.life - 1 }
    _ = await watch.findings()
    await watch.settle()
    #expect(runs.withLock(\.self) == 1)
    time.withLock { $0 += 1 }
    _ = await watch.findings()
    await watch.settle()
    #expect(runs.withLock(\.self) == 2)
    await watch.close()
  }
}
