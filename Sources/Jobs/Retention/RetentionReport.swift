package import Database
package import Reporting
package import TableDays

/// What became of a chunk, a partition, or a day of a plain table.
package struct RetentionResult: Sendable, Encodable, Equatable {
  package enum Status: String, Sendable, Encodable, CaseIterable {
    /// It is gone, and logged.
    case dropped
    /// A dry run: it would be dropped.
    case droppable
    /// It stays; ``RetentionResult/reason`` says why.
    case kept
    /// What the policy or the database does not allow; `reason` says what.
    case refused
    /// An error; nothing of it is gone.
    case failed
    /// The connection broke, and it is not known whether it is gone. The next run tells.
    case unconfirmed
    /// The time ran out, or the job was cancelled, before it was begun.
    case notBegun = "not_begun"
  }

  package enum Kind: String, Sendable, Encodable {
    case chunk, partition, rows
  }

  /// An archive that holds the unit's rows.
  package struct Archive: Sendable, Encodable, Equatable {
    package let path: String
    package let sha256: String
  }

  package var status: Status
  package let table: TableName
  /// The chunk, the partition, or the day.
  package let unit: String
  package let kind: Kind
  /// The first value of its range, and the first one after it.
  package let start, end: String?
  package var rows: Int?
  package var bytes: Int?
  /// Why it stays, such as `late_rows`; nil where it goes.
  package var reason: String?
  /// The reason in words.
  package var detail: String?
  package var archives: [Archive] = []
  package var seconds: Double?
  package var warnings: [String] = []
  package var error: JobError?

  init(_ unit: RetentionSchema.Unit, of table: TableName, isHypertable: Bool) {
    status = .notBegun
    self.table = table
    switch unit.place {
    case .part(_, let name):
      self.unit = "\(name)"
      kind = isHypertable ? .chunk : .partition
    case .day(let day):
      self.unit = "\(day)"
      kind = .rows
    }
    start = unit.start
    end = unit.end
  }

  /// Takes down what the database said of it.
  mutating func take(_ outcome: RetentionSchema.Outcome) {
    status = Status(rawValue: outcome.outcome) ?? .failed
    reason = outcome.reason
    detail = outcome.detail
    rows = outcome.rows ?? rows
    bytes = outcome.bytes ?? bytes
  }

  /// It stays.
  mutating func keep(_ reason: String, _ detail: String) {
    status = .kept
    self.reason = reason
    self.detail = detail
  }
}

/// The report of a retention run.
package struct RetentionReport: Sendable, Encodable {
  /// `ok` where nothing failed, also where all stays; `failed` where nothing else happened; `partial` also where the audit chain lacks
  /// lines.
  package var status: JobStatus {
    let parts = results.map { result -> JobStatus in
      [.failed, .unconfirmed, .notBegun].contains(result.status) ? .failed : .ok
    }
    let removals = archives.map { $0.status == .failed ? JobStatus.failed : .ok }
    let status = JobStatus(parts + removals + failures.map { _ in .failed })
    return status == .ok && auditError != nil ? .partial : status
  }

  package struct Summary: Sendable, Encodable, Equatable {
    package var units = 0
    package var rows = 0
    package var bytes = 0
  }

  /// A table whose units could not be told.
  package struct Failure: Sendable, Encodable {
    package let table: TableName
    package let error: JobError
  }

  package let database: String
  package let lake: String
  package let isDryRun: Bool
  /// The holds, which win over every policy.
  package var holds: [RetentionSchema.Hold]
  package var policies: [RetentionSchema.Policy]
  package var results: [RetentionResult]
  package var failures: [Failure]
  /// Archives that are past their own keep time.
  package var archives: [ArchiveRetentionResult] = []
  /// Why the audit chain lacks lines of the table's log; nil where it has them all. The next run writes them.
  package var auditError: JobError?

  /// Units, rows and bytes of each status.
  package var summary: [String: Summary] {
    results.reduce(into: [:]) { sums, result in
      var sum = sums[result.status.rawValue] ?? Summary()
      sum.units += 1
      sum.rows += result.rows ?? 0
      sum.bytes += result.bytes ?? 0
      sums[result.status.rawValue] = sum
    }
  }

  enum CodingKeys: String, CodingKey {
    case status, database, lake, summary, holds, policies, results, failures, archives
    case isDryRun = "dry_run"
    case auditError = "audit_error"
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(status, forKey: .status)
    try container.encode(database, forKey: .database)
    try container.encode(lake, forKey: .lake)
    try container.encode(isDryRun, forKey: .isDryRun)
    try container.encode(summary, forKey: .summary)
    try container.encode(holds, forKey: .holds)
    try container.encode(policies, forKey: .policies)
    try container.encode(results, forKey: .results)
    try container.encode(failures, forKey: .failures)
    try container.encode(archives, forKey: .archives)
    try container.encodeIfPresent(auditError, forKey: .auditError)
  }
}
