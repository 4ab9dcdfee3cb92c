package import Database

/// A job as pg_cron shall have it, or had it.
package struct CronSpec: Sendable, Equatable, Codable {
  /// With the prefix.
  package var name: String
  package var schedule: String
  package var command: String
  package var database: String
  package var role: String
  package var isActive: Bool

  package init(name: String, schedule: String, command: String, database: String, role: String, isActive: Bool) {
    (self.name, self.schedule, self.command) = (name, schedule, command)
    (self.database, self.role, self.isActive) = (database, role, isActive)
  }

  package init(_ job: CronJob) {
    self.init(
      name: job.name ?? "", schedule: Self.spaced(job.schedule), command: job.command, database: job.database,
      role: job.role,
      isActive: job.isActive)
  }

  /// pg_cron keeps a schedule as it was given.
  private static func spaced(_ schedule: String) -> String {
    schedule.split { $0 == " " || $0 == "\t" }.joined(separator: " ")
  }

  enum CodingKeys: String, CodingKey {
    case name, schedule, command, database, role
    case isActive = "active"
  }

  /// The fields in which two jobs of one name can differ, in the order in which they are shown.
  private var fields: [(name: String, value: String)] {
    [
      ("schedule", schedule), ("command", command), ("database", database), ("role", role),
      ("active", isActive ? "true" : "false"),
    ]
  }

  /// What makes `other` of this.
  func changes(to other: CronSpec) -> [CronPlan.Change] {
    zip(fields, other.fields).filter { !$0.value.utf8.elementsEqual($1.value.utf8) }.map {
      CronPlan.Change(field: $0.name, old: $0.value, new: $1.value)
    }
  }

  /// All fields, as what comes or goes.
  func all(comes: Bool) -> [CronPlan.Change] {
    fields.map { CronPlan.Change(field: $0.name, old: comes ? nil : $0.value, new: comes ? $0.value : nil) }
  }
}
