import Postgres
import Reporting

/// What is asked of a pg_cron server and changes nothing: rights, settings, and what the declared jobs would be.
package struct CronInspection: Sendable {
  let cron: CronContext
  /// `PG_DATABASE`.
  let workDatabase: String?
  /// `RETENTION_SCHEMA`.
  let retentionSchema: String

  package init(_ cron: CronContext, workDatabase: String?, retentionSchema: String) {
    self.cron = cron
    self.workDatabase = workDatabase
    self.retentionSchema = retentionSchema
  }

  /// The declared jobs, checked without asking a server.
  /// - Throws: ``JobError`` with the field.
  func declared(_ declaration: CronDeclaration?) throws -> [CronSpec] {
    guard let declaration else {
      throw JobError(
        .notConfigured,
        "the settings file has no part cron, so nothing is declared; `sluice cron export` writes one from the jobs that there are",
        field: "cron")
    }
    let target = try cron.server.target()
    return try declaration.specs(
      CronDefaults(
        workDatabase: workDatabase, cronDatabase: target.database, role: target.user,
        retentionSchema: retentionSchema, maintenance: cron.maintenance))
  }
}
