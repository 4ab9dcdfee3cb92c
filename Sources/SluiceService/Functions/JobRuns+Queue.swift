import CustomHandler
import Essentials
import Foundation
import Jobs
import Reporting
import Synchronization

extension JobRuns {
  /// A job that a queue message asks for.
  typealias MessageJob = @Sendable (JSONValue, JobProgress, FunctionTime?) async throws -> Ended

  /// What becomes of a message.
  enum End: Sendable {
    case done(status: String)
    /// It comes again, and what is done already is not done again.
    case retry(JobError)
    /// No attempt can succeed before an operator acts: it goes to the poison queue. The text has the message's key, so that
    /// the message can be put back on its queue and then does only what is missing.
    case poison([Failure], text: String)
    /// Another run works on its table-days; it goes back on its queue, with its key.
    case wait(JSONValue, JobError)
    /// It goes back on its queue with a key, before any work.
    case keyed(JSONValue)
  }

  /// Handles one queue message.
  ///
  /// A failure that another attempt can help fails the invocation, so that the host delivers the message again. Behind a host
  /// a message that can never succeed is put on the poison queue at once. One whose table-days another run works on waits,
  /// within this invocation and then on its queue, without using up the host's attempts.
  ///
  /// The host moves a message whose last attempt killed the process to the poison queue as it came. A load that appends must
  /// not lose its key there, so a message without one is put back with a key before its work begins.
  func work(
    _ event: FunctionEvent, _ invocation: Invocation, kind: String, _ job: @escaping MessageJob
  ) async throws -> FunctionResult {
    try await invocation.result {
      guard case .queue(let message) = event else {
        throw JobError(.wrongTrigger, "the function needs a queue trigger; correct its binding")
      }
      switch await Log.$failureLevel.withValue(.warning, operation: { await end(of: message, kind: kind, job) }) {
      case .done(let status):
        Log.write(.info, "message done", ["kind": kind, "status": status, "lake": lake])
        return .done
      case .retry(let error): throw error
      case .wait(let request, let error):
        Log.write(
          .info, "the message goes back on its queue: another run works on its table-days",
          ["kind": kind, "code": error.code.rawValue, "reason": error.message])
        return FunctionResult(outputs: [QueueOutput.again: Self.message(request.compact)])
      case .keyed(let request):
        Log.write(
          .info, "the message goes back on its queue with a key",
          ["kind": kind, "key": request.object?["key"]?.string ?? ""])
        return FunctionResult(outputs: [QueueOutput.again: Self.message(request.compact)])
      case .poison(let failures, let keyed):
        let whole = Self.fits(keyed) ? keyed : message.text
        let text = Self.withoutPassword(whole) ?? whole
        let names = failures.map { [$0.tableDay, $0.error.code.rawValue].compactMap(\.self).joined(separator: ": ") }
        Log.write(
          .error, "the message goes to the poison queue",
          [
            "kind": kind, "code": failures.first?.error.code.rawValue ?? "", "failures": names.joined(separator: ", "),
            "reason": failures.first?.error.message ?? "", "lake": lake,
            "without_password": text != whole,
          ])
        return FunctionResult(outputs: [QueueOutput.poison: Self.message(Self.withReason(text, failures))])
      }
    }
  }

  private func end(of message: QueueMessage, kind: String, _ job: @escaping MessageJob) async -> End {
    do {
      let text = message.text
      let request = try await LongWork.run(bytes: text.utf8.count) { try JSONValue(json: text.utf8) }
      guard case .object(var members) = try dated(request, message) else {
        throw JobError(.badJSON, "expected a JSON object, got \(request.brief)")
      }
      // A message that was put back from the poison queue.
      _ = Self.reason(&members)
      let operation = try Self.operation(&members)
      if let number = try Self.unit(&members) {
        guard let operation else {
          throw JobError(.missingField, "missing; the unit is one of an operation", field: "operation")
        }
        return try await Log.adding("operation", operation) {
          try await self.end(ofUnit: number, of: operation, kind: kind, message, members, job)
        }
      }
      if members["key"] ?? .null == .null {
        let key = operation ?? message.id ?? RequestKey.of(message: text, insertionTime: message.insertionTime)
        members["key"] = .string(key)
        let keyed = JSONValue.object(members)
        if host.isInFront, operation == nil, Self.appends(members, kind) {
          if Self.canGoBack(keyed) { return .keyed(keyed) }
          guard Self.fits(keyed.compact) else {
            throw JobError(.bodyTooLarge, "the message is too long to be given a key; send it with a key, or shorter")
          }
        }
      }
      let work = JSONValue.object(members)
      guard let operation else {
        return lastEnd(await attempt(work, JobProgress(), job).end, of: message, work)
      }
      members["operation"] = .string(operation)
      let end = try await attempt(operation, work, again: .object(members), isLast: isLast(message), kind: kind, job)
      return lastEnd(end, of: message, work)
    } catch {
      return final([Failure(error: JobError(cause: error))], message.text)
    }
  }

  /// Whether the message of a restore doubles rows when it runs again without its key.
  private static func appends(_ members: [String: JSONValue], _ kind: String) -> Bool {
    kind == "restore" && members["destination"]?.object?["on_existing"] == "append"
  }

  /// The end of an attempt. After the last one the host would put the message on the poison queue without its key.
  func lastEnd(_ end: End, of message: QueueMessage, _ work: JSONValue) -> End {
    var end = end
    if case .wait(let request, let error) = end, !Self.canGoBack(request) { end = .retry(error) }
    guard case .retry(let error) = end, isLast(message) else { return end }
    return .poison([Failure(error: error)], text: work.compact)
  }

  /// Takes `operation` out of a message.
  static func operation(_ members: inout [String: JSONValue]) throws -> String? {
    guard let value = members.removeValue(forKey: "operation"), value != .null else { return nil }
    guard let id = value.string, UUID(uuidString: id) != nil else {
      throw JobError.badField("operation", "an operation's id", got: value)
    }
    return id.asciiLowercased()
  }

  /// The request with dates in place of words such as `yesterday`: those of when the message was put on its queue, however late it is
  /// delivered.
  private func dated(_ request: JSONValue, _ message: QueueMessage) throws -> JSONValue {
    guard RelativeDay.isUsed(in: request) else { return request }
    guard let inserted = message.insertionTime.flatMap({ try? Date($0, strategy: .iso8601) }) else {
      throw JobError(
        .badField,
        "the host does not tell when the message was put on its queue, so that a word says no day; name the date",
        field: "date")
    }
    return RelativeDay.resolved(request, now: inserted, in: timeZone)
  }

  /// Takes `unit` out of a message: the number of a table-day among those of its operation.
  static func unit(_ members: inout [String: JSONValue]) throws -> Int? {
    guard let value = members.removeValue(forKey: "unit"), value != .null else { return nil }
    guard let number = value.whole, number >= 0 else {
      throw JobError.badField("unit", "the number of a table-day in its operation", got: value)
    }
    return number
  }

  /// Whether the host moves the message to the poison queue when this attempt fails.
  func isLast(_ message: QueueMessage) -> Bool {
    host.isInFront && message.dequeueCount.map { $0 >= host.maximumAttempts } ?? false
  }

  /// An attempt whose operation tells of it.
  private func attempt(
    _ operation: String, _ work: JSONValue, again: JSONValue, isLast: Bool, kind: String, _ job: @escaping MessageJob
  ) async throws -> End {
    let taken: TakenUp<End>
    do {
      taken = try await takeUp(operation, work, isLast: isLast, kind: kind, job)
    } catch let error as JobError where error.code == .alreadyRunning && host.isInFront {
      return .wait(again, error)
    }
    switch taken {
    case .over(let state):
      Log.write(
        .info, "the message is dropped: its operation has ended", ["operation": operation, "state": state.rawValue])
      return .done(status: state.rawValue)
    case .attempted(.wait(_, let error)): return .wait(again, error)
    case .attempted(let end): return end
    }
  }

  /// Takes the operation up, again and again while another process works on it: one that was killed counts as at work until
  /// its document has been silent for a while.
  private func takeUp(
    _ operation: String, _ work: JSONValue, isLast: Bool, kind: String, _ job: @escaping MessageJob
  ) async throws -> TakenUp<End> {
    let limit = deadline ?? now().addingTimeInterval(patience)
    var pause = pauses.first
    while true {
      do {
        return try await takeUpOnce(operation, work, isLast: isLast, kind: kind, job)
      } catch let error as JobError where error.code == .alreadyRunning && host.isInFront {
        guard now().addingTimeInterval(pause) < limit else { throw error }
        try await Task.sleep(for: .seconds(pause))
        pause = min(pause * 2, pauses.longest)
      }
    }
  }

  private func takeUpOnce(
    _ operation: String, _ work: JSONValue, isLast: Bool, kind: String, _ job: @escaping MessageJob
  ) async throws -> TakenUp<End> {
    try await operations.takeUp(operation, kind: kind) { progress in
      let (end, ended) = await WorkUnderWay.listing({ progress.words(kind) }) { await attempt(work, progress, job) }
      let queued: AttemptEnd =
        switch end {
        case .done: ended.map { .ended($0.outcome) } ?? .failed(JobError(.internal, "the job has no outcome"))
        case .poison(let failures, _): Self.last(ended, Self.common(failures))
        case .retry(let error) where isLast: Self.last(ended, error)
        case .retry(let error), .wait(_, let error): .again(error, soFar: ended?.outcome)
        case .keyed: .failed(JobError(.internal, "the message of an operation needs no key"))
        }
      return (end, queued)
    }
  }

  /// The end of an operation whose message goes to the poison queue: its results, where the job came so far.
  private static func last(_ ended: Ended?, _ error: JobError) -> AttemptEnd {
    ended.map { .ended($0.outcome) } ?? .failed(error)
  }

  /// Runs the job, again and again while only another run stands in its way.
  func attempt(
    _ request: JSONValue, _ progress: JobProgress, _ job: MessageJob
  ) async -> (end: End, ended: Ended?) {
    let time = time
    let limit = time?.lastBegin ?? now().addingTimeInterval(patience)
    var pause = pauses.first
    while true {
      var ended: Ended?
      var failures: [Failure]
      do {
        let result = try await job(request, progress, time)
        (ended, failures) = (result, result.failures + result.doubts)
      } catch {
        failures = [Failure(error: JobError(cause: error))]
      }
      guard let first = failures.first else { return (.done(status: ended?.outcome.state.rawValue ?? ""), ended) }
      if failures.contains(where: { Self.way(of: $0.error) == .retry }) {
        return (.retry(Self.common(failures)), ended)
      }
      guard let busy = failures.first(where: { Self.way(of: $0.error) == .wait })?.error else {
        return (host.isInFront ? .poison(failures, text: request.compact) : .retry(Self.common(failures)), ended)
      }
      guard host.isInFront else { return (.retry(Self.common(failures)), ended) }
      guard now().addingTimeInterval(pause) < limit else { return (.wait(request, busy), ended) }
      Log.write(
        .info, "another run works on the message's table-days; it is tried again",
        ["code": busy.code.rawValue, "table_day": first.tableDay ?? "", "wait_seconds": pause])
      progress.restart()
      progress.waits(for: "another run, which works on its table-days", by: "message")
      guard (try? await Task.sleep(for: .seconds(pause))) != nil else {
        return (.retry(JobError(cause: CancellationError())), ended)
      }
      progress.restart()
      pause = min(pause * 2, pauses.longest)
    }
  }

  private enum Way { case retry, wait, final }

  private static func way(of error: JobError) -> Way {
    switch error.code {
    case .alreadyRunning, .locked: .wait
    // The message has a key: another attempt finds the mark of a load that was committed.
    case .commitUnknown: .retry
    default: error.code.retry == .retry ? .retry : .final
    }
  }

  /// The end of a message that no attempt was made at.
  private func final(_ failures: [Failure], _ text: String) -> End {
    let canHelp = failures.contains { Self.way(of: $0.error) != .final }
    return canHelp || !host.isInFront ? .retry(Self.common(failures)) : .poison(failures, text: text)
  }

  /// The error of the invocation: that of a single failure.
  static func common(_ failures: [Failure]) -> JobError {
    if failures.count == 1 { return failures[0].error }
    return JobError(.partlyFailed, "some of the message's table-days failed; the log says which")
  }
}
