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

/// What becomes of a queue message, by how its job ends. The jobs are told how to end.
@Suite("Queue messages")
struct QueueMessageTests {
  let lake: TemporaryDirectory
  let parts: ServiceParts
  let day = #"{"table": "a.b", "date": "2024-01-01"}"#

  init() async throws {
    lake = try TemporaryDirectory("lake")
    parts = try await ServiceParts(lake)
  }

  func runs(isInFront: Bool = true, timeout: Duration? = nil) -> JobRuns {
    JobRuns(
      operations: parts.operations, host: FunctionHost(isInFront: isInFront, functionTimeout: timeout),
      lake: "file:///lake", now: { Date() }, pauses: (0.01, 0.02))
  }

  func invocation() -> Invocation { Invocation(functionName: "restore_worker", trigger: .queue) }

  /// The end of a job whose days ended with `codes`; nil for one that succeeded.
  func ended(_ codes: [JobErrorCode?]) throws -> JobRuns.Ended {
    let table = try TableName("a.b", field: "table")
    let first = try #require(Day("2024-01-01"))
    return JobRuns.Ended(
      BackupReport(
        results: codes.enumerated().map { index, code in
          BackupResult(
            TableDay(database: "db", table: table, day: first.adding(days: index)), code == nil ? .ok : .failed,
            error: code.map { JobError($0, "reason") })
        }))
  }

  func errorLines(_ invocation: Invocation) -> [String] {
    invocation.log.all.filter { $0.contains("Z error ") }
  }

  @Test(
    "A message that can never succeed goes to the poison queue, with one line of level error",
    arguments: [
      ("{", "bad_json"), ("dGVzdA==", "bad_json"), ("[1]", "bad_json"), ("", "bad_json"),
      (#"{"table": "a.b", "date": "2024-01-01", "operation": "x"}"#, "bad_field"),
    ])
  func poison(text: String, code: String) async throws {
    let invocation = invocation()
    let result = try await runs().work(.queue(QueueMessage(text: text)), invocation, kind: "restore") { _, _, _ in
      throw JobError(.rowsExist, "there are rows")
    }
    let sent = try poisoned(result)
    #expect(
      sent.text == ((try? JSONValue(json: Array(text.utf8)))?.compact ?? text)
        && (sent.code == nil || sent.code == code))
    let lines = errorLines(invocation)
    #expect(lines.count == 1)
    #expect(lines.first?.contains("code=\(code)") == true, "\(lines)")
  }

  /// The one message on the poison queue, without the reason that it has beside, and that reason's code.
  func poisoned(_ result: FunctionResult) throws -> (text: String, code: String?) {
    guard case .array(let texts)? = result.outputs["poison"], texts.count == 1, let text = texts[0].string else {
      throw JobError(.internal, "no single message on the poison queue")
    }
    guard case .object(var members)? = try? JSONValue(json: Array(text.utf8)),
      let reason = members.removeValue(forKey: JobRuns.reasonMember)?.object
    else { return (text, nil) }
    // The worker writes it anew, its members in order.
    return (JSONValue.object(members).compact, reason["code"]?.string)
  }

  @Test("On the poison queue a message has its key, so that it can be put back, and no operation, which has ended")
  func poisonKey() async throws {
    let job: JobRuns.MessageJob = { _, _, _ in throw JobError(.rowsExist, "there are rows") }
    let plain = try await runs().work(
      .queue(QueueMessage(text: day, id: "9d3f")), invocation(), kind: "restore", job)
    #expect(try poisoned(plain).text == #"{"date":"2024-01-01","key":"9d3f","table":"a.b"}"#, "\(plain)")
    #expect(try poisoned(plain).code == "rows_exist")
    let id = try await parts.operations.enqueue(Draft("restore")).id
    let operation = try await runs().work(message(id), invocation(), kind: "restore", job)
    #expect(try poisoned(operation).text == #"{"date":"2024-01-01","key":"\#(id)","table":"a.b"}"#, "\(operation)")
    // After the last attempt the host would move the message without its key.
    let last = try await runs().work(
      .queue(QueueMessage(text: day, dequeueCount: 5, id: "9d3f")), invocation(), kind: "restore"
    ) { _, _, _ in throw JobError(.lakeUnavailable, "reason") }
    #expect(try poisoned(last).text == poisoned(plain).text)
  }

  @Test("A restore that appends begins with a key in its message: the host moves what killed the process as it came")
  func appendKey() async throws {
    let append = #"{"date":"2024-01-01","destination":{"on_existing":"append"},"table":"a.b"}"#
    let first = try await runs().work(
      .queue(QueueMessage(text: append, id: "9d3f")), invocation(), kind: "restore"
    ) { _, _, _ in
      Issue.record("the job runs without a key in its message")
      return try ended([nil])
    }
    let keyed = #"{"date":"2024-01-01","destination":{"on_existing":"append"},"key":"9d3f","table":"a.b"}"#
    #expect(first == FunctionResult(outputs: ["again": .array([.string(keyed)])]))
    let second = try await runs().work(
      .queue(QueueMessage(text: keyed, id: "7c2a")), invocation(), kind: "restore"
    ) { request, _, _ in
      #expect(request["key"] == "9d3f")
      return try ended([nil])
    }
    #expect(second == .done)
    // An operation's id is a key that stays in the message.
    let id = try await parts.operations.enqueue(Draft("restore")).id
    let own = append.replacing(#"{"date""#, with: #"{"operation":"\#(id)","date""#)
    let third = try await runs().work(.queue(QueueMessage(text: own, id: "9d3f")), invocation(), kind: "restore") {
      _, _, _ in try ended([nil])
    }
    #expect(third == .done)
    // Without a host there is no queue to put it back on.
    let alone = try await runs(isInFront: false).work(
      .queue(QueueMessage(text: append, id: "9d3f")), invocation(), kind: "restore"
    ) { _, _, _ in try ended([nil]) }
    #expect(alone == .done)
  }

  @Test("A restore whose rows may be lost again comes again: the key tells whether they are there")
  func doubtfulRows() async throws {
    let error = await #expect(throws: JobError.self) {
      try await runs().work(.queue(QueueMessage(text: day)), invocation(), kind: "restore") { _, _, _ in
        var result = RestoreResult(
          status: .partial, database: "db", targetTable: try TableName("a.b", field: "table"),
          dateWindow: .init(start: "2024-01-01T00:00:00Z", end: "2024-01-02T00:00:00Z"), mode: .direct)
        result.warnings = ["the server did not confirm that the rows are on disk"]
        let ended = JobRuns.Ended(RestoreReport(results: [result]))
        // To an HTTP caller it is the answer.
        #expect(try ended.answered().status == 207)
        return ended
      }
    }
    #expect(error?.code == .commitUnknown)
  }

  @Test("What the worker puts on a queue holds no password, and says so")
  func passwords() async throws {
    for server in [
      #"{"host":"h","password":"pa55"}"#, #"{"connection_uri":"postgresql://u:pa55@h/db","host":"h"}"#,
    ] {
      let text = #"{"date":"2024-01-01","key":"k","pg":\#(server),"table":"a.b"}"#
      let poison = invocation()
      let result = try await runs().work(.queue(QueueMessage(text: text)), poison, kind: "restore") { _, _, _ in
        throw JobError(.rowsExist, "there are rows")
      }
      #expect(try poisoned(result).text == #"{"date":"2024-01-01","key":"k","pg":{"host":"h"},"table":"a.b"}"#)
      #expect(errorLines(poison).first?.contains("without_password=true") == true, "\(errorLines(poison))")
      // Without its password it could not go on, so it uses up an attempt in place of going back.
      let error = await #expect(throws: JobError.self) {
        try await runs(timeout: .milliseconds(1)).work(.queue(QueueMessage(text: text)), invocation(), kind: "restore")
        {
          _, _, _ in throw JobError(.alreadyRunning, "another run")
        }
      }
      #expect(error?.code == .alreadyRunning)
    }
  }

  @Test("A message that is too long with its key goes nowhere but to the poison queue, as it came")
  func tooLong() async throws {
    let limit = JobRuns.maximumMessageBytes
    let frame = #"{"date":"2024-01-01","destination":{"on_existing":"append"},"table":""}"#
    let text = frame.replacing(
      #""table":""#, with: #""table":""# + String(repeating: "t", count: limit - frame.utf8.count))
    #expect(text.utf8.count == limit)
    let result = try await runs().work(.queue(QueueMessage(text: text)), invocation(), kind: "restore") { _, _, _ in
      try ended([nil])
    }
    #expect(result.outputs == ["poison": .array([.string(text)])])
  }

  @Test("In a message, yesterday is the day before it was put on its queue, however late it is delivered")
  func relativeDay() async throws {
    let text = #"{"table": "a.b", "date": "yesterday"}"#
    var runs = runs()
    runs.timeZone = try #require(TimeZone(identifier: "Europe/Berlin"))
    let message = QueueMessage(text: text, dequeueCount: 4, insertionTime: "2026-02-03T23:30:00+00:00")
    let result = try await runs.work(.queue(message), invocation(), kind: "backup") { request, _, _ in
      #expect(request["date"] == "2026-02-03")
      return try ended([nil])
    }
    #expect(result == .done)
    let unknown = try await runs.work(.queue(QueueMessage(text: text)), invocation(), kind: "backup") { _, _, _ in
      Issue.record("the job runs for a day that nobody named")
      return try ended([nil])
    }
    #expect(try poisoned(unknown).text == JSONValue(json: Array(text.utf8)).compact)
  }

  @Test("An unknown commit comes again: the key tells whether it was one")
  func unknownCommit() async throws {
    let error = await #expect(throws: JobError.self) {
      try await runs().work(.queue(QueueMessage(text: day)), invocation(), kind: "restore") { _, _, _ in
        throw JobError(.commitUnknown, "reason")
      }
    }
    #expect(error?.code == .commitUnknown)
  }

  @Test(
    "Without a host there is no poison queue to put it on: the invocation fails",
    arguments: [JobErrorCode.rowsExist, .alreadyRunning, .lakeUnavailable])
  func alone(code: JobErrorCode) async throws {
    let error = await #expect(throws: JobError.self) {
      try await runs(isInFront: false).work(.queue(QueueMessage(text: day)), invocation(), kind: "restore") { _, _, _ in
        throw JobError(code, "reason")
      }
    }
    #expect(error?.code == code)
  }

  @Test("While one table-day can still succeed the message comes again; when all that failed are final it is poison")
  func mixed() async throws {
    let mixed = invocation()
    let error = await #expect(throws: JobError.self) {
      try await runs().work(.queue(QueueMessage(text: day)), mixed, kind: "backup") { _, _, _ in
        try ended([nil, .tableNotFound, .lakeUnavailable])
      }
    }
    #expect(error?.code == .partlyFailed)
    let final = invocation()
    let result = try await runs().work(.queue(QueueMessage(text: day)), final, kind: "backup") { _, _, _ in
      try ended([nil, .tableNotFound, .archiveExists])
    }
    #expect(result.outputs["poison"] != nil)
    let lines = errorLines(final)
    #expect(lines.count == 1)
    #expect(
      lines.first?.contains("a.b 2024-01-02: table_not_found, a.b 2024-01-03: archive_exists") == true, "\(lines)")
  }

  @Test("A job knows the message's key: its own, else the queue's id of it, else what tells it from others")
  func key() async throws {
    func key(_ message: QueueMessage) async throws -> String? {
      let key = Mutex<String?>(nil)
      _ = try await runs().work(.queue(message), invocation(), kind: "backup") { request, _, _ in
        key.withLock { $0 = request.object?["key"]?.string }
        #expect(request.object?["operation"] == nil)
        return try ended([nil])
      }
      return key.withLock { $0 }
    }
    #expect(try await key(QueueMessage(text: day, id: "9d3f")) == "9d3f")
    let own = #"{"table": "a.b", "date": "2024-01-01", "key": "mine"}"#
    #expect(try await key(QueueMessage(text: own, id: "9d3f")) == "mine")
    let first = try await key(QueueMessage(text: day, insertionTime: "2026-02-03T04:05:06+00:00"))
    #expect(first?.count == 64)
    #expect(try await key(QueueMessage(text: day, insertionTime: "2026-02-03T04:05:06+00:00")) == first)
    #expect(try await key(QueueMessage(text: day, insertionTime: "2026-02-03T04:05:07+00:00")) != first)
  }

  @Test(
    "A message whose table-day another run works on waits in its invocation",
    arguments: [JobErrorCode.alreadyRunning, .locked])
  func waits(code: JobErrorCode) async throws {
    let tries = Mutex(0)
    let result = try await runs().work(.queue(QueueMessage(text: day)), invocation(), kind: "backup") { _, _, _ in
      try ended([
        tries.withLock {
          $0 += 1; return $0
        } < 4 ? code : nil
      ])
    }
    #expect(result == .done)
    #expect(tries.withLock { $0 } == 4)
  }

  @Test("When the time of the invocation is over, such a message goes back on its queue with its key")
  func waitsLonger() async throws {
    let invocation = invocation()
    let result = try await runs(timeout: .milliseconds(1)).work(
      .queue(QueueMessage(text: day, id: "9d3f")), invocation, kind: "backup"
    ) { _, _, _ in throw JobError(.alreadyRunning, "another run") }
    guard case .array(let messages)? = result.outputs["again"] else {
      Issue.record("no message: \(result)")
      return
    }
    #expect(messages.count == 1)
    let message = try JSONValue(json: Data((messages.first?.string ?? "").utf8))
    #expect(message == ["table": "a.b", "date": "2024-01-01", "key": "9d3f"])
    #expect(errorLines(invocation) == [])
  }
}
