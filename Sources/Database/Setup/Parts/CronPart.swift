/// The rights to schedule jobs by pg_cron, in the database that has it.
package enum CronPart: SetupPart {
  package static let name = "cron"
  package static let version = 2
  package static let jobs = ["cron"]
  package static let isDefault = false

  package static func items(for subject: SetupSubject, password: String) -> String {
    SetupTemplate.fill(SQL.setupCron, ["role": SQL.literal(subject.role)])
  }
}
