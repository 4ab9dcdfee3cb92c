import Database
import Reporting

/// What a declaration leaves to the settings.
package struct CronDefaults: Sendable {
  /// `PG_DATABASE`.
  package var workDatabase: String?
  /// The database that has pg_cron.
  package var cronDatabase: String
  /// The role that signs in to it.
  package var role: String
  package var retentionSchema: String
  /// The statement of a maintenance task.
  package var maintenance: @Sendable (String) throws -> String
}

extension CronDeclaration {
  /// The jobs as pg_cron shall have them.
  /// - Throws: ``JobError`` with the field: an unknown task, a database that is not known, a time limit that cannot be.
  package func specs(_ defaults: CronDefaults) throws -> [CronSpec] {
    try jobs.map { job in
      do {
        return CronSpec(
          name: prefix + job.name, schedule: job.schedule.text,
          command: try CronCommand.limited(Self.statement(job.work, defaults), to: job.timeout, field: "timeout"),
          database: try Self.database(of: job, defaults), role: job.role ?? defaults.role, isActive: job.isActive)
      } catch let error as JobError {
        throw error.under("cron.jobs.\(job.name)").asSetting
      }
    }
  }

  private static func database(of job: Job, _ defaults: CronDefaults) throws -> String {
    if case .prune = job.work {
      guard job.database ?? defaults.cronDatabase == defaults.cronDatabase else {
        throw JobError(
          .badField,
          "the records of runs are in the database of pg_cron, \(defaults.cronDatabase); leave the database out",
          field: "database")
      }
      return defaults.cronDatabase
    }
    guard let database = job.database ?? defaults.workDatabase else {
      throw JobError(.missingField, "missing, and PG_DATABASE is not set; name the job's database", field: "database")
    }
    return database
  }

  static func statement(_ work: Work, _ defaults: CronDefaults) throws -> String {
    switch work {
    case .command(let command): return command
    case .retention: return retention(schema: defaults.retentionSchema)
    case .maintenance(let task):
      do {
        return try defaults.maintenance(task)
      } catch let error as JobError {
        throw JobError(error.code, error.text, field: "run.maintenance")
      }
    case .prune(let age): return prune(age)
    }
  }

  static func retention(schema: String) -> String { "CALL \(SQL.identifier(schema)).enforce_retention_all()" }

  /// The records of the job's own role, also where row-level security would leave it those of others.
  static func prune(_ age: CronDuration) -> String {
    "DELETE FROM cron.job_run_details WHERE username = current_user AND end_time < pg_catalog.now() - interval '\(age.milliseconds / 1000) seconds'"
  }

  /// The age of a command that ``prune(_:)`` has made.
  static func pruned(by command: String) -> CronDuration? {
    guard let match = command.firstMatch(of: #/interval '(\d{1,12}) seconds'$/#), let seconds = Int(match.1),
      seconds > 0
    else {
      return nil
    }
    let age = CronDuration(milliseconds: seconds * 1000)
    return prune(age) == command ? age : nil
  }
}
