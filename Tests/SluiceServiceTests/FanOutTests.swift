import CustomHandler
import Essentials
import Foundation
import Reporting
import Synchronization
import TestSupport
import Testing

@testable import Jobs
@testable import SluiceService

/// Operations whose job is one message for each table-day. The jobs are told how to end.
extension QueueMessageTests {
  private func begin(_ units: Int) async throws -> String {
    try await parts.operations.enqueue(Draft("nightly_backup", request: [:], units: units)).id
  }

  private func unit(_ number: Int, of id: String, attempt: Int = 1) -> FunctionEvent {
    .queue(
      QueueMessage(
        text:
          #"{"table": "a.b", "date": "2024-01-0\#(number + 1)", "operation": "\#(id)", "unit": \#(number)}"#,
        dequeueCount: attempt, id: "m\(number)"))
  }

  private func files(of id: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: lake.file("_sluice/operations/\(id)"))) ?? []
  }

  @Test("The last table-day that ends writes the operation's end, with the results of all")
  func lastCloses() async throws {
    let (store, id) = (parts.operations, try await begin(3))
    #expect(try await store.operation(id).state.written == .queued)
    for number in [2, 0, 1] {
      let result = try await runs().work(unit(number, of: id), invocation(), kind: "backup") { request, _, _ in
        #expect(request["key"]?.string == id)
        #expect(request["unit"] == nil && request["operation"] == nil)
        return try ended([nil])
      }
      #expect(result == .done)
      let operation = try await store.operation(id)
      #expect(operation.state.written == (number == 1 ? .succeeded : .running))
      #expect(operation.progress["table_days"] == 3)
    }
    let operation = try await store.operation(id)
    #expect(operation.result?["results"]?.elements?.count == 3)
    #expect(operation.result?["status"] == "ok")
    #expect(operation.finished == ["a.b 2024-01-01", "a.b 2024-01-02", "a.b 2024-01-03"])
    #expect(files(of: id) == [])
  }

  @Test("A message that was delivered twice is done once")
  func duplicate() async throws {
    let (store, id) = (parts.operations, try await begin(2))
    let done = Mutex(0)
    for _ in 0..<2 {
      _ = try await runs().work(unit(0, of: id), invocation(), kind: "backup") { _, _, _ in
        done.withLock { $0 += 1 }
        return try ended([nil])
      }
    }
    #expect(done.withLock { $0 } == 1)
    #expect(try await store.operation(id).progress["finished"] == 1)
    _ = try await runs().work(unit(1, of: id), invocation(), kind: "backup") { _, _, _ in try ended([nil]) }
    #expect(try await store.operation(id).state.written == .succeeded)
    // After the end too.
    _ = try await runs().work(unit(1, of: id), invocation(), kind: "backup") { _, _, _ in
      Issue.record("the table-day is done again")
      return try ended([nil])
    }
  }

  @Test("A worker that was killed before it wrote the operation's end leaves it to the message's next delivery")
  func killedBeforeTheEnd() async throws {
    let (store, id) = (parts.operations, try await begin(1))
    let folder = lake.file("_sluice/operations/\(id)")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(#"{"table_day": "a.b 2024-01-01", "result": {"status": "ok"}}"#.utf8).write(
      to: URL(filePath: "\(folder)/0.done.json"))
    #expect(try await store.operation(id).state.written == .running)
    _ = try await runs().work(unit(0, of: id), invocation(), kind: "backup") { _, _, _ in
      Issue.record("the table-day is done again")
      return try ended([nil])
    }
    #expect(try await store.operation(id).state.written == .succeeded)
  }

  @Test("A table-day that can never succeed is told by the operation, and needs no poison queue")
  func failedUnit() async throws {
    let (store, id) = (parts.operations, try await begin(2))
    _ = try await runs().work(unit(0, of: id), invocation(), kind: "backup") { _, _, _ in try ended([nil]) }
    let failing = invocation()
    let result = try await runs().work(unit(1, of: id), failing, kind: "backup") { _, _, _ in
      throw JobError(.tableNotFound, "no table")
    }
    #expect(result == .done)
    #expect(
      failing.log.all.contains { $0.contains(" warning ") && $0.contains("table_day=\"a.b 2024-01-02\"") },
      "\(failing.log.all)")
    let operation = try await store.operation(id)
    #expect(operation.state.written == .partial)
    #expect(operation.errorCode == "table_not_found")
    #expect(operation.finished == ["a.b 2024-01-01"])
  }

  @Test("A table-day that another attempt can help comes again, and is told as failed after the last one alone")
  func retriedUnit() async throws {
    let (store, id) = (parts.operations, try await begin(1))
    let job: JobRuns.MessageJob = { _, _, _ in throw JobError(.lakeUnavailable, "no lake") }
    await #expect(throws: JobError.self) {
      try await runs().work(unit(0, of: id), invocation(), kind: "backup", job)
    }
    #expect(try await store.operation(id).state.written == .queued)
    #expect(try await runs().work(unit(0, of: id, attempt: 5), invocation(), kind: "backup", job) == .done)
    #expect(try await store.operation(id).state.written == .failed)
  }

  @Test("What another run works on goes back on its queue with its place in the operation")
  func unitWaits() async throws {
    let id = try await begin(1)
    let put = try await runs(timeout: .milliseconds(1)).work(unit(0, of: id), invocation(), kind: "backup") { _, _, _ in
      throw JobError(.alreadyRunning, "another run")
    }
    guard case .array(let messages)? = put.outputs["again"] else {
      Issue.record("no message: \(put)")
      return
    }
    let message = try JSONValue(json: Data((messages.first?.string ?? "").utf8))
    #expect(message["operation"]?.string == id)
    #expect(message["unit"] == 0)
  }

  @Test("An operation that is cancelled drops the messages that are left, and ends the table-day that is under way")
  func cancelledFanOut() async throws {
    let store = OperationStore(lake: parts.lake, interval: 0.05)
    let id = try await store.enqueue(Draft("nightly_backup", units: 2)).id
    var runs = runs()
    runs = JobRuns(operations: store, host: runs.host, lake: runs.lake, now: runs.now, pauses: runs.pauses)
    let under = runs
    let result = try await under.work(unit(0, of: id), invocation(), kind: "backup") { _, _, _ in
      _ = try await store.cancel(id)
      try await Task.sleep(for: .seconds(60))
      return try ended([nil])
    }
    #expect(result == .done)
    #expect(try await store.operation(id).state.written == .cancelled)
    _ = try await under.work(unit(1, of: id), invocation(), kind: "backup") { _, _, _ in
      Issue.record("a table-day of a cancelled operation is done")
      return try ended([nil])
    }
    #expect(try await store.operation(id).state.written == .cancelled)
  }

  // MARK: Messages that the host has given up

  @Test("A message that the host gives up marks its table-day as failed")
  func givenUpUnit() async throws {
    let (store, id) = (parts.operations, try await begin(2))
    _ = try await runs().work(unit(0, of: id), invocation(), kind: "backup") { _, _, _ in try ended([nil]) }
    #expect(try await runs().givenUp(unit(1, of: id), invocation(), kind: "backup") == .done)
    let operation = try await store.operation(id)
    #expect(operation.state.written == .partial)
    #expect(operation.errorCode == "attempts_used_up")
    // One that another delivery has done stays done.
    let other = try await begin(1)
    _ = try await runs().work(unit(0, of: other), invocation(), kind: "backup") { _, _, _ in try ended([nil]) }
    _ = try await runs().givenUp(unit(0, of: other), invocation(), kind: "backup")
    #expect(try await store.operation(other).state.written == .succeeded)
  }

  @Test(
    "A table-day that is archived is done, also where its worker could not note that before the host gave its message up"
  )
  func givenUpDone() async throws {
    let (store, id) = (parts.operations, try await begin(2))
    _ = try await runs().work(unit(0, of: id), invocation(), kind: "backup") { _, _, _ in try ended([nil]) }
    let asked = Mutex<JSONValue?>(nil)
    _ = try await runs().givenUp(unit(1, of: id), invocation(), kind: "backup") { request in
      asked.withLock { $0 = request }
      return ["status": "skipped", "skipped": "exists"]
    }
    #expect(asked.withLock { $0 }?.object?["key"] == .string(id))
    let operation = try await store.operation(id)
    #expect(operation.state.written == .succeeded && operation.error == nil)
    #expect(operation.finished == ["a.b 2024-01-01", "a.b 2024-01-02"])
  }

  @Test(
    "A message that the host gives up ends its operation; one without keeps its request in a new one, without its password"
  )
  func givenUp() async throws {
    let (store, id) = (parts.operations, try await parts.operations.enqueue(Draft("backup")).id)
    _ = try await runs().givenUp(message(id), invocation(), kind: "backup")
    #expect(try await store.operation(id).state.written == .failed)
    let text = #"{"table": "a.b", "date": "2024-01-01", "key": "k", "pg": {"password": "pa55"}}"#
    _ = try await runs().givenUp(.queue(QueueMessage(text: text)), invocation(), kind: "restore")
    let kept = try #require(try await store.list(OperationFilter(kind: "restore")).operations.first)
    #expect(kept.state.written == .failed)
    #expect(kept.request?["key"] == "k")
    #expect(kept.request?.compact.contains("pa55") == false)
    // What is no request is dropped, and told.
    let broken = invocation()
    #expect(try await runs().givenUp(.queue(QueueMessage(text: "{")), broken, kind: "restore") == .done)
    #expect(errorLines(broken).count == 1)
  }

  // MARK: The list

  @Test("The list has the latest operations first, by kind and state, page by page")
  func list() async throws {
    let store = parts.operations
    var ids: [String] = []
    for number in 0..<5 {
      ids.append(try await store.enqueue(Draft(number == 3 ? "restore" : "backup")).id)
      try await Task.sleep(for: .milliseconds(2))
    }
    _ = try await store.cancel(ids[1])
    let first = try await store.list(limit: 2)
    #expect(first.operations.map(\.id) == [ids[4], ids[3]])
    let second = try await store.list(limit: 2, after: first.next)
    #expect(second.operations.map(\.id) == [ids[2], ids[1]])
    let last = try await store.list(limit: 2, after: second.next)
    #expect(last.operations.map(\.id) == [ids[0]])
    #expect(last.next == nil)
    #expect(try await store.list(OperationFilter(kind: "restore")).operations.map(\.id) == [ids[3]])
    #expect(try await store.list(OperationFilter(state: .cancelled)).operations.map(\.id) == [ids[1]])
  }

  @Test("A message whose number or kind is not the operation's is refused, and ends nothing of it")
  func foreignUnits() async throws {
    let (store, id) = (parts.operations, try await begin(2))
    let job: JobRuns.MessageJob = { _, _, _ in
      Issue.record("the job runs")
      return try ended([nil])
    }
    // Beyond its numbers; no number; a number that is none; another kind.
    let texts = [
      #"{"table": "a.b", "date": "2024-01-01", "operation": "\#(id)", "unit": 2}"#,
      #"{"table": "a.b", "date": "2024-01-01", "operation": "\#(id)"}"#,
      #"{"table": "a.b", "date": "2024-01-01", "operation": "\#(id)", "unit": "0"}"#,
    ]
    for text in texts {
      let result = try await runs().work(.queue(QueueMessage(text: text)), invocation(), kind: "backup", job)
      _ = try await runs().givenUp(
        .queue(QueueMessage(text: try #require(result.outputs["poison"]?.first))), invocation(), kind: "backup")
    }
    let other = #"{"table": "a.b", "date": "2024-01-01", "operation": "\#(id)", "unit": 0}"#
    let result = try await runs().work(.queue(QueueMessage(text: other)), invocation(), kind: "restore", job)
    _ = try await runs().givenUp(
      .queue(QueueMessage(text: try #require(result.outputs["poison"]?.first))), invocation(), kind: "restore")
    #expect(try await store.operation(id).state.written == .queued)
    // Each has an operation of its own, which says why.
    let failed = try await store.list(OperationFilter(state: .failed)).operations
    #expect(
      failed.count == 4 && failed.allSatisfy { ["bad_field", "missing_field"].contains($0.errorCode) }, "\(failed)")
    for number in [0, 1] {
      _ = try await runs().work(unit(number, of: id), invocation(), kind: "backup") { _, _, _ in try ended([nil]) }
    }
    #expect(try await store.operation(id).state.written == .succeeded)
  }

  @Test("A table-day that was given up while a worker was at it corrects the operation when it is done")
  func doneAfterGivenUp() async throws {
    let (store, id) = (parts.operations, try await begin(2))
    _ = try await runs().work(unit(0, of: id), invocation(), kind: "backup") { _, _, _ in try ended([nil]) }
    let last = unit(1, of: id)
    _ = try await runs().work(last, invocation(), kind: "backup") { _, _, _ in
      _ = try await runs().givenUp(last, invocation(), kind: "backup")
      #expect(try await store.operation(id).state.written == .partial)
      #expect(!Task.isCancelled)
      return try ended([nil])
    }
    let operation = try await store.operation(id)
    #expect(operation.state.written == .succeeded && operation.error == nil)
    #expect(operation.finished == ["a.b 2024-01-01", "a.b 2024-01-02"])
    #expect(operation.result?["status"] == "ok")
  }

  @Test("A message whose operation's document is damaged does its work all the same")
  func damagedDocument() async throws {
    let id = try await begin(1)
    try Data("{".utf8).write(to: URL(filePath: lake.file("_sluice/operations/\(id).json")))
    let done = Mutex(false)
    let result = try await runs().work(unit(0, of: id), invocation(), kind: "backup") { _, _, _ in
      done.withLock { $0 = true }
      return try ended([nil])
    }
    #expect(result == .done && done.withLock { $0 })
    let error = await #expect(throws: JobError.self) { _ = try await parts.operations.operation(id) }
    #expect(error?.message.contains("_sluice/operations/\(id).json") == true)
  }
}

extension FunctionResult.Output {
  /// The text of the first message.
  fileprivate var first: String? {
    if case .array(let texts) = self { return texts.first?.string }
    return nil
  }
}
