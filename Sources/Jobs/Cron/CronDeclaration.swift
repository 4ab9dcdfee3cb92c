package import Essentials
import Reporting

/// The `cron` part of the settings file: the jobs that pg_cron shall have. It is checked completely before a server is asked.
package struct CronDeclaration: Sendable {
  /// What a job does.
  package enum Work: Sendable, Equatable {
    case command(String)
    case retention
    case maintenance(String)
    /// Removes records of runs that ended longer ago.
    case prune(CronDuration)
  }

  package struct Job: Sendable {
    /// Without the prefix.
    package var name: String
    package var schedule: CronSchedule
    /// Nil: `PG_DATABASE`; of `prune` the database of pg_cron.
    package var database: String?
    package var work: Work
    package var timeout: CronDuration?
    package var isActive = true
    /// Nil: the role that signs in.
    package var role: String?
  }

  package static let defaultPrefix = "sluice_"
  package var prefix = CronDeclaration.defaultPrefix
  package var jobs: [Job] = []

  package init() {}

  /// Reads `{prefix, jobs: [{name, schedule, database, command | run, timeout, active, role}]}`.
  /// - Throws: ``JobError`` with the field, below `cron`.
  package init(_ value: JSONValue) throws {
    do {
      guard case .object = value else {
        throw JobError(.badField, "expected an object with jobs, got \(value.brief)", field: nil)
      }
      var fields = try Fields(value)
      if let text = try fields.string("prefix", Self.prefixForm) {
        guard text.wholeMatch(of: #/[A-Za-z][A-Za-z0-9_.\-]{0,29}/#) != nil else {
          throw JobError.badField("prefix", Self.prefixForm, got: .string(text))
        }
        prefix = text
      }
      guard let list = fields.value("jobs") else { throw fields.missing("jobs", "missing; expected a list of jobs") }
      guard case .array(let items) = list else { throw JobError.badField("jobs", "a list of jobs", got: list) }
      try fields.finish()
      for (index, item) in items.enumerated() { jobs.append(try job(item, index)) }
    } catch let error as JobError {
      throw error.field == nil ? JobError(error.code, error.text, field: "cron") : error.under("cron")
    }
  }

  private static let prefixForm: ErrorText = "1 to 30 letters, digits, _, - or ., a letter first"
  private static let nameForm: ErrorText = "letters, digits, _, - or ."

  private func job(_ item: JSONValue, _ index: Int) throws -> Job {
    var place = "jobs.\(index)"
    do {
      guard case .object = item else { throw JobError.badField(place, "an object", got: item) }
      var fields = try Fields(item)
      guard let name = try fields.string("name", Self.nameForm) else {
        throw fields.missing("name", "missing; expected \(Self.nameForm)")
      }
      guard name.wholeMatch(of: #/[A-Za-z0-9_.\-]+/#) != nil else {
        throw JobError.badField("name", Self.nameForm, got: .string(name))
      }
      place = "jobs.\(name)"
      // PostgreSQL would cut a longer name, which could then be another job's.
      guard prefix.utf8.count + name.utf8.count <= 63 else {
        throw JobError.badField(
          "name", "at most \(63 - prefix.utf8.count) characters, 63 with the prefix", got: .string(name))
      }
      guard !jobs.contains(where: { $0.name == name }) else {
        throw JobError(.badField, "there are two jobs of this name; give each its own", field: "name")
      }
      guard let schedule = try fields.string("schedule", CronSchedule.form) else {
        throw fields.missing("schedule", "missing; expected \(CronSchedule.form)")
      }
      var job = Job(
        name: name, schedule: try CronSchedule(schedule, field: "schedule"),
        database: try fields.string("database", "the name of a database"), work: try Self.work(&fields))
      job.timeout = try fields.string("timeout", CronDuration.form).map { try CronDuration($0, field: "timeout") }
      job.isActive = try fields.bool("active") ?? true
      job.role = try fields.string("role", "the name of a role")
      try fields.finish()
      if case .command(let command) = job.work {
        _ = try CronCommand.limited(command, to: job.timeout, field: "timeout")
      }
      return job
    } catch let error as JobError {
      throw error.field == place ? error : error.under(place)
    }
  }

  private static let workForm: ErrorText = "\"retention\", {\"maintenance\": \"TASK\"} or {\"prune\": \"7 days\"}"

  private static func work(_ fields: inout Fields) throws -> Work {
    let command = try fields.string("command", "an SQL statement")
    let run = fields.value("run")
    if let command {
      guard run == nil else { throw JobError(.badField, "a job has a command or run, not both", field: "run") }
      guard !CronCommand.isEmpty(command) else { throw JobError.badField("command", "an SQL statement") }
      return .command(command)
    }
    guard let run else {
      throw fields.missing("command", "missing; expected an SQL statement, or \(field: "run") with \(workForm)")
    }
    if run == .string("retention") { return .retention }
    guard case .object(let members) = run, members.count == 1 else {
      throw JobError.badField("run", workForm, got: run)
    }
    if let task = members["maintenance"]?.string, !task.isEmpty { return .maintenance(task) }
    if let age = members["prune"]?.string { return .prune(try .age(age, field: "run.prune")) }
    throw JobError.badField("run", workForm, got: run)
  }
}
