import Foundation

/// What became of one table-day.
public struct BackupResult: Sendable, Encodable, Equatable {
  /// How it ended.
  public enum Status: String, Sendable, Encodable {
    /// A new archive is in the lake.
    case ok
    /// The archive that is there was left alone.
    case skipped
    /// The new archive is in the lake, or may be, and the storage did not confirm that it stays; `error` says more.
    case unconfirmed
    /// Nothing was written.
    case failed
  }

  /// How it ended.
  public var status: Status
  /// Database.
  public var database: String
  /// `schema.table`.
  public var table: String
  /// Day.
  public var date: Day
  /// Why it was left alone: `exists`.
  public var skipped: String?
  /// The archive's place under `LAKE_URL`.
  public var path: String?
  /// Rows archived.
  public var rows: Int?
  /// Bytes of CSV.
  public var csvBytes: Int?
  /// Bytes of gzip.
  public var gzipBytes: Int?
  /// SHA-256 of the gzip file, hexadecimal.
  public var sha256: String?
  /// Seconds it took.
  public var seconds: Double?
  /// What is odd about it.
  public var warnings: [String] = []
  /// What failed.
  public var error: JobFailure?

  enum CodingKeys: String, CodingKey {
    case status, database, table, date, skipped, path, rows
    case csvBytes = "csv_bytes"
    case gzipBytes = "gzip_bytes"
    case sha256, seconds, warnings, error
  }
}

/// A failure within an answer that holds several results.
public struct JobFailure: Sendable, Encodable, Equatable {
  /// The error itself.
  public let cause: JobError

  init(_ cause: JobError) {
    self.cause = cause
  }

  /// Writes `code`, `detail`, `field` and the error's own details.
  public func encode(to encoder: any Encoder) throws {
    var members = cause.details
    members["code"] = .string(cause.code)
    members["detail"] = .string(cause.message)
    if let field = cause.field { members["field"] = .string(field) }
    try JSONValue.object(members).encode(to: encoder)
  }
}

/// The answer to a ``BackupRequest``: one result for each table-day, in the order asked for.
public struct BackupReport: Sendable, Encodable {
  /// `ok`, `partial` when some failed or are unconfirmed, `failed` when all failed.
  public var status: String {
    let failures = results.filter { $0.status == .failed }.count
    if failures == results.count, failures > 0 { return "failed" }
    return failures > 0 || results.contains { $0.status == .unconfirmed } ? "partial" : "ok"
  }
  /// One for each table-day.
  public var results: [BackupResult]

  enum CodingKeys: String, CodingKey {
    case status, results
  }

  /// Writes the status with the results.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(status, forKey: .status)
    try container.encode(results, forKey: .results)
  }
}
