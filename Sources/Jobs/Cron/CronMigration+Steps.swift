import Database
import Essentials
import Foundation
import Postgres
import Reporting

extension CronMigration {
  /// The database whose jobs pg_cron runs, where it is known and another than that of the session.
  static func liveElsewhere(_ place: CronJobs.Session) -> String? {
    place.facts.settings["cron.database_name"].flatMap { $0 == place.facts.database ? nil : $0 }
  }

  static func refuse(_ specs: [CronSpec], _ direction: CronDirection, _ places: Places) async throws {
    // The run that proves the new place would not be seen.
    try CronJobs.needsRecords(places.target)
    if let name = liveElsewhere(places.target) {
      throw JobError(
        .cronRefused,
        "pg_cron of \(places.target.server) runs the jobs of the database \(name) (cron.database_name), so the jobs would never run there. Set it to "
          + "\(places.target.facts.database) and restart the server first; nothing was changed")
    }
    let there = try await places.target.ours().compactMap(\.name)
    let taken = specs.map(\.name).filter { there.contains($0) }
    guard taken.isEmpty else {
      throw JobError(
        .cronRefused,
        "\(places.target.server) has jobs of these names already: \(taken.joined(separator: ", ")). Remove them there first; nothing was changed"
      )
    }
    try CronJobs.refuseSchedules(specs, places.target)
    let strangers = specs.filter { places.moved($0).database != places.target.facts.database }.map(\.name)
    guard direction == .crossDatabase || strangers.isEmpty else {
      throw JobError(
        .cronRefused,
        "\(strangers.joined(separator: ", ")) run in another database than \(places.target.facts.database), which the single-database way cannot do; "
          + "nothing was changed")
    }
  }

  /// - Returns: the names of the jobs whose time came meanwhile.
  func move(_ specs: [CronSpec], _ places: Places) async throws -> [String] {
    let (source, target) = (places.source, places.target)
    try await onStep(.noted)
    let begin = source.facts.now
    for job in try await source.ours() where job.isActive && specs.contains(where: { $0.name == job.name }) {
      try await CronCatalog.alter(job.id, active: false, on: source.connection)
    }
    try await onStep(.disabled)
    let moved = specs.map { places.moved($0) }
    for spec in moved { _ = try await target.schedule(spec, active: false) }
    try await onStep(.created)
    if verifies { try await Self.verify(moved, target, pause: jobs.pause) }
    try await onStep(.verified)
    for job in try await target.ours() where moved.contains(where: { $0.name == job.name && $0.isActive }) {
      try await CronCatalog.alter(job.id, active: true, on: target.connection)
    }
    let there = try await target.ours().map(CronSpec.init).filter { spec in moved.contains { $0.name == spec.name } }
    guard there.sorted(by: { $0.name < $1.name }) == moved.sorted(by: { $0.name < $1.name }) else {
      throw JobError(.databaseError, "\(target.server) has other jobs than were made there")
    }
    try await onStep(.activated)
    let end = try await CronFacts.read(on: target.connection).now
    let old = try await source.ours().filter { job in specs.contains { $0.name == job.name } }
    for spec in specs {
      var asLeft = spec
      asLeft.isActive = false
      guard old.contains(where: { CronSpec($0) == asLeft }) else {
        throw JobError(
          .cronRefused,
          "another session has changed or removed \(spec.name) at \(source.server) meanwhile; migrate again")
      }
    }
    for job in old {
      try await CronCatalog.unschedule(job.id, on: source.connection)
    }
    try await onStep(.removed)
    return specs.filter { spec in
      guard spec.isActive, let schedule = try? CronSchedule(spec.schedule, field: "") else { return false }
      return schedule.next(after: begin, zone: source.zone).map { $0 <= end } ?? false
    }.map(\.name)
  }

  /// Lets pg_cron run `SELECT 1` in each database and for each role of the jobs, all in one minute: the jobs themselves may do harm at the
  /// wrong time.
  static func verify(_ specs: [CronSpec], _ target: CronJobs.Session, pause: Duration) async throws {
    var probes: [CronSpec] = []
    for spec in specs where !probes.contains(where: { $0.database == spec.database && $0.role == spec.role }) {
      var probe = spec
      probe.name = CronPlan.helper(target.prefix, "verify:\(probes.count + 1)")
      (probe.command, probe.isActive) = ("SELECT 1", true)
      probes.append(probe)
    }
    let lock = "run:\(CronPlan.helper(target.prefix, "verify"))"
    guard let runs = try await CronSpec.runOnce(probes, lock: lock, target, pause: pause) else {
      throw JobError(.alreadyRunning, "another process proves the jobs of \(target.server) at this moment")
    }
    for (probe, run) in zip(probes, runs) where run.status != "succeeded" {
      throw JobError(
        .cronRunFailed,
        "a run of SELECT 1 in the database \(probe.database) for the role \(probe.role) did not succeed at \(target.server); see `sluice cron history` and "
          + "`sluice cron check-permissions` there")
    }
  }

  /// Removes the jobs from the place that they went to, then makes them at the other as they were. It can be done again and again.
  /// - Returns: what other sessions have changed meanwhile, and what became of it.
  static func bringBack(_ record: CronMigrationRecord, _ places: Places) async throws -> [String] {
    let (source, target) = (places.source, places.target)
    let names = Set(record.jobs.map(\.name))
    let there = try await target.jobs().filter { $0.role == target.facts.role }
    var told = changes(record, there, places)
    for job in there {
      guard let name = job.name, names.contains(name) || CronPlan.isHelper(job, target.prefix) else { continue }
      try await CronCatalog.unschedule(job.id, on: target.connection)
    }
    let present = try await source.ours()
    for spec in record.jobs {
      guard let job = present.first(where: { $0.name == spec.name }) else {
        _ = try await source.schedule(spec)
        continue
      }
      // A migration changes nothing else of it.
      let others = spec.changes(to: CronSpec(job)).filter { $0.field != "active" }
      if !others.isEmpty {
        told.append(
          "\(spec.name) at \(source.server) was changed meanwhile by another session, and stays so: \(words(others))")
      }
      if job.isActive != spec.isActive {
        try await CronCatalog.alter(job.id, active: spec.isActive, on: source.connection)
      }
    }
    let back = try await source.ours()
    for spec in record.jobs where !back.contains(where: { $0.name == spec.name && $0.isActive == spec.isActive }) {
      throw JobError(
        .databaseError, "\(spec.name) at \(source.server) is not as it was; another session may have changed it")
    }
    return told
  }

  /// What was done by others to the jobs that a rollback removes.
  private static func changes(_ record: CronMigrationRecord, _ there: [CronJob], _ places: Places) -> [String] {
    record.jobs.compactMap { spec in
      let name = "\(spec.name) at \(places.target.server)"
      guard let job = there.first(where: { $0.name == spec.name }) else {
        return record.phase == .done ? "\(name) was removed since the migration, and comes back" : nil
      }
      // The jobs of a migration that has not ended are inactive.
      let changes = places.moved(spec).changes(to: CronSpec(job)).filter {
        $0.field != "active" || record.phase == .done
      }
      return changes.isEmpty
        ? nil : "\(name) was changed since the migration, and that change is gone: \(words(changes))"
    }
  }

  private static func words(_ changes: [CronPlan.Change]) -> String {
    changes.map { "\($0.field) \($0.old ?? "") -> \($0.new ?? "")" }.joined(separator: ", ")
  }

  /// The error of a migration that failed, after both places were brought back.
  func bringBack(
    _ record: CronMigrationRecord, because error: any Error, _ places: Places, replacing etag: String
  ) async -> JobError {
    let reason = CronCatalog.explained(error)
    // Also in a cancelled task.
    return await Task {
      do {
        let lost = try await Self.bringBack(record, places)
        try await note(record, .rolledBack, places, replacing: etag)
        return JobError(
          .cronRolledBack,
          "the migration failed, and the jobs are where and as they were: \(([reason.message] + lost).joined(separator: ". "))",
          field: reason.field,
          details: ["cause": .string(reason.code.rawValue)])
      } catch {
        return Self.notBroughtBack(CronCatalog.explained(error), after: reason)
      }
    }.value
  }

  static func notBroughtBack(_ error: JobError, after reason: JobError? = nil) -> JobError {
    let first = reason.map { "the migration failed (\($0.message)), and " } ?? ""
    return JobError(
      .cronNotRolledBack,
      "\(first)the jobs could not be brought back: \(error.message). They may be inactive. Mend the cause and run `sluice cron migrate --rollback`, which goes on "
        + "from the record in the lake", details: ["cause": .string((reason ?? error).code.rawValue)])
  }
}
