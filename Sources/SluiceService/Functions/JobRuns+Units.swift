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
    ofUnit number: Int, of operation: String, kind: String, _ message: QueueMessage, _ members: [String: JSONValue],
    _ job: @escaping MessageJob
  ) async throws -> End {
    switch try await operations.state(ofUnit: number, of: operation, kind: kind) {
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
      try await operations.note(
        unit: number, of: operation, kind: kind, .init(tableDay: tableDay, result: Self.result(ended)))
      return .done(status: status)
    case .poison(let failures, _):
      let error = Self.common(failures)
      Log.write(
        // The operation's end is the error.
        .warning, "a table-day of an operation failed",
        ["table_day": tableDay, "code": error.code.rawValue, "reason": error.message])
      try await operations.note(
        unit: number, of: operation, kind: kind,
        .init(tableDay: tableDay, result: Self.result(ended), error: .object(error.members)))
      return .done(status: "failed")
    case .retry(let error):
      // One that was cancelled has ended, and its message is not to come again.
      if case .over = try await operations.state(ofUnit: number, of: operation, kind: kind) {
        return .done(status: "cancelled")
      }
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
  /// - Parameter done: the result of a unit's request, with the operation as its key, where a worker has done it and could not
  ///   note that; nil where it is not done.
  func givenUp(
    _ event: FunctionEvent, _ invocation: Invocation, kind: String,
    done: @Sendable (JSONValue) async throws -> JSONValue? = { _ in nil }
  ) async throws -> FunctionResult {
    try await invocation.result {
      guard case .queue(let message) = event else {
        throw JobError(.wrongTrigger, "the function needs a queue trigger; correct its binding")
      }
      // What holds a password is kept without it.
      let text = Self.withoutPassword(message.text) ?? message.text
      guard case .object(var members)? = JSONValue(text: text) else {
        Log.write(
          .error, "a message of the poison queue is no JSON object and is dropped",
          ["kind": kind, "message": message.id ?? "", "bytes": message.text.utf8.count])
        return .done
      }
      // A worker that could never do it has said why.
      let told = Self.reason(&members)
      let error =
        told
        ?? JobError(
          .attemptsUsedUp,
          "the Functions host gave the message up after its last attempt; run it again with sluice operations rerun-failed"
        )
      // A message that names no operation, or none rightly, gets one of its own.
      var operation = try? Self.operation(&members)
      let unit: Int?
      do {
        unit = try Self.unit(&members)
      } catch {
        (operation, unit) = (nil, nil)
      }
      if let operation, let unit, try await noteDone(unit, of: operation, members, kind: kind, done) { return .done }
      let isNoted = try await note(givenUp: unit, of: operation, members, error, kind: kind)
      guard isNoted else { return .done }
      Log.write(
        told == nil ? .error : .info, "a message was given up",
        ["kind": kind, "operation": operation ?? "", "code": error.code.rawValue])
      return .done
    }
  }

  /// Notes the end of a unit that a worker had done before its message was given up.
  /// - Returns: false where the unit is not done, or none of the operation.
  private func noteDone(
    _ unit: Int, of operation: String, _ members: [String: JSONValue], kind: String,
    _ done: (JSONValue) async throws -> JSONValue?
  ) async throws -> Bool {
    var work = members
    work["key"] = .string(operation)
    let tableDay = Self.tableDay(members)
    do {
      guard let result = try await done(.object(work)) else { return false }
      try await operations.note(unit: unit, of: operation, kind: kind, .init(tableDay: tableDay, result: result))
    } catch {
      // What no later delivery can find out is not done.
      guard JobError(cause: error).code.retry == .retry else { return false }
      throw error
    }
    Log.write(
      .info, "a message was given up whose table-day is done", ["operation": operation, "table_day": tableDay])
    return true
  }

  /// Writes that a message was given up into its operation.
  /// - Returns: whether that is news.
  private func note(
    givenUp unit: Int?, of operation: String?, _ members: [String: JSONValue], _ error: JobError, kind: String
  ) async throws -> Bool {
    if let operation, let unit {
      do {
        // A worker may have done it and not been able to say so, or be at it still: it corrects the operation then.
        try await operations.note(
          unit: unit, of: operation, kind: kind,
          .init(tableDay: Self.tableDay(members), result: nil, error: .object(error.members)))
        return true
      } catch let refusal as JobError where refusal.code == .badField {
        // The message is no one of that operation.
      }
    }
    let own = unit == nil ? operation : nil
    return try await operations.giveUp(own, Draft(kind, request: .object(members)), error) == .failed
  }

  /// The member in which a message on the poison queue says why it is there.
  static let reasonMember = "given_up"

  /// Takes the reason out of a message; nil where the host has put it on the poison queue.
  static func reason(_ members: inout [String: JSONValue]) -> JobError? {
    guard let reason = members.removeValue(forKey: reasonMember)?.object,
      let code = (reason["code"]?.string).flatMap({ JobErrorCode(rawValue: $0) }), let detail = reason["detail"]?.string
    else { return nil }
    let field = reason["field"]?.string
    // The text of an error begins with its field.
    let text = field.flatMap { detail.hasPrefix("\($0): ") ? String(detail.dropFirst($0.count + 2)) : nil } ?? detail
    return JobError(code, "\(text)", field: field)
  }

  /// The message with the reason for which it goes to the poison queue, where it is a JSON object and stays short enough.
  static func withReason(_ text: String, _ failures: [Failure]) -> String {
    guard !failures.isEmpty, case .object(var members)? = JSONValue(text: text) else { return text }
    members[reasonMember] = .object(common(failures).members)
    let told = JSONValue.object(members).compact
    return fits(told) ? told : text
  }
}
