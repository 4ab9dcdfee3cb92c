import Foundation

/// Between which two places jobs are moved.
package enum CronDirection: String, Sendable, Codable, CaseIterable {
  /// From the pg_cron of `PG_DATABASE` to that of `PG_CRON_DATABASE`.
  case crossDatabase = "cross-database"
  /// From the pg_cron of `PG_CRON_DATABASE` to that of `PG_DATABASE`, where each job runs in its own database.
  case single
}

/// A migration as the lake keeps it until it is undone: enough to bring both servers back.
struct CronMigrationRecord: Codable, Sendable {
  enum Phase: String, Codable, Sendable {
    /// It has not ended, or was killed.
    case begun
    case done
    case rolledBack = "rolled_back"
  }

  var formatVersion = 1
  var direction: CronDirection
  var phase: Phase
  var begunAt: Date
  /// The jobs at the place that they leave, as they were.
  var jobs: [CronSpec]

  enum CodingKeys: String, CodingKey {
    case direction, phase, jobs
    case formatVersion = "format_version"
    case begunAt = "begun_at"
  }
}

/// What a migration did.
package struct CronMigrationReport: Sendable, Encodable {
  /// `migrate` or `rollback`.
  package var action: String
  package var from: String
  package var to: String
  package var jobs: [String]
  /// An earlier migration had not ended, and was undone first.
  package var hasRecovered = false
  /// Jobs whose time came while they were inactive.
  package var missed: [String] = []
  package var warnings: [String] = []

  enum CodingKeys: String, CodingKey {
    case action, from, to, jobs, missed, warnings, status
    case hasRecovered = "recovered"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(action, forKey: .action)
    try container.encode("ok", forKey: .status)
    try container.encode(from, forKey: .from)
    try container.encode(to, forKey: .to)
    try container.encode(jobs, forKey: .jobs)
    try container.encode(hasRecovered, forKey: .hasRecovered)
    try container.encode(missed, forKey: .missed)
    try container.encode(warnings, forKey: .warnings)
  }
}
