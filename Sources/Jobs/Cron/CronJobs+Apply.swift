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
      try await CronLock.alone(prefix, on: session.connection) {
        let (plan, etag, warnings) = try await self.plan(declared, removes: removes, session)
        let unconfirmed = plan.removals.filter { !removals.allow($0.name) }
        guard unconfirmed.isEmpty else {
          throw JobError(
            .cronRefused,
            "\(unconfirmed.map(\.name).joined(separator: ", ")) would be removed, which nobody has confirmed. Nothing was changed; pass "
              + "\(field: "yes"), or declare the jobs", details: ["jobs": .array(unconfirmed.map { .string($0.name) })])
        }
        var report = self.report(action, session, plan)
        report.warnings += warnings
        report.warnings += try await removeLeftovers(session)
        for (index, item) in plan.items.enumerated()
        where plan.changes.contains(where: { $0.name == item.name && $0.role == item.role }) {
          do {
            report.jobs[index].outcome = try await Self.carryOut(item, session)
          } catch {
            report.jobs[index].outcome = .failed
            report.jobs[index].error = CronCatalog.explained(error)
          }
        }
        if plan.hasChanges || !plan.knowsLastApply || plan.hasDrift {
          report.warnings += await noteApplied(session, replacing: etag, roles: Set(declared.map(\.role)))
        }
        return report
      }
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

  /// Writes what our jobs are now, for the next plan to compare with.
  /// - Returns: a warning where it could not be written.
  func noteApplied(_ session: Session, replacing etag: String?, roles: Set<String> = []) async -> [String] {
    do {
      let jobs = try await session.ours(roles: roles).map(CronSpec.init)
      let state = CronState(appliedAt: context.now(), jobs: jobs)
      do {
        try await documents(session).write(state, ".json", replacing: etag)
      } catch LakeError.conditionNotMet, LakeError.alreadyExists {
        // Another address of the same server may have been used at the same time.
        let current = try await documents(session).read(CronState.self, ".json")
        try await documents(session).write(state, ".json", replacing: current?.etag)
      }
      return []
    } catch {
      return [
        "what was applied could not be noted in the lake, so the next plan may tell it as drift: \(CronCatalog.explained(error).message)"
      ]
    }
  }

  /// Removes jobs that a killed process has made for one run.
  func removeLeftovers(_ session: Session) async throws -> [String] {
    var warnings: [String] = []
    for job in try await session.jobs() where CronPlan.isHelper(job, prefix) && job.role == session.facts.role {
      let isOurs: Void? = try await CronLock.attempt("run:\(job.name ?? "")", on: session.connection) {
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
      try await CronLock.alone(prefix, on: session.connection) {
        var report = self.report(action, session)
        report.warnings += try await removeLeftovers(session)
        let roles = Set(cron.declaration?.jobs.compactMap(\.role) ?? [])
        let all = try await session.ours(roles: roles)
        let jobs = try names.map { try $0.map { try job($0, among: all, session) } } ?? all
        for job in jobs {
          var entry = CronReport.Job(name: job.name ?? "", role: job.role, outcome: .unchanged)
          do {
            if try await body(job, session) { entry.outcome = outcome }
          } catch {
            entry.outcome = .failed
            entry.error = CronCatalog.explained(error)
          }
          report.jobs.append(entry)
        }
        if let visibility = session.visibility, names == nil { report.warnings.append(visibility) }
        if report.hasChanges, let state = try? await documents(session).read(CronState.self, ".json") {
          report.warnings += await noteApplied(session, replacing: state.etag, roles: roles)
        }
        return report
      }
    }
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
      try await CronLock.alone(prefix, on: session.connection) {
        var report = self.report("orphans", session)
        if let visibility = session.visibility { report.warnings.append(visibility) }
        for orphan in try await CronOrphan.all(on: session.connection) {
          let job = orphan.job
          // A database that is closed, or a role that may not sign in, may be opened again.
          let isOurs =
            orphan.isForGood && job.name?.hasPrefix(prefix) == true
            && (job.role == session.facts.role || orphan.reason == "no_role")
          var entry = CronReport.Job(
            name: job.name ?? "job \(job.id)", role: job.role, outcome: isOurs ? .planned : .notTouched,
            changes: CronSpec(job).all(comes: false), reason: orphan.reason)
          if isOurs, removes {
            do {
              try await CronCatalog.unschedule(job.id, on: session.connection)
              entry.outcome = .removed
            } catch {
              entry.outcome = .failed
              entry.error = CronCatalog.explained(error)
            }
          }
          report.jobs.append(entry)
        }
        return report
      }
    }
  }
}
