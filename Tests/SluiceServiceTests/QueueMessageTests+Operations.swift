import CustomHandler
import Database
import Essentials
import Foundation
import HTTPServer
import Reporting
import Synchronization
import TableDays
import TestSupport
import Testing

@testable import Jobs
@testable import SluiceService

/// Messages with an operation, whose document tells what becomes of them.
extension QueueMessageTests {
  func message(_ id: String, attempt: Int = 1) -> FunctionEvent {
    .queue(
      QueueMessage(
        text: #"{"table": "a.b", "date": "2024-01-01", "operation": "\#(id)"}"#, dequeueCount: attempt, id: "9d3f"))
  }

  @Test("A queued operation runs, is queued again after a failed attempt, and has the end of the last one")
  func operation() async throws {
    let store = parts.operations
    let id = try await store.enqueue(Draft("backup")).id
    #expect(try await store.operation(id).state.written == .queued)
    await #expect(throws: JobError.self) {
      try await runs().work(message(id), invocation(), kind: "backup") { request, _, _ in
        #expect(request.object?["key"]?.string == id)
        #expect(try await store.operation(id).state.written == .running)
        throw JobError(.lakeUnavailable, "no lake")
      }
    }
    let between = try await store.operation(id)
    #expect(between.state.written == .queued)
    #expect(between.error?.object?["code"] == "lake_unavailable")
    #expect(try await runs().work(message(id), invocation(), kind: "backup") { _, _, _ in try ended([nil]) } == .done)
    let done = try await store.operation(id)
    #expect(done.state.written == .succeeded)
    #expect(done.error == nil)
    #expect(done.result?.object?["status"] == "ok")
    // Delivered once more, since the host did not see the answer.
    #expect(
      try await runs().work(message(id), invocation(), kind: "backup") { _, _, _ in
        Issue.record("the job runs again")
        return try ended([nil])
      } == .done)
  }

  @Test("The operation of a message that ends in the poison queue has failed", arguments: [false, true])
  func failedOperation(isLastAttempt: Bool) async throws {
    let id = try await parts.operations.enqueue(Draft("backup")).id
    let job: JobRuns.MessageJob = { _, _, _ in throw JobError(isLastAttempt ? .lakeUnavailable : .rowsExist, "reason") }
    _ = try? await runs().work(message(id, attempt: isLastAttempt ? 5 : 1), invocation(), kind: "backup", job)
    let operation = try await parts.operations.operation(id)
    #expect(operation.state.written == .failed)
    #expect(operation.error?.object?["code"]?.string == (isLastAttempt ? "lake_unavailable" : "rows_exist"))
  }

  @Test("A message whose operation another process works on waits, and uses up no attempt")
  func operationElsewhere() async throws {
    let id = try await parts.operations.enqueue(Draft("backup")).id
    let gate = AsyncStream<Void>.makeStream()
    let other = OperationStore(lake: parts.lake)
    let work = Task {
      _ = try await other.takeUp(id, kind: "backup") { _ in
        for await _ in gate.stream {}
        return (1, AttemptEnd.again(JobError(.lakeUnavailable, "no lake"), soFar: nil))
      }
    }
    try await eventually { try await parts.operations.operation(id).state.written == .running }
    let put = try await runs(timeout: .milliseconds(1)).work(message(id, attempt: 5), invocation(), kind: "backup") {
      _, _, _ in try ended([nil])
    }
    #expect(
      put.outputs["again"]
        == .array([.string(#"{"date":"2024-01-01","key":"\#(id)","operation":"\#(id)","table":"a.b"}"#)]), "\(put)")
    async let second = runs().work(message(id), invocation(), kind: "backup") { _, _, _ in try ended([nil]) }
    gate.continuation.finish()
    #expect(try await second == .done)
    try await work.value
    #expect(try await parts.operations.operation(id).state.written == .succeeded)
  }

  @Test("A queued operation that is cancelled has ended, and its message is dropped")
  func cancelledWhileQueued() async throws {
    let id = try await parts.operations.enqueue(Draft("backup")).id
    #expect(try await parts.operations.cancel(id).state.written == .cancelled)
    let result = try await runs().work(message(id), invocation(), kind: "backup") { _, _, _ in
      Issue.record("the job runs")
      return try ended([nil])
    }
    #expect(result == .done)
    #expect(try await parts.operations.operation(id).error?.object?["code"] == "cancelled")
  }

  @Test("A running attempt that is cancelled ends its operation, and its message does not come again")
  func cancelledWhileRunning() async throws {
    let (store, id) = (parts.operations, try await parts.operations.enqueue(Draft("backup")).id)
    let result = try await runs().work(message(id), invocation(), kind: "backup") { _, _, _ in
      _ = try await store.cancel(id)
      try await Task.sleep(for: .seconds(60))
      return try ended([nil])
    }
    #expect(result == .done)
    let operation = try await store.operation(id)
    #expect(operation.state.written == .cancelled)
    #expect(operation.errorCode == "cancelled")
  }

  @Test("A running attempt that is cancelled tells what it has done", arguments: [1, 5])
  func cancelledPartly(attempt: Int) async throws {
    let (store, id) = (parts.operations, try await parts.operations.enqueue(Draft("backup")).id)
    let result = try await runs().work(message(id, attempt: attempt), invocation(), kind: "backup") { _, _, _ in
      _ = try await store.cancel(id)
      return try ended([nil, .cancelled])
    }
    #expect(result == .done)
    let operation = try await store.operation(id)
    #expect(operation.state.written == .cancelled)
    #expect(operation.result?.object?["results"] != nil)
  }

  @Test("An attempt that the shutdown ends leaves the operation queued, for the message that comes again")
  func shutDown() async throws {
    let (store, id) = (parts.operations, try await parts.operations.enqueue(Draft("backup")).id)
    let call = Task {
      try await runs().work(message(id), invocation(), kind: "backup") { _, _, _ in
        try await Task.sleep(for: .seconds(60))
        return try ended([nil])
      }
    }
    try await eventually { try await store.operation(id).state.written == .running }
    await store.shutDown(grace: .zero)
    await #expect(throws: (any Error).self) { try await call.value }
    let next = OperationStore(lake: parts.lake)
    #expect(try await next.operation(id).state.written == .queued)
  }

  @Test("An operation whose worker was killed is lost, until the message that comes again takes it up")
  func killed() async throws {
    let store = parts.operations
    let id = try await store.enqueue(Draft("backup")).id
    let file = lake.file("_sluice/operations/\(id).json")
    let silent = Date(timeIntervalSinceNow: -61).formatted(.iso8601)
    try
      #"{"id": "\#(id)", "kind": "backup", "status": "running", "created_at": "\#(silent)", "updated_at": "\#(silent)", "progress": {}}"#
      .write(toFile: file, atomically: true, encoding: .utf8)
    #expect(try await store.operation(id).state.written == .lost)
    _ = try await runs().work(message(id), invocation(), kind: "backup") { _, _, _ in
      #expect(try await store.operation(id).state.written == .running)
      return try ended([nil])
    }
    #expect(try await store.operation(id).state.written == .succeeded)
  }
}
