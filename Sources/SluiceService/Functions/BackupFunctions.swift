import CustomHandler
import Essentials
import Foundation
import HTTPServer
import Jobs
import Reporting

/// The functions for backups: by HTTP, by queue message, every night.
struct BackupFunctions: FunctionArea {
  let context: JobContext
  let options: BackupOptions
  let runs: JobRuns

  func register(in handlers: inout FunctionHandlers) {
    handlers.onHTTP("backup_manual", backupManual)
    handlers.onHTTP("backup_async", backupAsync)
    handlers.onEvent("backup_worker", backupWorker)
    handlers.onEvent("nightly_backup", nightlyBackup)
  }

  /// `GET,POST /api/backup_manual`.
  @Sendable private func backupManual(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      // HEAD is a safe method: link checkers send it, and it must not change anything (RFC 9110 §9.2.1).
      guard request.method != .head else {
        return .problem(
          Problem(status: 405, code: "method_not_allowed", detail: "HEAD runs no backup; use GET or POST"),
          headers: ["Allow": "GET, POST"])
      }
      // The request is checked completely before it is answered 202.
      return try await answer(request, invocation)
    }
  }

  /// `POST /api/backup_async`.
  @Sendable private func backupAsync(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) { try await answer(request, invocation, isAsync: true) }
  }

  private func answer(
    _ request: HTTPRequest, _ invocation: Invocation, isAsync: Bool = false
  ) async throws -> HTTPResponse {
    let object = try await RequestObject.read(request)
    let order = try BackupRequest(object)
    // A link or a browser's preview sends GET: it must not replace an archive.
    guard request.method != .get || !(order.overwrite || order.force) else {
      return .problem(
        Problem(
          status: 405, code: "method_not_allowed",
          detail: "GET replaces no archive; send `overwrite` and `force` with POST"),
        headers: ["Allow": "POST"])
    }
    // The request is checked completely before it is answered 202.
    let plan = try BackupJob(context, options).plan(order)
    return try await runs.answer(
      request, invocation, isAsync: isAsync,
      JobRuns.Order(kind: "backup", request: object, queuePath: "/api/backup_async") { progress, deadline in
        try await .init(BackupJob(context, options, progress: progress).run(plan, deadline: deadline))
      })
  }

  /// Handles a queue message, the JSON of a backup request.
  @Sendable private func backupWorker(_ event: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult {
    try await runs.work(event, invocation, kind: "backup") { message, progress, deadline in
      let job = BackupJob(context, options, progress: progress)
      return try await .init(job.run(job.plan(BackupRequest(message)), deadline: deadline))
    }
  }

  /// Handles the nightly timer. Failures fail the invocation, after all other table-days were tried. Days that were left
  /// for lack of time, or were never archived, do not: the answer's status is then `partial`.
  @Sendable private func nightlyBackup(_: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult {
    try await invocation.result {
      let report = try await NightlyBackup(context, options).run(deadline: runs.deadline)
      let begun = report.backup.results.filter { $0.status != .notBegun }
      let failures = begun.compactMap { result in
        result.error.map { "\(result.table) \(result.date): \($0.code.rawValue)" }
      }
      let names = failures.joined(separator: ", ")
      guard failures.isEmpty else {
        throw JobError(
          .nightlyFailed,
          "\(failures.count) of \(report.backup.results.count) table-days failed or are unconfirmed: \(names)",
          details: ["report": try JSONValue(encoding: report)])
      }
      Log.write(.info, "nightly backup done", ["table_days": begun.count, "status": report.status.rawValue])
      return FunctionResult(returnValue: try .init(encoding: report))
    }
  }
}
