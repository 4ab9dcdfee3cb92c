import Database
import Reporting

extension CronMigration {
  /// Lets pg_cron run `SELECT 1` in each database and for each role of the jobs: the jobs themselves may do harm at the wrong time.
  static func verify(_ specs: [CronSpec], _ target: CronJobs.Session, pause: Duration) async throws {
    var seen: Set<[String]> = []
    for spec in specs where seen.insert([spec.database, spec.role]).inserted {
      var probe = spec
      (probe.name, probe.command, probe.isActive) = (
        CronPlan.helper(target.prefix, "verify:\(seen.count)"), "SELECT 1", true
      )
      guard let run = try await probe.runOnce(target, pause: pause), run.status == "succeeded" else {
        throw JobError(
          .cronRunFailed,
          "a run of SELECT 1 in the database \(spec.database) for the role \(spec.role) did not succeed at \(target.server); see `sluice cron history` and "
            + "`sluice cron check-permissions` there")
      }
    }
  }

  /// Removes the jobs from the place that they went to, then makes them at the other as they were. It can be done again and again.
  static func bringBack(_ record: CronMigrationRecord, _ places: Places) async throws {
    let names = Set(record.jobs.map(\.name))
    for job in try await places.target.jobs() where job.role == places.target.facts.role {
      guard let name = job.name, names.contains(name) || CronPlan.isHelper(job, places.target.prefix) else { continue }
      try await CronCatalog.unschedule(job.id, on: places.target.connection)
    }
    let present = try await places.source.ours()
    for spec in record.jobs {
      guard let job = present.first(where: { $0.name == spec.name }) else {
        _ = try await places.source.schedule(spec)
        continue
      }
      guard CronSpec(job) != spec else { continue }
      try await CronCatalog.alter(
        job.id, schedule: spec.schedule, command: spec.command, database: spec.database, active: spec.isActive,
        on: places.source.connection)
    }
    let back = try await places.source.ours().map(CronSpec.init).filter { names.contains($0.name) }
    guard back.sorted(by: { $0.name < $1.name }) == record.jobs.sorted(by: { $0.name < $1.name }) else {
      throw JobError(
        .databaseError, "\(places.source.server) has other jobs than before; another session may have changed them")
    }
  }
}
