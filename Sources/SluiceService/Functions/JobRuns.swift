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

  /// When an invocation that begins now begins nothing more: the host ends the process at its limit, with all that it works
  /// on, and the last quarter of the time is for what is already under way.
  var deadline: Date? { host.functionTimeout.map { now().addingTimeInterval($0.seconds * 0.75) } }

  /// A table-day that failed.
  struct Failure: Sendable {
    /// The table and day; nil for a request of which no part was carried out.
    var tableDay: String?
    let error: JobError
  }

  /// The end of a job.
  struct Ended: Sendable {
    /// The HTTP status of an answer with the report.
    let status: HTTPStatus
    let outcome: OperationOutcome
    let failures: [Failure]
    /// Table-days that are loaded, but may be lost again: the server did not confirm that they are on disk. Another attempt of
    /// a message finds out by its key; an HTTP caller reads it in the result.
    private(set) var doubts: [Failure] = []

    /// The status for results with different statuses (RFC 4918 §11.1).
    private static let multiStatus: HTTPStatus = 207

    init(_ report: BackupReport) {
      self.init(report, report.status, report.results.map { ("\($0.table) \($0.date)", $0.error) })
    }

    /// A failed step after the commit does not fail the restore.
    init(_ report: RestoreReport) {
      self.init(
        report, report.status,
        report.results.map { (Self.tableDay($0), $0.error) })
      doubts = report.results.filter { $0.status == .partial && $0.error == nil }.map { result in
        let code = result.owesSteps ? JobErrorCode.stepsOwed : .commitUnknown
        return Failure(
          tableDay: Self.tableDay(result),
          error: JobError(code, "\(result.warnings.last ?? "a step after the commit failed")"))
      }
    }

    /// A preview answers also where the restore would be refused.
    init(_ report: RestorePreviewReport) {
      status = 200
      outcome = OperationOutcome(status: .succeeded, result: report)
      failures = []
      count = 0
    }

    /// What is wrong with an archive is a result, and no error of the call.
    init(_ report: VerifyReport) {
      status = report.status == .ok ? 200 : Self.multiStatus
      outcome = OperationOutcome(status: .init(report.status), result: report)
      failures = []
      count = report.results.count
    }

    /// A unit that stays is a result, and no error of the call.
    init(_ report: RetentionReport) {
      let units = report.results.filter { ![.dropped, .droppable, .kept, .refused].contains($0.status) }.map { result in
        let reason = result.detail ?? result.reason ?? result.status.rawValue
        return Failure(
          tableDay: "\(result.table) \(result.unit)", error: result.error ?? JobError(.databaseError, "\(reason)"))
      }
      let tables = report.failures.map { Failure(tableDay: "\($0.table)", error: $0.error) }
      let archives = report.archives.compactMap { archive in
        archive.error.map { Failure(tableDay: "\(archive.table) \(archive.date)", error: $0) }
      }
      let audit = report.auditError.map { Failure(tableDay: "the audit chain", error: $0) }
      failures = tables + units + archives + [audit].compactMap(\.self)
      status = failures.isEmpty ? 200 : Self.multiStatus
      outcome = OperationOutcome(status: .init(report.status), result: report)
      count = report.results.count + report.failures.count + report.archives.count
    }

    /// A task that was stopped, or left rows, is a result and no error of the call; so is one that failed beside others.
    init(_ report: MaintenanceReport) {
      failures = report.tasks.filter { [.failed, .unconfirmed].contains($0.outcome) }.map { task in
        Failure(
          tableDay: task.name,
          error: task.error ?? JobError(.databaseError, "\(task.detail ?? task.reason ?? task.outcome.rawValue)"))
      }
      status = failures.isEmpty ? 200 : Self.multiStatus
      outcome = OperationOutcome(status: .init(report.status), result: report)
      // What was deleted before an error is told in any case.
      count = report.tasks.contains { $0.rows > 0 || !$0.archives.isEmpty } ? 0 : report.tasks.count
    }

    /// A run that failed, a job that could not be changed or a right that is missing is a result, and no error of the call.
    init(_ answer: CronRequest.Answer) {
      status = answer.status == .ok ? 200 : Self.multiStatus
      outcome = OperationOutcome(status: .init(answer.status), result: answer.report)
      failures = []
      count = 0
    }

    private static func tableDay(_ result: RestoreResult) -> String {
      "\(result.targetTable) \(result.dateWindow.start.prefix(10))"
    }

    private init(
      _ report: some Encodable & Sendable, _ status: JobStatus, _ results: [(tableDay: String, error: JobError?)]
    ) {
      let statuses = Set(results.map { $0.error.map { HTTPStatus($0.code.status) } ?? 200 })
      // A step after a commit has failed, or the results differ.
      let isPartly = statuses.count > 1 || (status == .partial && statuses == [200])
      self.status = isPartly ? Self.multiStatus : statuses.first ?? 200
      outcome = OperationOutcome(status: .init(status), result: report)
      failures = results.compactMap { result in result.error.map { Failure(tableDay: result.tableDay, error: $0) } }
      count = results.count
    }

    private let count: Int

    /// The end as an HTTP caller is told of it.
    /// - Throws: the error of a single failed result, which is then the answer.
    func answered() throws -> Ended {
      if count == 1, let failure = failures.first { throw failure.error }
      return self
    }
  }

  /// A job that an HTTP call asks for, checked completely.
  struct Order: Sendable {
    /// `backup`, `restore` or `verify`.
    let kind: String
    /// The request's JSON, which is the message where the job goes to a queue.
    let request: JSONValue
    /// The field whose value must not be put on a queue, such as a password.
    var secretField: String?
    /// The path of the function whose answers put the job on a queue; nil for a job that no queue takes, which is answered at
    /// its end behind a host.
    let queuePath: String?
    let run: @Sendable (JobProgress, Date?) async throws -> Ended
  }

  /// Answers an HTTP call by a job, at its end or, with `Prefer: respond-async` (RFC 7240), by 202 at once and where to look.
  ///
  /// Without a host the job then runs in the background. A host may take the instance away once it has the answer, so behind
  /// one the job goes to a queue.
  /// - Parameter isAsync: the route answers 202 whatever the caller prefers.
  func answer(
    _ request: HTTPRequest, _ invocation: Invocation, isAsync: Bool = false, _ order: Order
  ) async throws -> HTTPResponse {
    let mayBeAsync = order.queuePath != nil || !host.isInFront
    guard isAsync || mayBeAsync && Self.prefersAsync(request) else {
      let progress = JobProgress()
      let ended = try await WorkUnderWay.listing({ progress.words(order.kind) }) {
        try await order.run(progress, deadline).answered()
      }
      return .json(ended.outcome.result, status: ended.status)
    }
    if host.isInFront { return try await queued(request, invocation, isAsync: isAsync, order) }
    let operation = try await operations.start(kind: order.kind) { progress in
      try await WorkUnderWay.listing({ progress.words(order.kind) }) { try await order.run(progress, nil).answered() }
        .outcome
    }
    return Self.accepted(operation)
  }

  static func accepted(_ operation: Jobs.Operation) -> HTTPResponse {
    .json(
      operation, status: 202,
      headers: [
        "Location": "/api/operations/\(operation.id)", "Preference-Applied": "respond-async", "Retry-After": "5",
      ])
  }

  private static func prefersAsync(_ request: HTTPRequest) -> Bool {
    request.headers.list("Prefer").contains { value in
      value.split(separator: ",").contains { preference in
        let name = preference.split(separator: ";", maxSplits: 1).first ?? ""
        return name.trimmingSpaceAndTab().equalsIgnoringASCIICase("respond-async")
      }
    }
  }
}

/// The Functions host, as far as jobs depend on it.
package struct FunctionHost: Sendable {
  /// A host stands in front: its bindings put messages on queues.
  package var isInFront: Bool
  /// How long it lets a function run; nil when there is no limit.
  package var functionTimeout: Duration?
  /// The attempts after which it moves a message to the poison queue.
  package var maximumAttempts: Int

  package init(isInFront: Bool = false, functionTimeout: Duration? = nil, maximumAttempts: Int = 5) {
    self.isInFront = isInFront
    self.functionTimeout = functionTimeout
    self.maximumAttempts = maximumAttempts
  }
}

extension Jobs.Operation.Status {
  /// How an operation ended whose job ended so.
  fileprivate init(_ status: JobStatus) {
    self =
      switch status {
      case .ok: .succeeded
      case .partial: .partial
      case .failed: .failed
      }
  }
}
