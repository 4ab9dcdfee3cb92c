import Essentials
package import Foundation
package import Lake
import Reporting
package import TableDays

/// The description of an archive, in a JSON file beside it. Verify and retention rely on it as the archive's proof.
package struct ArchiveManifest: Sendable, Codable, Equatable {
  /// The format version that this program writes.
  static let currentFormat = 1
  /// The maximum length of a manifest; a table has at most 1,600 columns.
  package static let maximumBytes = 4 << 20

  /// The archived span.
  package struct Window: Sendable, Codable, Equatable {
    /// The first instant, in ISO 8601 with an offset.
    package var start: String
    /// The first instant after the span, in ISO 8601 with an offset.
    package var end: String
    /// Time zone identifier, such as `UTC`.
    package var timeZone: String
    /// The column whose values lie in the span.
    package var timeColumn: String
    /// The kind of that column; nil in manifests of older versions.
    package var kind: DaySpan.Kind?
    /// What an integer column counts; nil for other columns.
    package var unit: TimeUnit?
    /// The first value, as the database compared it.
    var startValue: String?
    /// The first value after the span, as the database compared it.
    var endValue: String?

    /// - Parameters:
    ///   - window: the day in the zone that gives it its instants: `BACKUP_TIMEZONE`, or the clock of a column without a
    ///     zone.
    ///   - span: the values of `timeColumn` that were archived.
    package init(_ window: DayWindow, timeColumn: String, span: DaySpan) {
      (start, end) = window.texts
      timeZone = window.timeZoneName
      self.timeColumn = timeColumn
      kind = span.kind
      unit = span.unit
      startValue = span.start
      endValue = span.end
    }

    enum CodingKeys: String, CodingKey {
      case start, end, kind, unit
      case timeZone = "time_zone"
      case timeColumn = "time_column"
      case startValue = "start_value"
      case endValue = "end_value"
    }
  }

  /// A column of the file.
  package struct Column: Sendable, Codable, Equatable {
    /// The name in the header.
    package var name: String
    /// The type, as `format_type` prints it.
    package var type: String
    /// The kind of type: `base`, `array`, `composite`, `domain`, `enum`, `range` or `multirange`; nil in manifests of
    /// older versions.
    package var kind: String?
    /// The table's column is NOT NULL; nil where it is not, and in manifests of older versions.
    package var notNull: Bool?

    package init(name: String, type: String, kind: String?, notNull: Bool? = nil) {
      self.name = name
      self.type = type
      self.kind = kind
      self.notNull = notNull
    }

    enum CodingKeys: String, CodingKey {
      case name, type, kind
      case notNull = "not_null"
    }
  }

  /// The parts of a manifest that the ``ArchiveProof`` does not hold.
  package struct Description: Sendable {
    package var tableDay: TableDay
    package var window: Window
    package var columns: [Column]
    package var encoding: ArchiveEncoding
    package var serverVersion: String
    package var snapshot: String
    package var programVersion: String
    package var createdAt: Date
    /// The key of the request that asked for the archive.
    package var requestKey: String?
    /// Of a hypertable: what makes another one like it.
    package var hypertable: Hypertable?
    /// How long the rows were read and written, in seconds; nil where that is not known.
    package var seconds: Double?

    package init(
      _ tableDay: TableDay, window: Window, columns: [Column], encoding: ArchiveEncoding, serverVersion: String,
      snapshot: String, programVersion: String, createdAt: Date, requestKey: String?, hypertable: Hypertable? = nil
    ) {
      self.tableDay = tableDay
      self.window = window
      self.columns = columns
      self.encoding = encoding
      self.serverVersion = serverVersion
      self.snapshot = snapshot
      self.programVersion = programVersion
      self.createdAt = createdAt
      self.requestKey = requestKey
      self.hypertable = hypertable
    }
  }

  var formatVersion: Int
  package var database: String
  package var table: TableName
  package var date: Day
  package var window: Window
  /// The columns of the file, in the file's order.
  package var columns: [Column]
  /// The encoding of the text; absent in manifests of versions that supported UTF-8 only.
  package var encoding: ArchiveEncoding?
  /// The number of rows without the header.
  package var rows: Int
  /// The length of the CSV in bytes, header included.
  package var csvBytes: Int
  /// The length of the gzip file in bytes.
  package var gzipBytes: Int
  /// The SHA-256 of the gzip file, in lower-case hexadecimal.
  package var sha256: String
  /// The hash of the rows, whatever their order (``RowsHash``), in lower-case hexadecimal; absent in manifests of older
  /// versions until the archive is verified as a whole.
  package var rowsHash: String?
  /// The file's ETag when it was written or last read back; absent in manifests of older versions.
  package var etag: String?
  /// The version of the database server, such as `15.18`.
  package var serverVersion: String
  /// The snapshot in which the rows were read (`pg_current_snapshot()`).
  package var snapshot: String
  /// The version of the program that wrote the archive.
  package var programVersion: String
  package var createdAt: Date
  /// The key of the request that asked for the archive; nil where it had none.
  package var requestKey: String?
  /// Of a hypertable: what makes another one like it; absent in manifests of older versions.
  package var hypertable: Hypertable?
  /// How long the rows were read and written, in seconds, from which the time of the table's other days is estimated; absent in
  /// manifests of older versions.
  package var seconds: Double?
  /// The last verification that found the archive to match; absent before the first one.
  package var verifiedAt: Date?
  /// What that verification compared: see `VerifyDepth`.
  package var verifiedDepth: String?
  /// The version of the program that did it.
  package var verifiedBy: String?
  /// Whether the archive was made by another program, and its manifest from what the file and the table say.
  package var isAdopted: Bool?

  enum CodingKeys: String, CodingKey {
    case formatVersion = "format_version"
    case database, table, date, window, columns, encoding, rows, hypertable, seconds
    case csvBytes = "csv_bytes"
    case gzipBytes = "gzip_bytes"
    case sha256, etag
    case rowsHash = "rows_hash"
    case serverVersion = "server_version"
    case snapshot
    case programVersion = "program_version"
    case createdAt = "created_at"
    case requestKey = "request_key"
    case verifiedAt = "verified_at"
    case verifiedDepth = "verified_depth"
    case verifiedBy = "verified_by"
    case isAdopted = "adopted"
  }

  package init(_ description: Description, proof: ArchiveProof) {
    formatVersion = Self.currentFormat
    database = description.tableDay.database
    table = description.tableDay.table
    date = description.tableDay.day
    window = description.window
    columns = description.columns
    encoding = description.encoding
    rows = proof.rows
    csvBytes = proof.csvBytes
    gzipBytes = proof.gzipBytes
    sha256 = proof.sha256.description
    rowsHash = proof.rowsHash.description
    etag = proof.etag
    serverVersion = description.serverVersion
    snapshot = description.snapshot
    programVersion = description.programVersion
    createdAt = description.createdAt
    requestKey = description.requestKey
    hypertable = description.hypertable
    seconds = description.seconds
  }

  /// The manifest at `path`; nil when there is none.
  /// - Throws: ``JobError`` `manifest_unreadable`, ``LakeError``.
  package static func read(at path: LakePath, in lake: any LakeStore) async throws -> ArchiveManifest? {
    let bytes: [UInt8]
    do {
      bytes = try await lake.readAll(path, limit: maximumBytes)
    } catch LakeError.notFound {
      return nil
    }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    // Foundation's decoder accepts ambiguous JSON, such as duplicate members, which the strict parser refuses.
    guard (try? JSONValue(parsing: bytes)) != nil,
      let manifest = try? decoder.decode(ArchiveManifest.self, from: Data(bytes)),
      manifest.formatVersion <= currentFormat
    else {
      throw JobError(
        .manifestUnreadable,
        "this version cannot read the manifest \(path); remove it to use the archive without its proof")
    }
    return manifest
  }

  /// The content of the manifest's file.
  package func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }
}
