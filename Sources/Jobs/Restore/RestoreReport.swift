package import Database
import Foundation
package import Reporting
package import TableDays

/// What became of one archive.
package struct RestoreResult: Sendable, Encodable, Equatable {
  /// How it ended.
  package enum Status: String, Sendable, Encodable {
    /// The rows are in the table.
    case ok
    /// The rows are in the table; a step after the commit failed.
    case partial
    /// Rows were there already, and were left alone.
    case skipped
    /// Nothing was loaded.
    case failed
    /// The job was cut short before this archive.
    case notBegun = "not_begun"
  }

  /// One optional step.
  package struct Step: Sendable, Encodable, Equatable {
    /// `decompress`, `recompress`, `refresh_caggs`.
    package var name: String
    /// `ok`, `skipped`, `failed`.
    package var status: String
    /// Why.
    package var detail: String
  }

  /// The span of the file.
  package struct Window: Sendable, Encodable, Equatable {
    /// First instant.
    package var start: String
    /// First instant after it.
    package var end: String

    init(_ window: DayWindow) {
      (start, end) = window.texts
    }
  }

  /// How it ended.
  package var status: Status
  /// Database.
  package var database: String
  /// The table the rows go to.
  package var targetTable: TableName
  /// The span of the file.
  package var dateWindow: Window
  /// How the rows got there.
  package var mode: LoadPolicy.Mode
  /// Columns filled from the file.
  package var columnsLoaded: [String] = []
  /// Rows now in the table by this restore.
  package var rowsLoaded = 0
  /// Rows of the file that were in the table already.
  package var rowsSkipped = 0
  /// Bytes of CSV read.
  package var csvBytes = 0
  /// Bytes of gzip read.
  package var gzipBytes = 0
  /// Seconds it took.
  package var seconds = 0.0
  /// Optional steps.
  package var steps: [Step] = []
  /// What is odd about it.
  package var warnings: [String] = []
  /// What failed.
  package var error: JobError?

  enum CodingKeys: String, CodingKey {
    case status, database, mode, seconds, steps, warnings, error
    case targetTable = "target_table"
    case dateWindow = "date_window"
    case columnsLoaded = "columns_loaded"
    case rowsLoaded = "rows_loaded"
    case rowsSkipped = "rows_skipped"
    case csvBytes = "csv_bytes"
    case gzipBytes = "gzip_bytes"
  }
}

/// The answer to a ``RestoreRequest``: one result for each archive. It lists what was done also when the job was cut short.
package struct RestoreReport: Sendable, Encodable {
  /// One for each archive, by day.
  package var results: [RestoreResult]

  /// `ok`, `partial` when some failed, were not begun or are partial, `failed` when all failed.
  package var status: JobStatus {
    JobStatus(
      results.map { result in
        switch result.status {
        case .ok, .skipped: .ok
        case .partial: .partial
        case .failed, .notBegun: .failed
        }
      })
  }

  package init(results: [RestoreResult]) {
    self.results = results
  }

  enum CodingKeys: String, CodingKey {
    case status, results
  }

  /// A single result as it is; several under `results`.
  package func encode(to encoder: any Encoder) throws {
    if results.count == 1 { return try results[0].encode(to: encoder) }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(status, forKey: .status)
    try container.encode(results, forKey: .results)
  }
}
