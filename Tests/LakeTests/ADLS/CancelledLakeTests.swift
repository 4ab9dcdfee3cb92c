import HTTPClient
import LakeEmulator
import TestSupport
import Testing

@testable import Lake

/// A job is cancelled while the storage service is silent.
@Suite("ADLS store: cancelled while it hangs") struct CancelledLakeTests {
  /// A lake that would wait for an hour, and a grace that is over at once.
  private func lake() throws -> EmulatedLake {
    try EmulatedLake {
      $0.limits.stall = .seconds(3600)
      $0.retries.budget = .seconds(3600)
      $0.timer = .system
    }
  }
  private static let hurried = RetryTimer(now: { .zero }, sleep: { _ in }, random: { 0 })

  /// Runs `job`, and cancels it when the emulator holds a request up.
  private func cancelled<Value: Sendable>(
    _ lake: EmulatedLake, _ job: @escaping @Sendable () async throws -> Value
  ) async throws -> Result<Value, any Error> {
    let task = Task { try await CancellationGrace.shared(timer: Self.hurried) { try await job() } }
    try await eventually { lake.emulator.journal().faults[.stall] ?? 0 > 0 }
    task.cancel()
    return await task.result
  }

  @Test("An append is given up, and the file that can't be removed is named")
  func append() async throws {
    let lake = try lake()
    let left = try await cancelled(lake) { () -> LakePath? in
      let writer = try await lake.store.makeWriter(temporary: at("db/t"))
      lake.emulator.setFaults([Fault(.stall)])
      do {
        try await writer.append(noise(100_000))
        _ = try await writer.close()
        Issue.record("it was closed")
      } catch is CancellationError {}
      return await writer.discard()
    }
    #expect(try left.get() == at("db/t"))
  }

  @Test(
    "Every request that hangs is given up",
    arguments: [EmulatorOperation.create, .append, .flush, .properties, .read, .list, .delete])
  func each(operation: EmulatorOperation) async throws {
    let lake = try lake()
    try await lake.store.write(noise(50_000), to: "db/old")
    lake.emulator.setFaults([Fault(.stall, on: operation)])
    let result = try await cancelled(lake) {
      _ = try await lake.store.listPage(under: nil, recursive: false, continuation: nil)
      _ = try await lake.store.read("db/old")
      try await lake.store.write(noise(50_000), to: "db/a")
      try await lake.store.delete(at("db/a"))
    }
    #expect(throws: CancellationError.self) { try result.get() }
  }

  @Test("A file that may have been made, and can't be looked for, is named")
  func create() async throws {
    let left = Count()
    let lake = try EmulatedLake {
      $0.limits.stall = .seconds(3600)
      $0.timer = .system
      $0.onLeftover = { path in if path == at("db/t") { left.add() } }
    }
    lake.emulator.setFaults([Fault(.stall)])
    let result = try await cancelled(lake) { _ = try await lake.store.makeWriter(temporary: at("db/t")) }
    #expect(throws: CancellationError.self) { try result.get() }
    #expect(left.value == 1)
  }

  @Test("A rename that hangs, and whose destination can't be read, is an error that says its outcome is unknown")
  func rename() async throws {
    let lake = try lake()
    lake.emulator.setFaults([Fault(.stall, on: .rename)])
    let result = try await cancelled(lake) { try await lake.store.write([1], to: "db/a") }
    let error = await lakeError { _ = try result.get() }
    #expect(error?.code == "outcome_unknown")
    #expect(error?.description.contains("db/a") == true)
  }

  @Test("A wait before the next try is given up")
  func retries() async throws {
    let lake = try EmulatedLake {
      $0.retries.backoff = .schedule([.seconds(3600)])
      $0.retries.budget = .seconds(7200)
      $0.timer = .system
    }
    lake.emulator.setFaults([Fault(.serverBusy)])
    let task = Task { try await lake.store.properties(of: at("a")) }
    try await eventually { lake.emulator.journal().faults[.serverBusy] == 1 }
    task.cancel()
    await #expect(throws: CancellationError.self) { _ = try await task.value }
  }
}
