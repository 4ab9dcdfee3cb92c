package import Essentials
package import Reporting

/// What became of a maintenance task.
package struct MaintenanceResult: Sendable, Encodable, Equatable {
  package enum Outcome: String, Sendable, Encodable, CaseIterable {
    case ok
    /// There was nothing to be done.
    case nothing
    /// A dry run: something would be done.
    case planned
    /// What may go is gone; rows or relations stay, and ``MaintenanceResult/left`` says why.
    case kept
    /// It ended before its end, at a limit of the task or the run; the next run goes on.
    case stopped
    /// An error. What was done before it is in the figures.
    case failed
    /// The connection broke, and it is not known whether the last batch was done; its rows are not in the figures.
    case unconfirmed
    /// Another run of the task is under way.
    case skipped
    /// This is none of its days.
    case notDue = "not_due"
  }

  /// What stays, or a relation that was looked after.
  package struct Part: Sendable, Encodable, Equatable {
    /// A relation, or a day.
    package let unit: String
    package var outcome: Outcome
    package var reason: String?
    package var detail: String?
    /// Of a relation: dead, changed or empty, as a share from 0 to 1.
    package var share: Double?
    package var bytesBefore: Int?
    package var bytesAfter: Int?

    enum CodingKeys: String, CodingKey {
      case unit, outcome, reason, detail, share
      case bytesBefore = "bytes_before"
      case bytesAfter = "bytes_after"
    }
  }

  /// A file of rows that were deleted.
  package struct Archive: Sendable, Encodable, Equatable {
    package let path: String
    package let rows: Int
    package let sha256: String
  }

  package let name: String
  package let kind: MaintenanceTask.Name
  package var outcome: Outcome
  package var reason: String?
  package var detail: String?
  /// Rows that are deleted; of a statement, those that the server has counted.
  package var rows = 0
  package var batches = 0
  /// Rows that fit and are still there; of a dry run, those that would be deleted.
  package var remaining: Int?
  package var bytesBefore: Int?
  package var bytesAfter: Int?
  package var bytesFreed: Int? { bytesBefore.flatMap { before in bytesAfter.map { before - $0 } } }
  package var seconds: Double?
  /// Where an earlier run had ended, and this one went on.
  package var resumedAt: String?
  /// Keys of a few rows that would be deleted: row data, of a dry run alone.
  package var sample: [JSONValue] = []
  /// The relations of a task that looks after several.
  package var parts: [Part] = []
  /// What a deletion has left.
  package var left: [Part] = []
  package var archives: [Archive] = []
  package var warnings: [String] = []
  package var error: JobError?

  init(_ task: MaintenanceTask, _ outcome: Outcome = .nothing) {
    name = task.name
    kind = task.kind.name
    self.outcome = outcome
  }

  enum CodingKeys: String, CodingKey {
    case name, kind, outcome, reason, detail, rows, batches, remaining, seconds, sample, parts, left, archives, warnings
    case error
    case bytesBefore = "bytes_before"
    case bytesAfter = "bytes_after"
    case bytesFreed = "bytes_freed"
    case resumedAt = "resumed_at"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(name, forKey: .name)
    try container.encode(kind, forKey: .kind)
    try container.encode(outcome, forKey: .outcome)
    try container.encodeIfPresent(reason, forKey: .reason)
    try container.encodeIfPresent(detail, forKey: .detail)
    try container.encode(rows, forKey: .rows)
    try container.encode(batches, forKey: .batches)
    try container.encodeIfPresent(remaining, forKey: .remaining)
    try container.encodeIfPresent(bytesBefore, forKey: .bytesBefore)
    try container.encodeIfPresent(bytesAfter, forKey: .bytesAfter)
    try container.encodeIfPresent(bytesFreed, forKey: .bytesFreed)
    try container.encodeIfPresent(seconds, forKey: .seconds)
    try container.encodeIfPresent(resumedAt, forKey: .resumedAt)
    try container.encode(sample, forKey: .sample)
    try container.encode(parts, forKey: .parts)
    try container.encode(left, forKey: .left)
    try container.encode(archives, forKey: .archives)
    try container.encode(warnings, forKey: .warnings)
    try container.encodeIfPresent(error, forKey: .error)
  }
}

/// The report of a maintenance run.
package struct MaintenanceReport: Sendable, Encodable {
  package let database: String
  package let isDryRun: Bool
  package var tasks: [MaintenanceResult]

  /// `partial` also where a task was stopped, or another run of it was under way.
  package var status: JobStatus {
    JobStatus(
      tasks.map { result in
        switch result.outcome {
        case .ok, .nothing, .planned, .kept, .notDue: .ok
        case .stopped, .skipped: .partial
        case .failed, .unconfirmed: .failed
        }
      })
  }

  enum CodingKeys: String, CodingKey {
    case status, database, tasks
    case isDryRun = "dry_run"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(status, forKey: .status)
    try container.encode(database, forKey: .database)
    try container.encode(isDryRun, forKey: .isDryRun)
    try container.encode(tasks, forKey: .tasks)
  }
}
