import Essentials
import HTTPServer
import Jobs
import Reporting

extension JobRuns {
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
      outcome = OperationOutcome(state: .succeeded, result: report)
      failures = []
      count = 0
    }

    /// What is wrong with an archive is a result, and no error of the call.
    init(_ report: VerifyReport) {
      status = report.status == .ok ? 200 : Self.multiStatus
      outcome = OperationOutcome(state: .init(report.status), result: report)
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
      outcome = OperationOutcome(state: .init(report.status), result: report)
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
      outcome = OperationOutcome(state: .init(report.status), result: report)
      // What was deleted before an error is told in any case.
      count = report.tasks.contains { $0.rows > 0 || !$0.archives.isEmpty } ? 0 : report.tasks.count
    }

    /// A run that failed, a job that could not be changed or a right that is missing is a result, and no error of the call.
    init(_ answer: CronRequest.Answer) {
      status = answer.status == .ok ? 200 : Self.multiStatus
      outcome = OperationOutcome(state: .init(answer.status), result: answer.report)
      failures = []
      count = 0
    }

    private static func tableDay(_ result: RestoreResult) -> String {
      result.subject
    }

    private init(
      _ report: some Encodable & Sendable, _ status: JobStatus, _ results: [(tableDay: String, error: JobError?)]
    ) {
      let statuses = Set(results.map { $0.error.map { HTTPStatus($0.code.status) } ?? 200 })
      // A step after a commit has failed, or the results differ.
      let isPartly = statuses.count > 1 || (status == .partial && statuses == [200])
      self.status = isPartly ? Self.multiStatus : statuses.first ?? 200
      outcome = OperationOutcome(state: .init(status), result: report)
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
}
