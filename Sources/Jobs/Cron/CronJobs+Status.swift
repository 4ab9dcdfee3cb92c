package import Database
package import Essentials
package import Foundation
import Lake

/// Our jobs with their last and next runs.
package struct CronStatusReport: Sendable, Encodable {
  package struct Job: Sendable, Encodable {
    package var name: String
    package var id: Int
    package var active: Bool
    package var schedule: String
    package var database: String
    package var role: String
    package var lastRun: CronRun?
    /// Nil for one that is not active, `@reboot`, and an interval that has not run.
    package var nextRun: Date?

    enum CodingKeys: String, CodingKey {
      case name, id, active, schedule, database, role
      case lastRun = "last_run"
      case nextRun = "next_run"
    }
  }

  package var server: String
  package var role: String
  /// The version of pg_cron.
  package var version: String
  /// Whose clock the schedules follow.
  package var timeZone: String
  package var jobs: [Job]
  package var warnings: [String]

  enum CodingKeys: String, CodingKey {
    case server, role, version, jobs, warnings
    case timeZone = "time_zone"
  }
}

extension CronJobs {
  package func status() async throws -> CronStatusReport {
    try await session { session in
      let notes = try await notes(session)
      let jobs = try await ours(session, notes)
      let runs = try await CronCatalog.lastRuns(of: jobs.map(\.id), on: session.connection)
      var warnings =
        notes.warnings + [session.visibility, notes.isMigrating ? CronNotes.cutOff : nil].compactMap(\.self)
      if !session.facts.readsSettings, session.version >= CronVersion(major: 1, minor: 5) {
        warnings.append("cron.timezone cannot be read (it needs pg_read_all_settings): next runs are told for GMT")
      }
      return CronStatusReport(
        server: session.server, role: session.facts.role, version: session.facts.version ?? "",
        timeZone: session.facts.settings["cron.timezone"] ?? "GMT",
        jobs: jobs.map { job in
          let last = runs.first { $0.job == job.id }
          let schedule = try? CronSchedule(job.schedule, field: "schedule")
          return CronStatusReport.Job(
            name: job.name ?? "", id: job.id, active: job.isActive, schedule: job.schedule, database: job.database,
            role: job.role, lastRun: last,
            nextRun: job.isActive
              ? schedule?.next(after: session.facts.now, zone: session.zone, lastStart: last?.start) : nil)
        }, warnings: warnings)
    }
  }

  /// The jobs that there are as the part `cron` of the settings file.
  package struct Export: Sendable, Encodable {
    package var cron: JSONValue
    package var notes: [String]
  }

  /// The role's own jobs, also those that were made by hand without the prefix. These, and those that get another name, are written as
  /// inactive: beside the old job a second one would do the same again.
  package func export() async throws -> Export {
    try await session { session in
      var notes: [String] = []
      var list: [JSONValue] = []
      var names: Set<String> = []
      for job in try await session.jobs() where job.role == session.facts.role && !CronPlan.isHelper(job, prefix) {
        let isOurs = job.name?.hasPrefix(prefix) == true
        let given = isOurs ? String((job.name ?? "").dropFirst(prefix.count)) : job.name ?? "job-\(job.id)"
        let plain = given.map { $0.isASCII && ($0.isLetter || $0.isNumber) || "_.-".contains($0) ? $0 : "-" }
        var name = String(String(plain).prefix(63 - prefix.count))
        if name.isEmpty || !names.insert(name).inserted { name = "\(name.prefix(50 - prefix.count))-\(job.id)" }
        names.insert(name)
        guard var members = exported(job, as: name, session, &notes) else { continue }
        if name != given { notes.append("job \(job.id) is written as \(name)") }
        if !isOurs || name != given {
          members["active"] = false
          notes.append(
            "\(name) \(isOurs ? "gets another name" : "was made by hand") and is written as inactive: apply, remove the old one by SELECT cron.unschedule(\(job.id)), "
              + "and set active to true")
        }
        list.append(.object(members))
      }
      if let visibility = session.visibility { notes.append(visibility) }
      return Export(cron: ["prefix": .string(prefix), "jobs": .array(list)], notes: notes)
    }
  }

  /// A job as a declaration has it; nil for one that no declaration can have.
  private func exported(
    _ job: CronJob, as name: String, _ session: Session, _ notes: inout [String]
  ) -> [String: JSONValue]? {
    let (timeout, command) = CronCommand.parts(job.command)
    var members: [String: JSONValue] = [
      "name": .string(name), "schedule": .string(CronSpec(job).schedule), "database": .string(job.database),
      "active": .bool(job.isActive),
    ]
    if let timeout { members["timeout"] = .string(timeout.text) }
    if timeout == nil, command == CronDeclaration.retention(schema: context.retention.schema) {
      members["run"] = "retention"
    } else if timeout == nil, let age = CronDeclaration.pruned(by: command), job.database == session.facts.database {
      members["run"] = ["prune": .string(age.text)]
      members["database"] = nil
    } else {
      members["command"] = .string(command)
    }
    if (try? CronSchedule(job.schedule, field: "")) == nil {
      notes.append(
        "the schedule of \(name), \"\(job.schedule)\", is none that this program takes; correct it before it is imported"
      )
    }
    if !isTaken(members) {
      // A limit that the declaration refuses is a part of the command.
      (members["timeout"], members["run"], members["command"]) = (nil, nil, .string(job.command))
      members["database"] = .string(job.database)
      guard isTaken(members) else {
        notes.append("job \(job.id), \(name), has no command that could be declared, and is left out")
        return nil
      }
      notes.append("\(name) is written with its whole command, since its limit cannot be a timeout")
    }
    return members
  }

  /// Whether the import takes a job, but for its schedule.
  private func isTaken(_ members: [String: JSONValue]) -> Bool {
    var members = members
    members["schedule"] = "@daily"
    return (try? CronDeclaration(["prefix": .string(prefix), "jobs": .array([.object(members)])])) != nil
  }
}
