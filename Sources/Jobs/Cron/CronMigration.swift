import Database
import Essentials
import Foundation
import Postgres
import Reporting

/// Moves our jobs from one pg_cron to another: disables them, makes them inactive at the other place, lets that place run something
/// harmless in the database and as the role of each, activates them, and removes the old ones. What fails brings both places back.
package struct CronMigration: Sendable {
  /// The steps after which a failure must bring everything back.
  enum Step: String, Sendable, CaseIterable {
    case noted, disabled, created, verified, activated, removed
  }

  let jobs: CronJobs
  /// Tests fail here.
  var onStep: @Sendable (Step) async throws -> Void = { _ in }
  /// Tests let a migration end as a kill would end it.
  var rollsBack = true
  /// Tests do without the minute that a run takes.
  var verifies = true

  package init(_ jobs: CronJobs) {
    self.jobs = jobs
  }

  /// The sessions of both places, seen from a direction.
  struct Places: Sendable {
    let source: CronJobs.Session
    let target: CronJobs.Session
    let documents: CronDocuments

    /// A job of the source as the target has it: its role is the one that signs in there, and records of runs are where pg_cron is.
    func moved(_ spec: CronSpec) -> CronSpec {
      var moved = spec
      if spec.role == source.facts.role { moved.role = target.facts.role }
      if spec.database == source.facts.database, spec.command.hasPrefix("DELETE FROM cron.job_run_details") {
        moved.database = target.facts.database
      }
      return moved
    }
  }

  private static let suffix = ".migration.json"

  /// Moves the jobs.
  /// - Throws: ``JobError`` `cron_refused`: nothing was begun; `cron_rolled_back`: both places are as before; `cron_not_rolled_back`.
  package func run(to direction: CronDirection) async throws -> CronMigrationReport {
    let found = try await record()
    var hasRecovered = false
    if let found, found.0.phase == .begun {
      try await atPlaces(found.0.direction) { places in
        try await Self.bringBack(found.0, places)
        try await note(found.0, .rolledBack, places, replacing: found.etag)
      }
      hasRecovered = true
    }
    let etag = try await record()?.etag
    let recovered = hasRecovered
    return try await atPlaces(direction) { places in
      let specs = try await places.source.ours().map(CronSpec.init)
      try await Self.refuse(specs, direction, places)
      var report = CronMigrationReport(
        action: "migrate", from: places.source.server, to: places.target.server, jobs: specs.map(\.name),
        hasRecovered: recovered)
      let roles = Set(jobs.cron.declaration?.jobs.compactMap(\.role) ?? [])
      let left = try await places.source.ours(roles: roles).compactMap(\.name).filter { name in
        !specs.contains { $0.name == name }
      }
      if !left.isEmpty {
        report.warnings.append(
          "\(left.joined(separator: ", ")) at \(places.source.server) are other roles' and stay there; move them signed in as those roles"
        )
      }
      guard !specs.isEmpty else {
        report.warnings.append("there are no jobs under the prefix \(jobs.prefix) at \(places.source.server)")
        return report
      }
      var record = CronMigrationRecord(direction: direction, phase: .begun, begunAt: jobs.context.now(), jobs: specs)
      let begun = try await places.documents.write(record, Self.suffix, replacing: etag)
      do {
        report.missed = try await move(specs, places)
        record.phase = .done
        try await places.documents.write(record, Self.suffix, replacing: begun)
      } catch {
        guard rollsBack else { throw error }
        throw await bringBack(record, because: error, places, replacing: begun)
      }
      report.warnings += await noteApplied(places)
      if direction == .single {
        report.warnings.append(
          "set PG_CRON_HOST, PG_CRON_PORT and PG_CRON_DATABASE to those of \(places.target.server) for plan and apply to go on there"
        )
      }
      return report
    }
  }

  /// Undoes the last migration, also one that was killed.
  /// - Throws: ``JobError`` `cron_refused` where there is none; `cron_not_rolled_back`.
  package func undo() async throws -> CronMigrationReport {
    guard let (record, etag) = try await record(), record.phase != .rolledBack else {
      throw JobError(.cronRefused, "the lake has no migration of these jobs that could be undone; nothing was changed")
    }
    return try await atPlaces(record.direction) { places in
      let names = Set(record.jobs.map(\.name))
      let others = try await places.target.ours().compactMap(\.name).filter { !names.contains($0) }
      // An undoing that is cut off is gone on with by the next migration too.
      var begun = record
      begun.phase = .begun
      let etag = try await places.documents.write(begun, Self.suffix, replacing: etag)
      do {
        try await Self.bringBack(record, places)
      } catch {
        throw Self.notBroughtBack(CronCatalog.explained(error))
      }
      try await note(record, .rolledBack, places, replacing: etag)
      let warnings = await noteApplied(places)
      var report = CronMigrationReport(
        action: "rollback", from: places.target.server, to: places.source.server, jobs: record.jobs.map(\.name))
      report.warnings = warnings
      if !others.isEmpty {
        report.warnings.append(
          "\(others.joined(separator: ", ")) at \(places.target.server) came after the migration and stay there")
      }
      return report
    }
  }

  /// What came or went by a migration is no drift.
  private func noteApplied(_ places: Places) async -> [String] {
    var warnings: [String] = []
    for place in [places.source, places.target] { warnings += await jobs.noteApplied(place, replacing: nil) }
    return warnings
  }

  private func record() async throws -> (CronMigrationRecord, etag: String)? {
    let target = try jobs.cron.server.target()
    return try await documents(target).read(CronMigrationRecord.self, Self.suffix)
  }

  /// The record lies with the documents of the place of `PG_CRON_DATABASE`, whatever the direction.
  private func documents(_ target: PostgresTarget) -> CronDocuments {
    CronDocuments(
      lake: jobs.context.lake, names: [target.host, "\(target.port)", target.database, target.user, jobs.prefix])
  }

  private func note(
    _ record: CronMigrationRecord, _ phase: CronMigrationRecord.Phase, _ places: Places, replacing etag: String
  ) async throws {
    var ended = record
    ended.phase = phase
    try await places.documents.write(ended, Self.suffix, replacing: etag)
  }

  /// Runs `body` while no other process changes the jobs of either place.
  private func atPlaces<Result: Sendable>(
    _ direction: CronDirection, _ body: @Sendable (Places) async throws -> Result
  ) async throws -> Result {
    let cross = try jobs.cron.server.target(), single = try jobs.context.server.target()
    guard (cross.host, cross.port, cross.database) != (single.host, single.port, single.database) else {
      throw JobError(
        .badSetting,
        "PG_CRON_DATABASE and PG_DATABASE are the same database, so there is nowhere to move the jobs; name the other place by PG_CRON_HOST, "
          + "PG_CRON_PORT or PG_CRON_DATABASE", field: "PG_CRON_DATABASE")
    }
    let prefix = jobs.prefix
    // The place that jobs leave may be a database that pg_cron reads no more.
    return try await CronJobs.session(jobs.cron.pools, cross, prefix: prefix, isLive: false) { cross in
      try await CronJobs.session(jobs.context.sessions.pools, single, prefix: prefix, isLive: false) { single in
        try await CronLock.alone(prefix, on: cross.connection) {
          try await CronLock.alone(prefix, on: single.connection) {
            let toCross = direction == .crossDatabase
            return try await body(
              Places(
                source: toCross ? single : cross, target: toCross ? cross : single, documents: documents(cross.target)))
          }
        }
      }
    }
  }

  private static func refuse(_ specs: [CronSpec], _ direction: CronDirection, _ places: Places) async throws {
    // The run that proves the new place would not be seen.
    try CronJobs.needsRecords(places.target)
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
  private func move(_ specs: [CronSpec], _ places: Places) async throws -> [String] {
    let (source, target) = (places.source, places.target)
    try await onStep(.noted)
    let begin = source.facts.now
    for job in try await source.ours() where job.isActive {
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
    for job in try await source.ours() where specs.contains(where: { $0.name == job.name }) {
      try await CronCatalog.unschedule(job.id, on: source.connection)
    }
    try await onStep(.removed)
    return specs.filter { spec in
      guard spec.isActive, let schedule = try? CronSchedule(spec.schedule, field: "") else { return false }
      return schedule.next(after: begin, zone: source.zone).map { $0 <= end } ?? false
    }.map(\.name)
  }

  /// The error of a migration that failed, after both places were brought back.
  private func bringBack(
    _ record: CronMigrationRecord, because error: any Error, _ places: Places, replacing etag: String
  ) async -> JobError {
    let reason = CronCatalog.explained(error)
    // Also in a cancelled task.
    return await Task {
      do {
        try await Self.bringBack(record, places)
        try await note(record, .rolledBack, places, replacing: etag)
        return JobError(
          .cronRolledBack, "the migration failed, and the jobs are where and as they were: \(reason.message)",
          field: reason.field,
          details: ["cause": .string(reason.code.rawValue)])
      } catch {
        return Self.notBroughtBack(CronCatalog.explained(error), after: reason)
      }
    }.value
  }

  private static func notBroughtBack(_ error: JobError, after reason: JobError? = nil) -> JobError {
    let first = reason.map { "the migration failed (\($0.message)), and " } ?? ""
    return JobError(
      .cronNotRolledBack,
      "\(first)the jobs could not be brought back: \(error.message). They may be inactive. Mend the cause and run `sluice cron migrate --rollback`, which goes on "
        + "from the record in the lake", details: ["cause": .string((reason ?? error).code.rawValue)])
  }
}
