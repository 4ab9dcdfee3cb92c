import CustomHandler
import Essentials
import Foundation
import HTTPServer
import Jobs
import Reporting

/// Runs the jobs of HTTP calls and queue messages, and answers with their reports.
struct JobRuns: Sendable {
  let operations: OperationStore
  /// How long the host lets a function run; nil when there is no limit.
  let functionTimeout: Duration?
  let now: @Sendable () -> Date

  /// When an invocation that begins now begins nothing more: the host ends the process at its limit, with all that it works
  /// on, and the last quarter of the time is for what is already under way.
  var deadline: Date? { functionTimeout.map { now().addingTimeInterval($0.seconds * 0.75) } }

  /// The end of a job.
  struct Ended: Sendable {
    /// The HTTP status of an answer with the report.
    let status: HTTPStatus
    let outcome: OperationOutcome

    /// The status for results with different statuses (RFC 4918 §11.1).
    private static let multiStatus: HTTPStatus = 207

    /// - Throws: the error of a single failed result, which is then the answer.
    init(_ report: BackupReport) throws {
      try self.init(report, report.status, report.results.map(\.error))
    }

    /// A failed step after the commit does not fail the restore.
    /// - Throws: the error of a single failed result, which is then the answer.
    init(_ report: RestoreReport) throws {
      try self.init(report, report.status, report.results.map(\.error))
    }

    private init(_ report: some Encodable & Sendable, _ status: JobStatus, _ failures: [JobError?]) throws {
      if failures.count == 1, let error = failures[0] { throw error }
      let statuses = Set(failures.map { $0.map { HTTPStatus($0.code.status) } ?? 200 })
      self.status = statuses.count > 1 ? Self.multiStatus : statuses.first ?? 200
      outcome = OperationOutcome(status: .init(status), result: report)
    }
  }

  /// Answers an HTTP call by a job, at its end or, with `Prefer: respond-async` (RFC 7240), by 202 at once and where to look.
  ///
  /// The job gets the time until which it may begin work: the operation of a call that is answered at once has none.
  func answer(
    _ request: HTTPRequest, kind: String, _ job: @escaping @Sendable (JobProgress, Date?) async throws -> Ended
  ) async throws -> HTTPResponse {
    guard Self.prefersAsync(request) else {
      let progress = JobProgress()
      let ended = try await WorkUnderWay.listing({ progress.words(kind) }) { try await job(progress, deadline) }
      return .json(ended.outcome.result, status: ended.status)
    }
    let operation = try await operations.start(kind: kind) { progress in
      try await WorkUnderWay.listing({ progress.words(kind) }) { try await job(progress, nil) }.outcome
    }
    return .json(
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

  /// Handles one queue message. Any failure fails the invocation, so that the host delivers the message again and
  /// finally moves it to the poison queue.
  func work(
    _ event: FunctionEvent, _ invocation: Invocation, _ job: @Sendable (JSONValue, Date?) async throws -> Ended
  ) async throws -> FunctionResult {
    try await invocation.result {
      guard case .queue(let message) = event else {
        throw JobError(.wrongTrigger, "the function needs a queue trigger; correct its binding")
      }
      let text = message.text
      let request = try await LongWork.run(bytes: text.utf8.count) { try JSONValue(json: text.utf8) }
      guard try await job(request, deadline).status == 200 else {
        throw JobError(.partlyFailed, "some of the message's table-days failed; the log says which")
      }
      return .done
    }
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
