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
    handlers.onEvent("backup_given_up", backupGivenUp)
    handlers.onEvent("nightly_backup", nightlyBackup)
  }

  /// `GET,POST /api/backup_manual`.
  @Sendable private func backupManual(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) { try await answer(request, invocation) }
  }

  /// `GET,POST /api/backup_async`.
  @Sendable private func backupAsync(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) { try await answer(request, invocation, isAsync: true) }
  }

  private func answer(
    _ request: HTTPRequest, _ invocation: Invocation, isAsync: Bool = false
  ) async throws -> HTTPResponse {
    // HEAD is a safe method: link checkers send it, and it must not change anything (RFC 9110 §9.2.1).
    guard request.method != .head else {
      return .problem(
        Problem(status: 405, code: "method_not_allowed", detail: "HEAD runs no backup; use GET or POST"),
        headers: ["Allow": "GET, POST"])
    }
    let object = try await RequestObject.read(request, now: context.now(), in: options.timeZone)
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
      JobRuns.Order(
        kind: "backup", database: context.database, request: object, queuePath: "/api/backup_async",
        messages: { plan.messages },
        estimate: { await JobEstimate(context).seconds(of: plan) }
      ) { run in
        let job = BackupJob(context, options, progress: run.progress)
        guard order.key == nil, let key = run.key else { return try await .init(job.run(plan, within: run.time)) }
        var keyed = order
        keyed.key = key
        return try await .init(job.run(job.plan(keyed), within: run.time))
      })
  }

  /// Handles a queue message, the JSON of a backup request.
  @Sendable private func backupWorker(_ event: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult {
    try await runs.work(event, invocation, kind: "backup") { message, progress, time in
      let job = BackupJob(context, options, progress: progress)
      return try await .init(job.run(job.plan(BackupRequest(message)), within: time))
    }
  }

  /// Handles a message that the host has given up.
  @Sendable private func backupGivenUp(_ event: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult
  {
    try await runs.givenUp(event, invocation, kind: "backup") { request in
      let job = BackupJob(context, options)
      guard let plan = try? job.plan(BackupRequest(request)) else { return nil }
      return try await job.earlierResult(of: plan).map { try JSONValue(encoding: $0) }
    }
  }

  /// Handles the nightly timer. Failures fail the invocation, after all other table-days were tried. Days that were left
  /// for lack of time, or were never archived, do not: the answer's status is then `partial`.
  @Sendable private func nightlyBackup(_: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult {
    try await invocation.result {
      let night = NightlyBackup(context, options, progress: JobProgress())
      if runs.host.fansOut, invocation.outputs.names.contains(QueueOutput.job) {
        return try await fanOut(night)
      }
      let report = try await runs.operations.run(
        Draft("nightly_backup", of: context.database, request: .object([:])), noting: .atOnce, night.progress,
        describe: { (report: NightlyReport) in .init(state: .init(report.status), result: report) }
      ) { try await night.run(within: runs.time) }
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

  /// Puts each table-day of the night on the queue. The operation ends with the last of them.
  private func fanOut(_ night: NightlyBackup) async throws -> FunctionResult {
    let (plan, report) = try await night.divided(within: runs.time)
    guard !plan.units.isEmpty else {
      Log.write(.info, "nightly backup done", ["table_days": 0, "status": report.status.rawValue])
      return FunctionResult(returnValue: try .init(encoding: report))
    }
    // The results, and a summary of them, come with the end.
    let known = (try JSONValue(encoding: report).object ?? [:]).filter { $0.key != "summary" }
    let operation = try await runs.operations.enqueue(
      Draft(
        "nightly_backup", of: context.database, request: .object([:]), units: plan.units.count,
        result: .object(known)))
    Log.write(
      .info, "the night's table-days are put on the queue",
      ["operation": operation.id, "table_days": plan.units.count])
    return FunctionResult(
      outputs: [QueueOutput.job: JobRuns.messages(plan.messages, of: operation.id)],
      returnValue: try .init(encoding: operation))
  }
}
