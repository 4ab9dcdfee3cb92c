import Database
package import Reporting

/// What a command about jobs found, and what it did.
package struct CronReport: Sendable, Encodable {
  package struct Job: Sendable, Encodable {
    package enum Outcome: String, Sendable, Encodable {
      /// A plan does not do it.
      case planned
      case unchanged
      case created, changed, removed
      /// A job of another role.
      case notTouched = "not_touched"
      case failed
      /// Nothing was tried, since something before it failed.
      case notBegun = "not_begun"
    }

    package var name: String
    package var role: String
    package var outcome: Outcome
    /// What a plan would do.
    package var action: CronPlan.Action?
    package var changes: [CronPlan.Change] = []
    package var drift: CronPlan.Drift?
    package var reason: String?
    package var error: JobError?
  }

  package var action: String
  /// `host:port/database` of pg_cron.
  package var server: String
  package var role: String
  package var jobs: [Job] = []
  /// What was applied last is known, so that drift can be told.
  package var knowsLastApply: Bool?
  package var warnings: [String] = []

  package var status: JobStatus {
    JobStatus(jobs.map { [.failed, .notBegun].contains($0.outcome) ? .failed : .ok })
  }

  /// Whether anything is to be done, or was.
  package var hasChanges: Bool { jobs.contains { ![.unchanged, .notTouched].contains($0.outcome) } }
  package var hasDrift: Bool { jobs.contains { $0.drift != nil } }

  enum CodingKeys: String, CodingKey {
    case action, server, role, jobs, warnings, status, changes, drift
    case knowsLastApply = "knows_last_apply"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(action, forKey: .action)
    try container.encode(server, forKey: .server)
    try container.encode(role, forKey: .role)
    try container.encode(status, forKey: .status)
    try container.encode(hasChanges, forKey: .changes)
    try container.encode(hasDrift, forKey: .drift)
    try container.encode(jobs, forKey: .jobs)
    try container.encodeIfPresent(knowsLastApply, forKey: .knowsLastApply)
    try container.encode(warnings, forKey: .warnings)
  }
}
