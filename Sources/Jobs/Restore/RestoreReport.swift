package import Database
import Foundation
package import Reporting
package import TableDays

/// The result of one archive.
package struct RestoreResult: Sendable, Encodable, Equatable {
  package enum Status: String, Sendable, Encodable {
    /// The rows are in the table.
    case ok
    /// The rows are in the table; a step after the commit failed.
    case partial
    /// The table held rows of the day already, and nothing was loaded.
    case skipped
    /// The connection broke after COMMIT was sent, and whether the rows are in the table is not known; `error` says how to
    /// find out.
    case unconfirmed
    /// Nothing was loaded.
    case failed
    /// The job was cancelled, or its time ran out (`no_turn`), before it began this archive.
    case notBegun = "not_begun"
  }

  /// The span of the file.
  package struct Window: Sendable, Encodable, Equatable {
    /// The first instant.
    package var start: String
    /// The first instant after the span.
    package var end: String

    init(start: String, end: String) {
      self.start = start
      self.end = end
    }

    init(_ window: DayWindow) {
      (start, end) = window.texts
    }
  }

  /// The table and the day, for people.
  package var subject: String { dateWindow.map { "\(targetTable) \($0.start.prefix(10))" } ?? "\(targetTable)" }

  package var status: Status
  package var database: String
  /// The table that the rows are loaded into.
  package var targetTable: TableName
  /// The window; nil where the name of the file has no day.
  package var dateWindow: Window?
  package var mode: LoadPolicy.Mode
  /// The columns that were loaded from the file.
  package var columnsLoaded: [String] = []
  /// The number of rows that were loaded.
  package var rowsLoaded = 0
  /// The number of the file's rows that were in the table already, or twice in the file, by a unique index.
  package var rowsSkipped = 0
  /// Of a part of the day (`where`): the number of the file's rows that lie in it; else nil.
  package var rowsMatched: Int?
  /// The number of the file's rows that the table's triggers dropped; the load then failed.
  package var rowsDropped = 0
  /// The bytes of CSV that were read.
  package var csvBytes = 0
  /// The bytes of gzip that were read.
  package var gzipBytes = 0
  /// The duration of the work.
  package var seconds = 0.0
  /// The steps, in order; empty where the archive was not begun.
  package var steps: [RestoreStep] = []
  /// The id of the load, by which `sluice restore resume` does the steps that are left; nil where none is.
  package var load: String?
  /// Steps after the commit are left, which ``load`` names; not a part of the answer.
  package var owesSteps = false
  /// The steps that are left to the end of the job, which does them for several days at once; not a part of the answer.
  var left: Left?
  package var warnings: [String] = []
  package var error: JobError?

  enum CodingKeys: String, CodingKey {
    case status, database, mode, seconds, steps, load, warnings, error
    case targetTable = "target_table"
    case dateWindow = "date_window"
    case columnsLoaded = "columns_loaded"
    case rowsLoaded = "rows_loaded"
    case rowsSkipped = "rows_skipped"
    case rowsMatched = "rows_matched"
    case rowsDropped = "rows_dropped"
    case csvBytes = "csv_bytes"
    case gzipBytes = "gzip_bytes"
  }
}

/// The report of a restore: one result for each archive. A job that was cut short has a report too.
package struct RestoreReport: Sendable, Encodable {
  /// One result for each archive, by day.
  package var results: [RestoreResult]
  /// The lake of the archives as an operator writes it; holds no secret.
  package var lake: String?
  /// The jobs of TimescaleDB that run by their schedule again, since the holds for which they were paused are over; nil for
  /// a restore.
  package var resumedJobs: [Int]?

  /// `ok`; `partial` when some archives failed, were not begun, are partial or unconfirmed; `failed` when all failed or
  /// were not begun.
  package var status: JobStatus {
    JobStatus(
      results.map { result in
        switch result.status {
        case .ok, .skipped: .ok
        case .partial, .unconfirmed: .partial
        case .failed, .notBegun: .failed
        }
      })
  }

  package init(results: [RestoreResult], lake: String? = nil, resumedJobs: [Int]? = nil) {
    self.results = results
    self.lake = lake
    self.resumedJobs = resumedJobs
  }

  enum CodingKeys: String, CodingKey {
    case status, results, lake
    case resumedJobs = "resumed_jobs"
  }

  /// Encodes a single result as it is, and several as `status` and `results`; beside them the lake.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(lake, forKey: .lake)
    try container.encodeIfPresent(resumedJobs, forKey: .resumedJobs)
    if results.count == 1, resumedJobs == nil { return try results[0].encode(to: encoder) }
    try container.encode(status, forKey: .status)
    try container.encode(results, forKey: .results)
  }
}
