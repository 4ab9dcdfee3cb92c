import CustomHandler
import Essentials
import HTTPServer
import Jobs
import Reporting

/// Messages that are one table-day each of an operation, and messages that the host has given up.
extension JobRuns {
  /// Handles the message of the unit `number`. One that was delivered twice is done once: what has ended is skipped, and what
  /// another worker is at is waited for.
  ///
  /// A unit that can never succeed is told by its operation, and not by the poison queue.
  /// - Throws: ``JobError`` and the lake's errors: the message has to come again.
  func end(
    ofUnit number: Int, of operation: String, _ message: QueueMessage, _ members: [String: JSONValue],
    _ job: @escaping MessageJob
  ) async throws -> End {
    switch try await operations.state(ofUnit: number, of: operation) {
    case .over(let state):
      Log.write(
        .info, "the message is dropped: its operation has ended", ["operation": operation, "state": state.rawValue])
      return .done(status: Self.skipped)
    case .ended:
      // Its worker may have been killed before it wrote the operation's end.
      try await operations.closeIfDone(operation)
      return .done(status: Self.skipped)
    case .open, .unknown: break
    }
    var work = members
    work["key"] = .string(operation)
    let request = JSONValue.object(work)
    let progress = JobProgress()
    let (end, ended) = await operations.watching(operation) {
      await WorkUnderWay.listing({ progress.words("table-day \(number) of \(operation)") }) {
        await attempt(request, progress, job)
      }
    }
    let tableDay = Self.tableDay(members)
    switch lastEnd(end, of: message, request) {
    case .done(let status):
      try await operations.note(unit: number, of: operation, .init(tableDay: tableDay, result: Self.result(ended)))
      return .done(status: status)
    case .poison(let failures, _):
      let error = Self.common(failures)
      Log.write(
        .error, "a table-day of an operation failed",
        ["operation": operation, "table_day": tableDay, "code": error.code.rawValue, "reason": error.message])
      try await operations.note(
        unit: number, of: operation,
        .init(tableDay: tableDay, result: Self.result(ended), error: .object(error.members)))
      return .done(status: "failed")
    case .retry(let error):
      // One that was cancelled has ended, and its message is not to come again.
      if case .over = try await operations.state(ofUnit: number, of: operation) { return .done(status: "cancelled") }
      return .retry(error)
    case .wait(_, let error):
      work["operation"] = .string(operation)
      work["unit"] = .integer(number)
      return .wait(.object(work), error)
    case .keyed: throw JobError(.internal, "the message of a unit has a key")
    }
  }

  private static let skipped = "skipped"

  /// The one result of the unit's report.
  private static func result(_ ended: Ended?) -> JSONValue? {
    guard let report = ended.flatMap({ try? JSONValue(encoding: $0.outcome.result) }),
      case .array(let results)? = report.object?["results"]
    else { return nil }
    return results.first
  }

  /// The table-day of a unit's message.
  static func tableDay(_ members: [String: JSONValue]) -> String {
    let table = (members["table"]?.string).flatMap { try? TableOptions(parsing: $0, field: "table").table }
    return "\(table.map { "\($0)" } ?? members["table"]?.string ?? "?") \(members["date"]?.string ?? "?")"
  }

  /// Handles a message of a poison queue: the host has given it up, or a worker could never do it. Its operation says so; a message
  /// without one gets one that has failed, so that its request is kept and can be run again.
  func givenUp(_ event: FunctionEvent, _ invocation: Invocation, kind: String) async throws -> FunctionResult {
    try await invocation.result {
      guard case .queue(let message) = event else {
        throw JobError(.wrongTrigger, "the function needs a queue trigger; correct its binding")
      }
      let error = JobError(
        .attemptsUsedUp,
        "the Functions host gave the message up after its last attempt; run it again with sluice operations rerun-failed"
      )
      // What holds a password is kept without it.
      let text = Self.withoutPassword(message.text) ?? message.text
      guard case .object(var members)? = JSONValue(text: text) else {
        Log.write(
          .error, "a message of the poison queue is no JSON object and is dropped",
          ["kind": kind, "message": message.id ?? "", "bytes": message.text.utf8.count])
        return .done
      }
      let operation = try? Self.operation(&members)
      if let operation, let number = try? Self.unit(&members) {
        try await operations.note(
          unit: number, of: operation,
          .init(tableDay: Self.tableDay(members), result: nil, error: .object(error.members)))
      } else {
        let state = try await operations.giveUp(operation, Draft(kind, request: .object(members)), error)
        guard state == .failed else { return .done }
      }
      Log.write(
        .error, "a message was given up", ["kind": kind, "operation": operation ?? "", "code": error.code.rawValue])
      return .done
    }
  }
}
