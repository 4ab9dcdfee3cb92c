import Database
import Postgres
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
      /// The connection was lost meanwhile: it may have been done.
      case unknown

      var isFailure: Bool { [.failed, .notBegun, .unknown].contains(self) }
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
    JobStatus(jobs.map { $0.outcome.isFailure ? .failed : .ok })
  }

  /// Whether anything is to be done, or was.
  package var hasChanges: Bool { jobs.contains { ![.unchanged, .notTouched].contains($0.outcome) } }
  package var hasDrift: Bool { jobs.contains { $0.drift != nil } }

  /// Does what is to be done for the jobs at `indices`, in order. A failure of one does not stop the others, the loss of the connection does.
  mutating func attempt(_ indices: [Int], _ body: (Int) async throws -> Job.Outcome) async {
    for (place, index) in indices.enumerated() {
      do {
        jobs[index].outcome = try await body(index)
      } catch {
        jobs[index].outcome = .failed
        jobs[index].error = CronCatalog.explained(error)
        guard (error as? PostgresError)?.isConnectionFailure == true else { continue }
        jobs[index].outcome = .unknown
        jobs[index].error = JobError(
          .databaseUnavailable,
          "the connection was lost, and it may have been done: run `sluice cron plan`. \(JobError(cause: error).message)"
        )
        for left in indices[(place + 1)...] { jobs[left].outcome = .notBegun }
        return
      }
    }
  }

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
