import Essentials
import Foundation
import Lake
import Synchronization
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

/// The state machine alone, by a clock of the test.
@Suite("The state of an operation")
struct OperationStateTests {
  private let start = Date(timeIntervalSince1970: 1_700_000_000)

  private func at(_ seconds: TimeInterval) -> Date { start.addingTimeInterval(seconds) }

  private func running() throws -> OperationState {
    var state = OperationState(.queued)
    try state.take(owner: "a", id: "1", at: start)
    return state
  }

  @Test("An attempt holds the lease until its end, and longer each time it renews it")
  func lease() throws {
    var state = try running()
    #expect(state.written == .running)
    #expect(state.attempt == 1)
    #expect(state.seen(at: at(29)) == .running)
    #expect(state.seen(at: at(30)) == .lost)
    #expect(try state.renew("1", at: at(20)) == .held)
    #expect(state.seen(at: at(49)) == .running)
    #expect(state.seen(at: at(50)) == .lost)
  }

  @Test("Nobody takes an operation whose lease lasts; one that is lost is taken, and its first attempt writes no more")
  func takenOver() throws {
    var state = try running()
    let held = state
    #expect(throws: OperationState.Refusal.held(held.lease)) { try state.take(owner: "b", id: "2", at: at(29)) }
    #expect(state == held)
    try state.take(owner: "b", id: "2", at: at(31))
    #expect(state.attempt == 2)
    #expect(state.lease?.owner == "b")
    #expect(throws: OperationState.Refusal.self) { try state.renew("1", at: at(32)) }
    #expect(throws: OperationState.Refusal.self) { try state.end("1", as: .succeeded) }
    #expect(state.seen(at: at(33)) == .running)
    try state.end("2", as: .succeeded)
    #expect(state.seen(at: at(1000)) == .succeeded)
    #expect(state.lease == nil)
  }

  @Test("An attempt whose lease has ended and whom nobody has replaced goes on")
  func late() throws {
    var state = try running()
    #expect(try state.renew("1", at: at(300)) == .held)
    #expect(state.seen(at: at(310)) == .running)
  }

  @Test("A caller's wish to cancel is seen by the attempt at its next renewal")
  func cancelRunning() throws {
    var state = try running()
    #expect(try state.cancel(at: at(5)) == false)
    #expect(state.written == .running)
    #expect(try state.renew("1", at: at(8)) == .cancelled)
    try state.end("1", as: .cancelled)
    #expect(throws: OperationState.Refusal.ended(.cancelled)) { try state.cancel(at: at(9)) }
  }

  @Test("What nobody works on is cancelled at once", arguments: [true, false])
  func cancelIdle(isLost: Bool) throws {
    var state = isLost ? try running() : OperationState(.queued)
    #expect(try state.cancel(at: at(60)))
    #expect(state.written == .cancelled)
    #expect(throws: OperationState.Refusal.ended(.cancelled)) { try state.take(owner: "a", id: "2", at: at(61)) }
  }

  @Test(
    "What has ended is taken again by a caller who asks for it, unless it has succeeded",
    arguments: [Operation.State.succeeded, .partial, .failed, .cancelled])
  func again(_ end: Jobs.Operation.State) throws {
    var state = try running()
    try state.end("1", as: end)
    #expect(throws: OperationState.Refusal.ended(end)) { try state.take(owner: "b", id: "2", at: at(1)) }
    guard end != .succeeded else {
      #expect(throws: OperationState.Refusal.ended(end)) { try state.take(owner: "b", id: "2", again: true, at: at(1)) }
      return
    }
    try state.take(owner: "b", id: "2", again: true, at: at(1))
    #expect(state.attempt == 2)
  }

  @Test("The document tells all of it, and one of an earlier version is read")
  func document() throws {
    var operation = Operation(id: "x", kind: "backup", state: try running(), request: ["table": "a.b"], at: start)
    _ = try operation.state.cancel(at: at(1))
    operation.finished = ["a.b 2024-01-01"]
    #expect(try Operation(file: ReportJSON.bytes(operation)) == operation)
    let earlier =
      #"{"id":"x","kind":"backup","status":"running","created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:13:20Z","progress":{}}"#
    let read = try Operation(file: Array(earlier.utf8))
    #expect(read.seen(at: at(59)).state.written == .running)
    #expect(read.seen(at: at(61)).state.written == .lost)
    let interrupted = try Operation(file: Array(earlier.replacing("running", with: "interrupted").utf8))
    #expect(interrupted.state.written == .lost)
  }

  @Test("Ids of later operations are greater")
  func ids() async throws {
    let base = start
    let ticks = Mutex(0.0)
    let folder = try TemporaryDirectory("operations")
    let store = OperationStore(lake: try await FolderStore(root: folder.path)) {
      base.addingTimeInterval(
        ticks.withLock {
          $0 += 0.002; return $0
        })
    }
    let ids = (0..<1000).map { _ in store.newID() }
    #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 })
    #expect(Set(ids).count == 1000)
    #expect(ids.allSatisfy { UUID(uuidString: $0) != nil })
  }
}
