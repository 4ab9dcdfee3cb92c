/// The rights to schedule jobs by pg_cron, in the database that has it.
enum CronPart: SetupPart {
  static let name = "cron"
  static let version = 1
  static let jobs = ["cron"]
  static let isDefault = false

  static func items(for subject: SetupSubject, password: String) -> String {
    SetupTemplate.fill(SQL.setupCron, ["role": SQL.literal(subject.role)])
  }
}
