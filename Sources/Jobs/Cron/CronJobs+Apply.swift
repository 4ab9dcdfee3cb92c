import Database
import Essentials
import Foundation
import Lake
import Reporting

extension CronJobs {
  /// What a caller has agreed to.
  package enum Removals: Sendable {
    case all
    /// Nothing else may go than these, of which a plan told.
    case only(Set<String>)

    func allow(_ name: String) -> Bool {
      switch self {
      case .all: true
      case .only(let names): names.contains(name)
      }
    }
  }

  /// Makes the jobs as they are declared.
  /// - Parameter removals: nothing is begun where the plan removes what is not agreed to.
  package func apply(removals: Removals) async throws -> CronReport {
    try await apply("apply", declared(cron.declaration), removes: true, removals)
  }

  /// Makes or changes the jobs of another declaration, and removes none.
  package func importing(_ declaration: CronDeclaration) async throws -> CronReport {
    guard declaration.prefix == prefix else {
      throw JobError(
        .badField,
        "the file's prefix is \"\(declaration.prefix)\", and that of the settings \"\(prefix)\"; make them the same",
        field: "cron.prefix")
    }
    return try await apply("import", declared(declaration), removes: false, .only([]))
  }

  private func apply(
    _ action: String, _ declared: [CronSpec], removes: Bool, _ removals: Removals
  ) async throws -> CronReport {
    try await session { session in
      try session.refuseStandby()
      return try await CronLock.alone(prefix, on: session.connection) {
        let (plan, notes, warnings) = try await self.plan(declared, removes: removes, session)
        try await refuse(plan, notes, removals, session)
        var report = self.report(action, session, plan)
        report.warnings += warnings
        let roles = Set(declared.map(\.role))
        report.warnings += try await removeLeftovers(session, notes, roles: roles)
        let changes = plan.items.indices.filter { [.create, .change, .remove].contains(plan.items[$0].action) }
        await report.attempt(changes) { try await Self.carryOut(plan.items[$0], session) }
        if plan.hasChanges || !plan.knowsLastApply || plan.hasDrift {
          let done = Set(report.jobs.filter { !$0.outcome.isFailure }.map(\.name))
          report.warnings += await noteApplied(
            session, touched: removes && report.status == .ok ? nil : done, roles: roles)
        }
        return report
      }
    }
  }

  /// Refuses what must not be begun.
  private func refuse(_ plan: CronPlan, _ notes: CronNotes, _ removals: Removals, _ session: Session) async throws {
    if let problem = notes.problem { throw problem }
    guard !notes.isMigrating else { throw JobError(.cronRefused, "\(CronNotes.cutOff). Nothing was changed") }
    let foreign = try await foreign(plan.removals, notes, session)
    guard foreign.isEmpty else {
      throw JobError(
        .cronRefused,
        "\(Self.words(foreign)), which begins as ours, \(prefix): they are not removed as undeclared. Nothing was changed; give each settings file a "
          + "prefix that begins no other, or remove jobs that nobody declares by `sluice cron remove NAME`",
        details: ["jobs": .array(foreign.map { .string($0.name) })])
    }
    let unconfirmed = plan.removals.filter { !removals.allow($0.name) }
    guard unconfirmed.isEmpty else {
      throw JobError(
        .cronRefused,
        "\(unconfirmed.map(\.name).joined(separator: ", ")) would be removed, which nobody has confirmed. Nothing was changed; pass "
          + "\(field: "yes"), or declare the jobs", details: ["jobs": .array(unconfirmed.map { .string($0.name) })])
    }
  }

  /// Carries one change out, and reads the job again.
  /// - Throws: ``JobError``, also where the job is not as it was made.
  private static func carryOut(_ item: CronPlan.Item, _ session: Session) async throws -> CronReport.Job.Outcome {
    var outcome: CronReport.Job.Outcome
    switch item.action {
    case .unchanged: return .unchanged
    case .otherRole: return .notTouched
    case .remove:
      if let id = item.id { try await CronCatalog.unschedule(id, on: session.connection) }
      outcome = .removed
    case .change:
      var changed: [String: String] = [:]
      for change in item.changes { changed[change.field] = change.new }
      guard let id = item.id else { return .failed }
      try await CronCatalog.alter(
        id, schedule: changed["schedule"], command: changed["command"], database: changed["database"],
        role: changed["role"],
        active: changed["active"].map { $0 == "true" }, on: session.connection)
      outcome = .changed
    case .create:
      guard let wanted = item.wanted else { return .failed }
      _ = try await session.schedule(wanted)
      outcome = .created
    }
    let jobs = try await session.jobs()
    let found = jobs.first { job in
      item.action == .remove ? job.id == item.id : job.name == item.wanted?.name && job.role == item.wanted?.role
    }
    guard found.map(CronSpec.init) == (item.action == .remove ? nil : item.wanted) else {
      throw JobError(
        .databaseError,
        "pg_cron took the change of \(item.name) and has another job than was asked for; another session may have changed it. Run the command again"
      )
    }
    return outcome
  }

  /// Removes jobs that a killed process has made for one run.
  /// - Parameter roles: whose they may be, beside those of the settings and the note.
  func removeLeftovers(_ session: Session, _ notes: CronNotes, roles: Set<String> = []) async throws -> [String] {
    let roles = roles.union(declaredRoles).union((notes.applied ?? []).map(\.role)).union([session.facts.role])
    var warnings: [String] = []
    for job in try await session.jobs() where CronPlan.isHelper(job, prefix) && roles.contains(job.role) {
      let isOurs: Void? = try await CronLock.attempt(CronPlan.runLock(job, prefix), on: session.connection) {
        try await CronCatalog.unschedule(job.id, on: session.connection)
      }
      if isOurs != nil { warnings.append("\(job.name ?? ""), which a killed process has left, was removed") }
    }
    return warnings
  }

  /// Changes one field of jobs, or removes them, and notes it: what is done by these commands is no drift.
  private func change(
    _ action: String, _ names: [String]?, _ outcome: CronReport.Job.Outcome,
    _ body: @escaping @Sendable (CronJob, Session) async throws -> Bool
  ) async throws -> CronReport {
    try await session { session in
      try session.refuseStandby()
      return try await CronLock.alone(prefix, on: session.connection) {
        var report = self.report(action, session)
        let notes = try await notes(session)
        if notes.isMigrating { report.warnings.append(CronNotes.cutOff) }
        report.warnings += try await removeLeftovers(session, notes)
        let all = try await ours(session, notes)
        let jobs = try names.map { try $0.map { try job($0, among: all, session) } } ?? all
        report.jobs = jobs.map { CronReport.Job(name: $0.name ?? "", role: $0.role, outcome: .unchanged) }
        await report.attempt(Array(jobs.indices)) { try await body(jobs[$0], session) ? outcome : .unchanged }
        if let visibility = session.visibility, names == nil { report.warnings.append(visibility) }
        report.warnings += await noteChanges(report, session, notes)
        return report
      }
    }
  }

  /// Notes what a command has done to single jobs, where there is a note.
  private func noteChanges(_ report: CronReport, _ session: Session, _ notes: CronNotes) async -> [String] {
    let done = report.jobs.filter { $0.outcome == .changed || $0.outcome == .removed }
    guard !done.isEmpty else { return [] }
    if let problem = notes.problem {
      return ["what was done could not be noted in the lake, so a plan may tell it as drift: \(problem.message)"]
    }
    guard notes.applied != nil else { return [] }
    return await noteApplied(session, touched: Set(done.map(\.name)), roles: declaredRoles)
  }

  /// Enables or disables jobs. A run that is under way goes on in the server, and pg_cron tells it as `failed: job canceled`.
  /// - Parameter names: nil: all of ours.
  package func set(active: Bool, _ names: [String]?) async throws -> CronReport {
    try await change(active ? "enable" : "disable", names, .changed) { job, session in
      guard job.isActive != active else { return false }
      try await CronCatalog.alter(job.id, active: active, on: session.connection)
      return true
    }
  }

  /// Removes jobs.
  /// - Parameter names: nil: all of ours.
  package func remove(_ names: [String]?) async throws -> CronReport {
    try await change("remove", names, .removed) { job, session in
      try await CronCatalog.unschedule(job.id, on: session.connection)
      return true
    }
  }

  /// The jobs of ours that can never run again, since their database or role is gone; others are told and left.
  /// - Parameter removes: those of ours are removed.
  package func orphans(removes: Bool) async throws -> CronReport {
    try await session { session in
      if removes { try session.refuseStandby() }
      return try await CronLock.alone(prefix, on: session.connection) {
        var report = self.report("orphans", session)
        if let visibility = session.visibility { report.warnings.append(visibility) }
        var orphans: [CronJob] = []
        for orphan in try await CronOrphan.all(on: session.connection) {
          let job = orphan.job
          // A database that is closed, or a role that may not sign in, may be opened again.
          let isOurs =
            orphan.isForGood && job.name?.hasPrefix(prefix) == true
            && (job.role == session.facts.role || orphan.reason == "no_role")
          orphans.append(job)
          report.jobs.append(
            CronReport.Job(
              name: job.name ?? "job \(job.id)", role: job.role, outcome: isOurs ? .planned : .notTouched,
              changes: CronSpec(job).all(comes: false), reason: orphan.reason))
        }
        guard removes else { return report }
        await report.attempt(report.jobs.indices.filter { report.jobs[$0].outcome == .planned }) { index in
          try await CronCatalog.unschedule(orphans[index].id, on: session.connection)
          return .removed
        }
        report.warnings += await noteChanges(report, session, try await notes(session))
        return report
      }
    }
  }
}
