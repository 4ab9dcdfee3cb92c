import HTTPServer
import Sluice

/// What a job's report is answered with.
struct JobAnswer: Sendable {
  let status: HTTPStatus
  /// What the report says of the job as a whole; an operation ends with it.
  let outcome: Operation.Status
  let report: any Encodable & Sendable

  var response: HTTPResponse { .json(AnyReport(report), status: status) }

  /// Some results failed and some did not, or they failed in different ways (RFC 4918 §11.1).
  static let multiStatus: HTTPStatus = 207

  /// - Throws: the error of a single failed result: it is the whole answer.
  init(_ report: BackupReport) throws {
    try self.init(report, report.status, failures: report.results.map { $0.error?.cause })
  }

  /// The answer for a restore; a step that failed after the commit does not make it a failure.
  init(_ report: RestoreReport) throws {
    try self.init(report, report.status, failures: report.results.map { $0.error?.cause })
  }

  private init(_ report: some Encodable & Sendable, _ outcome: String, failures: [JobError?]) throws {
    if failures.count == 1, let error = failures[0] { throw error }
    let statuses = Set(failures.map { $0?.status ?? 200 })
    status = statuses.count > 1 ? Self.multiStatus : statuses.first ?? 200
    self.outcome = outcome == "ok" ? .succeeded : outcome == "partial" ? .partial : .failed
    self.report = report
  }
}

/// Encodes a report whose type is not known here.
private struct AnyReport: Encodable {
  let report: any Encodable

  init(_ report: any Encodable) {
    self.report = report
  }

  func encode(to encoder: any Encoder) throws {
    try report.encode(to: encoder)
  }
}
