package import Archive
package import Database
package import Foundation
package import Lake
import Postgres
package import Reporting

/// The resources that all jobs share: the database server, the lake, admission, a clock. The settings of one kind of
/// job are that job's options.
package struct JobContext: Sendable {
  package var server: DatabaseServer
  package var sessions: DatabaseSessions
  package var lake: any LakeStore
  package let admission: Admission
  package let audit = AuditTrail()
  package let paces = TablePaces()
  /// What the jobs of this process add up.
  package var metrics = Metrics()
  /// What this process knows of the manifests.
  package let manifests = ManifestCache()
  /// What running jobs and operations tell of the days of a database.
  package var knownDays: @Sendable (_ database: String) async -> Coverage.Known = { _ in Coverage.Known() }
  package var retention = RetentionOptions()
  /// Nil where the program is not asked for pg_cron.
  package var cron: CronContext?
  /// `SLUICE_OPERATIONS_DAYS`: how long the document of an operation is kept after its last change.
  package var operationsDays: Int
  /// The current instant; tests replace it.
  package var now: @Sendable () -> Date

  package static let defaultOperationsDays = 30

  package init(
    server: DatabaseServer, sessions: DatabaseSessions, lake: any LakeStore, admission: Admission,
    operationsDays: Int = JobContext.defaultOperationsDays, now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.server = server
    self.sessions = sessions
    self.lake = lake
    self.admission = admission
    self.operationsDays = operationsDays
    self.now = now
  }
  /// `PG_DATABASE`.
  package var database: String? { server.database }

  /// The lake as an operator writes it, for reports and log lines; holds no secret.
  package var lakeURL: String { lake.displayURL }
}
