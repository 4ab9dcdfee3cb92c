import CustomHandler
import Essentials
import Foundation
import HTTPServer
import Sluice

extension SluiceFunctions {
  /// `GET,POST /api/backup_manual`.
  @Sendable func backup(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      // A HEAD is sent by link checkers and the like, which mean to change nothing (RFC 9110 §9.2.1).
      guard request.method != .head else {
        return .problem(
          Problem(status: 405, code: "method_not_allowed", detail: "HEAD runs no backup; use GET or POST"),
          headers: ["Allow": "GET, POST"])
      }
      let job = try await BackupRequest(RequestObject.read(request))
      return try await run(request, kind: "backup") { progress in
        try JobAnswer(await BackupJob(context, progress: progress).run(job))
      }
    }
  }

  /// `POST /api/restore`.
  @Sendable func restore(_ request: HTTPRequest, _ invocation: Invocation) async -> HTTPResponse {
    await invocation.answer(request) {
      let job = try await RestoreRequest(RequestObject.read(request))
      return try await run(request, kind: "restore") { progress in
        try JobAnswer(await RestoreJob(context, progress: progress).run(job))
      }
    }
  }

  /// Runs a job to its end, or, with `Prefer: respond-async` (RFC 7240), answers 202 at once and where to look.
  private func run(
    _ request: HTTPRequest, kind: String, _ job: @escaping @Sendable (JobProgress) async throws -> JobAnswer
  ) async throws -> HTTPResponse {
    guard prefersAsync(request) else {
      let progress = JobProgress()
      return try await WorkUnderWay.listing({ progress.words(kind) }) { try await job(progress).response }
    }
    let operation = try await operations.start(kind: kind) { progress in
      let answer = try await WorkUnderWay.listing({ progress.words(kind) }) { try await job(progress) }
      return OperationOutcome(status: answer.outcome, result: answer.report)
    }
    return .json(
      operation, status: 202,
      headers: [
        "Location": "/api/operations/\(operation.id)", "Preference-Applied": "respond-async", "Retry-After": "5",
      ])
  }

  private func prefersAsync(_ request: HTTPRequest) -> Bool {
    request.headers.list("Prefer").contains { value in
      value.split(separator: ",").contains { preference in
        let name = preference.split(separator: ";", maxSplits: 1).first ?? ""
        return name.trimmingSpaceAndTab().equalsIgnoringASCIICase("respond-async")
      }
    }
  }

  /// The queue function `backup_worker`: a message is the JSON of a backup request.
  @Sendable func backupWorker(_ event: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult {
    try await work(event, invocation) { message in
      try JobAnswer(await BackupJob(context).run(BackupRequest(message)))
    }
  }

  /// The queue function `restore_worker`: a message is the JSON of a restore request.
  @Sendable func restoreWorker(_ event: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult {
    try await work(event, invocation) { message in
      try JobAnswer(await RestoreJob(context).run(RestoreRequest(message)))
    }
  }

  /// Works on one message. Any failure fails the invocation, so that the message comes again and ends in the poison queue.
  private func work(
    _ event: FunctionEvent, _ invocation: Invocation,
    _ job: @Sendable (JSONValue) async throws -> JobAnswer
  ) async throws -> FunctionResult {
    try await logged(invocation) {
      guard case .queue(let message) = event else {
        throw JobError(.invalid, code: "wrong_trigger", "this function takes queue messages; correct its trigger")
      }
      let text = message.text
      let request = try await LongWork.run(bytes: text.utf8.count) { try JSONValue(json: text.utf8) }
      let answer = try await job(request)
      guard answer.status == 200 else {
        throw JobError(.failed, code: "partly_failed", "some of the message's table-days failed; the log says which")
      }
      return .done
    }
  }

  /// The timer function `nightly_backup`.
  @Sendable func nightlyBackup(_ event: FunctionEvent, _ invocation: Invocation) async throws -> FunctionResult {
    try await logged(invocation) {
      // The host kills the process at its limit: the last quarter of the time is for what is already under way.
      let deadline = functionTimeout.map { context.now().addingTimeInterval(($0 / .seconds(1)) * 0.75) }
      let report = try await NightlyBackup(context).run(deadline: deadline)
      Log.write(.info, "nightly backup done", ["table_days": report.results.count])
      return .done
    }
  }

  private func logged(
    _ invocation: Invocation, _ body: () async throws -> FunctionResult
  ) async throws -> FunctionResult {
    try await invocation.logged {
      do {
        return try await body()
      } catch {
        let error = JobError(cause: error)
        Log.write(.error, "invocation failed", ["code": error.code, "reason": error.message])
        throw error
      }
    }
  }
}
