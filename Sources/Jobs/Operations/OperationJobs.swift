import Essentials
package import Reporting

/// Runs the jobs of operations again from their documents: what is done already is not done again.
package struct OperationJobs: Sendable {
  let context: JobContext
  let backup: BackupOptions
  let restore: RestoreOptions
  let maintenance: MaintenanceOptions
  let drill: DrillOptions

  package init(
    _ context: JobContext, _ backup: BackupOptions, _ restore: RestoreOptions, _ maintenance: MaintenanceOptions,
    _ drill: DrillOptions
  ) {
    self.context = context
    self.backup = backup
    self.restore = restore
    self.maintenance = maintenance
    self.drill = drill
  }

  /// A job that was checked.
  package typealias Job = @Sendable (JobProgress, FunctionTime?) async throws -> OperationOutcome

  /// What a caller does with an operation that has come to no good end.
  package enum Action: String, Sendable, CaseIterable {
    /// Do the rest of an operation that is lost or was cancelled.
    case resume
    /// Do what failed again.
    case rerunFailed = "rerun-failed"

    /// The states of the operations that it is for.
    package var states: Set<Operation.State> {
      switch self {
      case .resume: [.lost, .cancelled]
      case .rerunFailed: [.failed, .partial]
      }
    }
  }

  /// Checks that `action` can be carried out, and gives the job of `operation`.
  /// - Throws: ``JobError`` `operation_ended`, `already_running`, `operation_not_resumable`; those of the request.
  package func job(of operation: Operation, for action: Action) throws -> Job {
    let state = operation.state.written
    guard state != .running else { throw OperationStore.held(operation.id, operation.state.lease) }
    guard state != .queued else {
      throw JobError(
        .operationNotResumable,
        "the operation waits on its queue, and a worker takes it up; cancel it first to run it here")
    }
    guard action.states.contains(state) else {
      let other = Action.allCases.first { $0.states.contains(state) }
      let hint = other.map { "; use \($0.rawValue) for it" } ?? ""
      throw JobError(.operationEnded, "the operation has ended already with the state \(state.rawValue)\(hint)")
    }
    return try job(of: operation)
  }

  private func job(of operation: Operation) throws -> Job {
    let finished = Set(operation.finished)
    switch operation.kind {
    case "backup":
      var request = try BackupRequest(try asked(operation))
      request.key = request.key ?? operation.id
      let plan = try BackupJob(context, backup).plan(request).without(finished)
      return { progress, time in
        let report = try await BackupJob(context, backup, progress: progress).run(plan, within: time)
        return OperationOutcome(state: .init(report.status), result: report)
      }
    case "restore": return try restoreJob(operation, finished)
    case "verify":
      let request = try VerifyRequest(try asked(operation))
      return { progress, time in
        let report = try await VerifyJob(context, backup, progress: progress).run(request, deadline: time?.lastBegin)
        return OperationOutcome(state: .init(report.status), result: report)
      }
    case "retention", "nightly_retention":
      let request = try RetentionRequest(operation.request ?? .object([:]))
      return { progress, time in
        let report = try await RetentionJob(context, backup, progress: progress).run(
          request, deadline: time?.lastBegin)
        return OperationOutcome(state: .init(report.status), result: report)
      }
    case "maintenance", "nightly_maintenance":
      let request = try MaintenanceRequest(operation.request ?? .object([:]))
      let job = MaintenanceJob(context, backup, maintenance)
      _ = try job.plan(request)
      return { progress, time in
        let report = try await MaintenanceJob(context, backup, maintenance, progress: progress).run(
          request, deadline: time?.lastBegin)
        return OperationOutcome(state: .init(report.status), result: report)
      }
    case "nightly_backup":
      return { progress, time in
        let report = try await NightlyBackup(context, backup, progress: progress).run(within: time)
        return OperationOutcome(state: .init(report.status), result: report)
      }
    case DrillJob.kind, DrillJob.nightlyKind:
      let request = try DrillRequest(operation)
      return { progress, time in
        let job = DrillJob(context, backup, restore, drill, progress: progress)
        return .init(try await job.run(job.choose(request, within: time), operation: operation.id))
      }
    case MaintenanceNotebook.kind:
      throw Self.refusal("it is the note of a maintenance task, and the task's next run goes on with it")
    default: throw Self.refusal("jobs of the kind \(operation.kind) are run by their own command")
    }
  }

  private func restoreJob(_ operation: Operation, _ finished: Set<String>) throws -> Job {
    let json = try asked(operation)
    let job = { @Sendable (progress: JobProgress) in RestoreJob(context, restore, progress: progress) }
    if let resume = try ResumeRequest(json) {
      return { progress, _ in
        let report = try await job(progress).resume(load: resume.load, database: resume.database)
        return OperationOutcome(state: .init(report.status), result: report)
      }
    }
    let order = try request(of: operation.id, json)
    guard order.key != nil else {
      throw Self.refusal(
        "its restore appends and was sent without a key, so that rows which are loaded already would be doubled; look at its "
          + "finished days, and restore the others by a request with key")
    }
    try job(JobProgress()).check(order)
    return { progress, time in
      let report = try await job(progress).run(order, deadline: time?.lastBegin, without: finished)
      return OperationOutcome(state: .init(report.status), result: report)
    }
  }

  /// The request of a restore; that of an event is for the file that it tells of.
  private func request(of id: String, _ json: JSONValue) throws -> RestoreRequest {
    guard let event = ArrivalEvent(json) else { return try RestoreRequest(json).named(id) }
    guard let request = RestoreRequest(arrival: event, restore) else {
      throw Self.refusal("RESTORE_ON_ARRIVAL names no table of the event any more")
    }
    return request
  }

  private func asked(_ operation: Operation) throws -> JSONValue {
    guard let request = operation.request else {
      throw Self.refusal(
        "its document has no request, since that held a password or is of an earlier version; send it again")
    }
    return request
  }

  private static func refusal(_ why: ErrorText) -> JobError {
    JobError(.operationNotResumable, "the operation cannot be run again from its document: \(why)")
  }
}
