import Foundation

/// What became of one archive.
public struct RestoreResult: Sendable, Encodable, Equatable {
  /// How it ended.
  public enum Status: String, Sendable, Encodable {
    /// The rows are in the table.
    case ok
    /// The rows are in the table; a step after the commit failed.
    case partial
    /// Rows were there already, and were left alone.
    case skipped
    /// Nothing was loaded.
    case failed
  }

  /// One optional step.
  public struct Step: Sendable, Encodable, Equatable {
    /// `decompress`, `recompress`, `refresh_caggs`, `flush`.
    public var name: String
    /// `ok`, `skipped`, `failed`.
    public var status: String
    /// Why.
    public var detail: String
  }

  /// The span of the file.
  public struct Window: Sendable, Encodable, Equatable {
    /// First instant.
    public var start: String
    /// First instant after it.
    public var end: String
  }

  /// How it ended.
  public var status: Status
  /// Database.
  public var database: String
  /// `schema.table`.
  public var targetTable: String
  /// The span of the file.
  public var dateWindow: Window
  /// How the rows got there.
  public var mode: RestoreRequest.Mode
  /// Columns filled from the file.
  public var columnsLoaded: [String] = []
  /// Rows now in the table by this restore.
  public var rowsLoaded = 0
  /// Rows of the file that were in the table already.
  public var rowsSkipped = 0
  /// Bytes of CSV read.
  public var csvBytes = 0
  /// Bytes of gzip read.
  public var gzipBytes = 0
  /// Seconds it took.
  public var seconds = 0.0
  /// Optional steps.
  public var steps: [Step] = []
  /// What is odd about it.
  public var warnings: [String] = []
  /// What failed.
  public var error: JobFailure?

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

/// The answer to a ``RestoreRequest``: one result for each archive.
public struct RestoreReport: Sendable, Encodable {
  /// One for each archive, by day.
  public var results: [RestoreResult]

  /// `ok`, `partial` when some failed or are partial, `failed` when all did.
  public var status: String {
    let failures = results.filter { $0.status == .failed }.count
    if failures == results.count, failures > 0 { return "failed" }
    return failures > 0 || results.contains { $0.status == .partial } ? "partial" : "ok"
  }

  enum CodingKeys: String, CodingKey {
    case status, results
  }

  /// A single result as it is; several under `results`.
  public func encode(to encoder: any Encoder) throws {
    if results.count == 1 { return try results[0].encode(to: encoder) }
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(status, forKey: .status)
    try container.encode(results, forKey: .results)
  }
}
