import CustomHandler
import Essentials
import Foundation
import HTTPServer
import Jobs
import Reporting

/// Runs the jobs of HTTP calls and queue messages, and answers with their reports.
struct JobRuns: Sendable {
  let operations: OperationStore
  let host: FunctionHost
  /// The lake of `LAKE_URL` as an operator writes it.
  let lake: String
  let now: @Sendable () -> Date
  /// The first and the longest pause, in seconds, before a message is tried again whose table-days another run works on.
  var pauses = (first: 2.0, longest: 60.0)
  /// How long an invocation without a time limit waits for another run.
  var patience: TimeInterval = 1800
  /// `BACKUP_TIMEZONE`, in which a message says `yesterday`.
  var timeZone = TimeZone.gmt
  /// `SLUICE_SYNC_LIMIT`: the seconds beyond which a call is not answered at its job's end; nil is no limit.
  var syncLimit: TimeInterval?

  /// The time of an invocation that begins now; nil where the host sets no limit.
  var time: FunctionTime? { host.functionTimeout.map { FunctionTime(begin: now(), seconds: $0.seconds) } }

  /// When an invocation that begins now begins nothing more.
  var deadline: Date? { time?.lastBegin }

  /// Who knows the operation's id as the name of the request.
  enum Naming: Equatable {
    /// Nobody: the caller waits for the job's end.
    case none
    /// The program, which may make another attempt.
    case operation
    /// The caller, who may send the request again with its `Idempotency-Key`.
    case caller
  }

  /// What a run of a job is given.
  struct Run: Sendable {
    let progress: JobProgress
    /// The time of the invocation; nil where there is no limit.
    let time: FunctionTime?
    let operation: String
    let naming: Naming

    /// The name of the request over its attempts; nil where its caller waits for it and has named none.
    var key: String? { naming == .none ? nil : operation }

    var deadline: Date? { time?.lastBegin }
  }

  /// A job that an HTTP call asks for, checked completely.
  struct Order: Sendable {
    /// `backup`, `restore`, `verify`, …
    let kind: String
    /// The database whose days the job is about; nil where it is about none.
    var database: String?
    /// The request's JSON, which is the message where the job goes to a queue.
    let request: JSONValue
    /// The field whose value must not be put on a queue or in a document, such as a password.
    var secretField: String?
    /// The path of the function whose answers put the job on a queue; nil for a job that no queue takes, which is answered at
    /// its end behind a host.
    let queuePath: String?
    /// The messages that do the job, one for each table-day; nil for a job that one process does.
    var messages: (@Sendable () -> [JSONValue])?
    /// Seconds that the job is likely to take; nil where that is not known.
    var estimate: (@Sendable () async -> Double?)?
    let run: @Sendable (Run) async throws -> Ended

    /// What the operation's document holds of the request.
    var noted: JSONValue? { secretField == nil ? request : nil }
  }

  /// Answers an HTTP call by a job, at its end or, with `Prefer: respond-async` (RFC 7240), by 202 at once and where to look. A
  /// job that is likely to outlast ``syncLimit`` is answered 202 too.
  ///
  /// Without a host the job then runs in the background. A host may take the instance away once it has the answer, so behind
  /// one the job goes to a queue.
  /// - Parameter isAsync: the route answers 202 whatever the caller prefers.
  func answer(
    _ request: HTTPRequest, _ invocation: Invocation, isAsync: Bool = false, _ order: Order
  ) async throws -> HTTPResponse {
    let idempotency = try IdempotencyKey(request)
    let mayBeAsync = order.queuePath != nil || !host.isInFront
    var why = Async.no
    if isAsync || mayBeAsync && Self.prefersAsync(request) {
      why = .preferred
    } else if mayBeAsync, !(host.isInFront && order.secretField != nil), let reason = await tooLong(order) {
      why = .long(reason)
    }
    // A forwarded request is sent to another route, which looks at its key.
    let isSentOn = why != .no && host.isInFront && !invocation.outputs.names.contains(QueueOutput.job)
    guard let idempotency, !isSentOn else { return try await answer(request, invocation, isAsync, why, nil, order) }
    // What is refused spends no key.
    if why != .no, host.isInFront { _ = try message(order, of: Invocation.newID()) }
    switch try await operations.remember(idempotency.key, asked: order.kind, order.request) {
    case .first(let id):
      do {
        return try await answer(request, invocation, isAsync, why, id, order)
      } catch let other as AlreadyBegun {
        return Self.again(other.operation)
      }
    case .again(let operation): return try await goOn(operation, invocation, why, order)
    }
  }

  private static func again(_ operation: Jobs.Operation) -> HTTPResponse {
    guard operation.state.written.hasEnded else { return accepted(operation, wasPreferred: false) }
    return .json(operation, status: 200, headers: location(operation.id))
  }

  /// Answers a call that was sent before by its operation. The process that took it up may have been killed: a message that was never
  /// put on its queue is put there, and a job that is lost is taken up.
  private func goOn(
    _ operation: Jobs.Operation, _ invocation: Invocation, _ why: Async, _ order: Order
  ) async throws -> HTTPResponse {
    let state = operation.state.written
    if host.isInFront, why != .no, state == .queued || state == .lost {
      // Twice on the queue, it is done once.
      invocation.outputs.give(try messages(order, of: operation), to: QueueOutput.job)
      return Self.again(operation)
    }
    guard state == .lost else { return Self.again(operation) }
    let time = time
    let begun = try await operations.resume(operation.id, from: [.lost]) { found, progress in
      await WorkUnderWay.listing({ progress.words(order.kind) }) {
        await OperationStore.logged {
          try await order.run(Run(progress: progress, time: time, operation: found.id, naming: .caller)).answered()
            .outcome
        }
      }
    }
    guard why == .no else { return Self.again(begun.operation) }
    await begun.end()
    return Self.again(try await operations.operation(operation.id))
  }

  /// Why a call is answered before its job's end.
  private enum Async: Equatable {
    case no
    case preferred
    case long(String)

    var reason: String? { if case .long(let reason) = self { reason } else { nil } }
  }

  private func tooLong(_ order: Order) async -> String? {
    guard let syncLimit, let seconds = await order.estimate?(), seconds > syncLimit else { return nil }
    let rounded = Int(seconds.rounded(.up))
    return
      "the job is likely to take \(rounded) s, longer than SLUICE_SYNC_LIMIT (\(Int(syncLimit)) s); it is answered before its end"
  }

  /// - Parameter id: the operation's id, where the call has an `Idempotency-Key`: each attempt at the call finds it.
  private func answer(
    _ request: HTTPRequest, _ invocation: Invocation, _ isAsync: Bool, _ why: Async, _ id: String?, _ order: Order
  ) async throws -> HTTPResponse {
    guard why != .no else {
      let progress = JobProgress()
      let operation = id ?? operations.newID()
      let run = Run(progress: progress, time: time, operation: operation, naming: id == nil ? .none : .caller)
      let ended = try await WorkUnderWay.listing({ progress.words(order.kind) }) {
        try await operations.run(
          Draft(order.kind, of: order.database, request: order.noted, id: operation),
          noting: id == nil ? .whenLong : .atOnce, progress,
          describe: { (ended: Ended) in ended.outcome }
        ) { try await order.run(run) }
      }
      return .json(
        try ended.answered().outcome.result, status: ended.status, headers: id.map { Self.location($0) } ?? [:])
    }
    if host.isInFront {
      return try await queued(request, invocation, isAsync: isAsync, id: id, reason: why.reason, order)
    }
    let operationID = id ?? operations.newID()
    let operation = try await operations.start(
      Draft(order.kind, of: order.database, request: order.noted, id: operationID, reason: why.reason)
    ) { progress in
      try await WorkUnderWay.listing({ progress.words(order.kind) }) {
        try await order.run(
          Run(progress: progress, time: nil, operation: operationID, naming: id == nil ? .operation : .caller)
        ).answered()
      }.outcome
    }
    return Self.accepted(operation, wasPreferred: why == .preferred)
  }

  /// The answer to a call whose job goes on.
  /// - Parameter wasPreferred: the caller asked for it.
  static func accepted(_ operation: Jobs.Operation, wasPreferred: Bool = true) -> HTTPResponse {
    var headers = location(operation.id)
    headers["Retry-After"] = "5"
    if wasPreferred { headers["Preference-Applied"] = "respond-async" }
    return .json(operation, status: 202, headers: headers)
  }

  private static func location(_ id: String) -> HTTPFields { ["Location": "/api/operations/\(id)"] }

  private static func prefersAsync(_ request: HTTPRequest) -> Bool {
    request.headers.list("Prefer").contains { value in
      value.split(separator: ",").contains { preference in
        let name = preference.split(separator: ";", maxSplits: 1).first ?? ""
        return name.trimmingSpaceAndTab().equalsIgnoringASCIICase("respond-async")
      }
    }
  }
}

/// The `Idempotency-Key` of a POST: the same call, sent again with it, is done once.
struct IdempotencyKey: Sendable {
  let key: String

  static let header = "Idempotency-Key"

  /// Nil for a call without one.
  /// - Throws: ``JobError`` `bad_field`.
  init?(_ request: HTTPRequest) throws {
    let values = request.headers.values(Self.header)
    guard request.method == .post, let value = values.first else { return nil }
    // The header is a string in quotes by the draft of the HTTP working group; most clients send it without.
    let isQuoted = value.count >= 2 && value.hasPrefix("\"") && value.hasSuffix("\"")
    key = isQuoted ? String(value.dropFirst().dropLast()) : value
    guard values.count == 1, (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
    else {
      throw JobError(
        .badField, "expected one header of 1 to 255 visible ASCII characters, such as a UUID", field: Self.header)
    }
  }
}
