import Essentials
import Foundation
import Lake
import Synchronization
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

/// An end in order: nobody who was told of an operation is left without its end.
@Suite("The store of operations", .timeLimit(.minutes(1)))
struct OperationStoreTests {
  /// A folder lake in which appends wait at a gate, or the first few fail.
  private struct Place {
    let folder: TemporaryDirectory
    let base: any LakeStore

    init() async throws {
      folder = try TemporaryDirectory("operations")
      base = try await FolderStore(root: folder.path)
    }

    /// What another process would read of it.
    func state(_ id: String) async throws -> Jobs.Operation.State {
      try await OperationStore(lake: base).operation(id).state.written
    }

    var noted: [String] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.file("_sluice/operations"))) ?? []
      return names.map { String($0.dropLast(5)) }
    }
  }

  private static let done = OperationOutcome(state: .succeeded, result: ["a": 1])

  @Test("Closing the store waits for a call that waits for the lake")
  func startUnderWay() async throws {
    let place = try await Place()
    let gate = Gate()
    let store = OperationStore(lake: HookedStore.gated(place.base, gate))
    async let begun = store.start(Draft("backup")) { _ in Self.done }
    try await eventually { gate.isReached }
    async let down = store.shutDown(grace: .seconds(3600))
    try await eventually { await store.isClosed }
    gate.open()
    #expect(await down == [])
    #expect(try await place.state(begun.id) == .succeeded)
    await #expect(throws: JobError.self) { try await store.start(Draft("backup")) { _ in Self.done } }
  }

  @Test("A call that still waits for the lake when the grace period ends is refused and not recorded")
  func startCancelled() async throws {
    let place = try await Place()
    let gate = Gate()
    let store = OperationStore(lake: HookedStore.gated(place.base, gate))
    let begun = Task {
      try await store.start(Draft("backup")) { _ in
        Issue.record("its job was run")
        return Self.done
      }
    }
    try await eventually { gate.isReached }
    #expect(await store.shutDown(grace: .zero) == [])
    await #expect(throws: CancellationError.self) { try await begun.value }
    #expect(place.noted.isEmpty)
  }

  @Test("The end of a cancelled operation is recorded")
  func cancelledIsNoted() async throws {
    let place = try await Place()
    let store = OperationStore(lake: place.base)
    let operation = try await store.start(Draft("backup")) { _ in
      try await Task.sleep(for: .seconds(3600))
      return Self.done
    }
    #expect(await store.shutDown(grace: .zero) == [])
    let ended = try await OperationStore(lake: place.base).operation(operation.id)
    #expect(ended.state.written == .lost)
    #expect(ended.errorCode == "cancelled")
  }

  @Test("Hundreds of operations that are cancelled at once all have their end recorded, a few documents at a time")
  func crowd() async throws {
    let place = try await Place()
    let writing = Mutex((now: 0, most: 0))
    var counting = HookedStore(place.base)
    counting.append = { writer, bytes in
      writing.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
      defer { writing.withLock { $0.now -= 1 } }
      try await writer.append(bytes)
    }
    let store = OperationStore(lake: counting)
    let ids = try await withThrowingTaskGroup { group in
      for _ in 0..<300 {
        group.addTask {
          try await store.start(Draft("backup")) { _ in
            try await Task.sleep(for: .seconds(3600))
            return Self.done
          }.id
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(await store.shutDown(grace: .zero) == [])
    for id in ids { #expect(try await place.state(id) == .lost) }
    #expect((1...OperationStore.writesAtOnce).contains(writing.withLock { $0.most }))
  }

  @Test("The end of an operation is written again when the lake fails")
  func retries() async throws {
    let place = try await Place()
    let failures = Mutex(0)
    var failing = HookedStore(place.base)
    failing.beforeMaking = { path in
      let fails = failures.withLock { left in
        defer { left = max(0, left - 1) }
        return left > 0
      }
      if fails { throw LakeError.noSpace(path) }
    }
    let store = OperationStore(lake: failing)
    let operation = try await store.start(Draft("backup")) { _ in
      failures.withLock { $0 = 2 }
      return Self.done
    }
    try await eventually { try await place.state(operation.id) == .succeeded }
    let left = failures.withLock { $0 }
    #expect(left == 0)
  }

  @Test("A job that ignores cancellation is recorded as lost and left behind")
  func leftBehind() async throws {
    let place = try await Place()
    let store = OperationStore(lake: place.base)
    let gate = AsyncStream<Void>.makeStream()
    let operation = try await store.start(Draft("backup")) { _ in
      // A task of its own does not see the cancellation.
      await Task { for await _ in gate.stream {} }.value
      return Self.done
    }
    #expect(await store.shutDown(grace: .zero, cleanup: .milliseconds(10)) == [operation.id])
    try await eventually { try await place.state(operation.id) == .lost }
    gate.continuation.finish()
  }

  // MARK: Queued operations

  /// Takes up an operation in `store` by an attempt that lasts until the gate opens.
  private func attempt(_ store: OperationStore, _ id: String, _ gate: Gate) -> Task<Void, any Error> {
    Task {
      _ = try await store.takeUp(id, kind: "restore") { _ in
        try? await gate.pass()
        return (1, AttemptEnd.ended(Self.done))
      }
    }
  }

  @Test("An operation that another process works on is not taken up, so that its end is told once")
  func takenUpTwice() async throws {
    let place = try await Place()
    let (first, second) = (OperationStore(lake: place.base), OperationStore(lake: place.base))
    let id = try await first.enqueue(Draft("restore")).id
    let gate = Gate()
    let work = attempt(first, id, gate)
    try await eventually { gate.isReached }
    let error = await #expect(throws: JobError.self) {
      _ = try await second.takeUp(id, kind: "restore") { _ in (2, AttemptEnd.ended(Self.done)) }
    }
    #expect(error?.code == .alreadyRunning)
    #expect(try await place.state(id) == .running)
    gate.open()
    try await work.value
    #expect(try await place.state(id) == .succeeded)
  }

  @Test("The end of an attempt that another process has taken over does not overwrite what that one wrote")
  func takenOver() async throws {
    let place = try await Place()
    let first = OperationStore(lake: place.base)
    // To this one the first has been silent for too long.
    let second = OperationStore(lake: place.base) { Date(timeIntervalSinceNow: OperationState.leaseSeconds + 30) }
    let id = try await first.enqueue(Draft("restore")).id
    let gate = Gate()
    let work = attempt(first, id, gate)
    try await eventually { gate.isReached }
    _ = try await second.takeUp(id, kind: "restore") { _ in
      (2, AttemptEnd.failed(JobError(.rowsExist, "there are rows")))
    }
    gate.open()
    try await work.value
    #expect(try await place.state(id) == .failed)
  }

  @Test("A wish to cancel that comes while the attempt fails is kept: no other attempt follows")
  func cancelledWhileFailing() async throws {
    let place = try await Place()
    let (worker, caller) = (OperationStore(lake: place.base), OperationStore(lake: place.base))
    let id = try await worker.enqueue(Draft("restore")).id
    _ = try await worker.takeUp(id, kind: "restore") { _ in
      let answered = try? await caller.cancel(id).state.written
      #expect(answered == .running)
      return (1, AttemptEnd.again(JobError(.lakeUnavailable, "no lake"), soFar: nil))
    }
    let operation = try await caller.operation(id)
    #expect(operation.state.written == .cancelled && operation.errorCode == "cancelled")
    let taken = try await worker.takeUp(id, kind: "restore") { _ in (2, AttemptEnd.ended(Self.done)) }
    if case .attempted = taken { Issue.record("the job ran although it is cancelled") }
  }

  @Test("A program for whose end somebody waits does not wait long for a lake that is gone")
  func endWithoutLake() async throws {
    let place = try await Place()
    let isGone = Mutex(false)
    let wasCancelled = Mutex(false)
    var lake = HookedStore(place.base)
    lake.beforeMaking = { _ in
      guard isGone.withLock({ $0 }) else { return }
      // As a request that is tried again and again.
      do { try await Task.sleep(for: .seconds(3600)) } catch {
        wasCancelled.withLock { $0 = true }
        throw error
      }
    }
    let store = OperationStore(lake: lake, endLimit: .milliseconds(50))
    let value = try await store.run(
      Draft("backup"), noting: .atOnce, JobProgress(), describe: { (_: Int) in Self.done }
    ) {
      isGone.withLock { $0 = true }
      return 7
    }
    #expect(value == 7 && wasCancelled.withLock { $0 })
  }

  @Test("An operation whose worker was killed can be cancelled: its message, which comes again, is dropped")
  func cancelLost() async throws {
    let place = try await Place()
    let killed = OperationStore(lake: place.base)
    let id = try await killed.enqueue(Draft("restore")).id
    let gate = Gate()
    let never = attempt(killed, id, gate)
    try await eventually { gate.isReached }
    let next = OperationStore(lake: place.base) { Date(timeIntervalSinceNow: OperationState.leaseSeconds + 30) }
    #expect(try await next.operation(id).state.written == .lost)
    #expect(try await next.cancel(id).state.written == .cancelled)
    let taken = try await next.takeUp(id, kind: "restore") { _ in (1, AttemptEnd.ended(Self.done)) }
    if case .attempted = taken { Issue.record("the job ran although its caller was told that it has ended") }
    // One that works on after all does not change what its caller was told.
    gate.open()
    try await never.value
    #expect(try await place.state(id) == .cancelled)
  }

  @Test("A message does not take up an operation of another kind")
  func otherKind() async throws {
    let place = try await Place()
    let store = OperationStore(lake: place.base)
    let id = try await store.enqueue(Draft("backup")).id
    let error = await #expect(throws: JobError.self) {
      _ = try await store.takeUp(id, kind: "restore") { _ in (1, AttemptEnd.ended(Self.done)) }
    }
    #expect(error?.code == .badField)
    #expect(error?.field == "operation")
    #expect(try await place.state(id) == .queued)
  }

  @Test(
    "A file that no version of the program wrote is an error and does not crash",
    arguments: ["", "[]", "{}", "{\"id\":1}"])
  func unreadable(_ content: String) async throws {
    let place = try await Place()
    let id = UUID().uuidString.lowercased()
    let folder = place.folder.file("_sluice/operations")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(content.utf8).write(to: URL(filePath: "\(folder)/\(id).json"))
    let error = await #expect(throws: JobError.self) { try await place.state(id) }
    #expect(error?.code == .lakeError)
  }
}
