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

  static let suffix = ".migration.json"

  /// Moves the jobs.
  /// - Throws: ``JobError`` `cron_refused`: nothing was begun; `cron_rolled_back`: both places are as before; `cron_not_rolled_back`.
  package func run(to direction: CronDirection) async throws -> CronMigrationReport {
    let found = try await record()
    var lost: [String]?
    if let found, found.0.phase == .begun {
      lost = try await atPlaces(found.0.direction) { places in
        let lost = try await Self.bringBack(found.0, places)
        try await note(found.0, .rolledBack, places, replacing: found.etag)
        return lost
      }
    }
    let etag = try await record()?.etag
    let recovered = lost
    return try await atPlaces(direction) { places in
      let specs = try await places.source.ours().map(CronSpec.init)
      try await Self.refuse(specs, direction, places)
      var report = CronMigrationReport(
        action: "migrate", from: places.source.server, to: places.target.server, jobs: specs.map(\.name),
        hasRecovered: recovered != nil)
      report.warnings += recovered ?? []
      let left = try await places.source.ours(roles: jobs.declaredRoles).compactMap(\.name).filter { name in
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
      report.warnings += await noteApplied(specs, places)
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
      var warnings: [String]
      do {
        warnings = try await Self.bringBack(record, places)
      } catch {
        throw Self.notBroughtBack(CronCatalog.explained(error))
      }
      try await note(record, .rolledBack, places, replacing: etag)
      warnings += await noteApplied(record.jobs, places)
      if let name = Self.liveElsewhere(places.source) {
        warnings.append(
          "pg_cron of \(places.source.server) runs the jobs of the database \(name): none of these runs until cron.database_name is set back to "
            + "\(places.source.facts.database), and the server restarted")
      }
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
  private func noteApplied(_ moved: [CronSpec], _ places: Places) async -> [String] {
    let names = Set(moved.map(\.name))
    var warnings: [String] = []
    for place in [places.source, places.target] { warnings += await jobs.noteApplied(place, touched: names) }
    return warnings
  }

  private func record() async throws -> (CronMigrationRecord, etag: String)? {
    let target = try jobs.cron.server.target()
    return try await documents(target).read(CronMigrationRecord.self, Self.suffix)
  }

  /// The record lies with the documents of the place of `PG_CRON_DATABASE`, whatever the direction.
  private func documents(_ target: PostgresTarget) -> CronDocuments {
    CronDocuments(lake: jobs.context.lake, target, jobs.prefix)
  }

  func note(
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
            try cross.refuseStandby()
            try single.refuseStandby()
            let toCross = direction == .crossDatabase
            return try await body(
              Places(
                source: toCross ? single : cross, target: toCross ? cross : single, documents: documents(cross.target)))
          }
        }
      }
    }
  }
}
