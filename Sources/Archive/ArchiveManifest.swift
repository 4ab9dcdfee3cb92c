import Essentials
package import Foundation
package import Lake
import Reporting
package import TableDays

/// What is known of an archive, in a JSON file of its own beside it. It is the proof that verify and retention go by.
package struct ArchiveManifest: Sendable, Codable, Equatable {
  /// The form of this file that the program writes.
  static let currentFormat = 1
  /// The most bytes a manifest may have; a table has at most 1,600 columns.
  package static let maximumBytes = 4 << 20

  /// The archived span.
  package struct Window: Sendable, Codable, Equatable {
    /// First instant, ISO 8601 with offset.
    package var start: String
    /// First instant after it, ISO 8601 with offset.
    package var end: String
    /// Time zone identifier, such as `UTC`.
    package var timeZone: String
    /// The column whose values lie in the span.
    package var timeColumn: String

    /// The span of `window`, by the values of `timeColumn`.
    package init(_ window: DayWindow, timeColumn: String) {
      (start, end) = window.texts
      timeZone = window.timeZoneName
      self.timeColumn = timeColumn
    }

    enum CodingKeys: String, CodingKey {
      case start, end
      case timeZone = "time_zone"
      case timeColumn = "time_column"
    }
  }

  /// One column of the file, in order.
  package struct Column: Sendable, Codable, Equatable {
    /// Name, as in the header.
    package var name: String
    /// Type, as `format_type` prints it.
    package var type: String

    package init(name: String, type: String) {
      self.name = name
      self.type = type
    }
  }

  /// All that a manifest says beside the ``ArchiveProof``.
  package struct Description: Sendable {
    package var tableDay: TableDay
    package var window: Window
    package var columns: [Column]
    package var encoding: ArchiveEncoding
    package var serverVersion: String
    package var snapshot: String
    package var programVersion: String
    package var createdAt: Date

    package init(
      _ tableDay: TableDay, window: Window, columns: [Column], encoding: ArchiveEncoding, serverVersion: String,
      snapshot: String, programVersion: String, createdAt: Date
    ) {
      self.tableDay = tableDay
      self.window = window
      self.columns = columns
      self.encoding = encoding
      self.serverVersion = serverVersion
      self.snapshot = snapshot
      self.programVersion = programVersion
      self.createdAt = createdAt
    }
  }

  /// ``currentFormat`` when written.
  var formatVersion: Int
  /// Database.
  package var database: String
  /// Table.
  package var table: TableName
  /// Day as `YYYY-MM-DD`.
  package var date: Day
  /// The archived span.
  package var window: Window
  /// Columns of the file, in order.
  package var columns: [Column]
  /// Encoding of the text; absent in manifests of versions that knew UTF-8 alone.
  package var encoding: ArchiveEncoding?
  /// Rows, the header not counted.
  package var rows: Int
  /// Length of the CSV in bytes, header included.
  package var csvBytes: Int
  /// Length of the gzip file in bytes.
  package var gzipBytes: Int
  /// SHA-256 of the gzip file, lower-case hexadecimal.
  package var sha256: String
  /// Version of the server the rows came from, such as `15.18`.
  package var serverVersion: String
  /// The snapshot they were read in (`pg_current_snapshot()`).
  package var snapshot: String
  /// Version of the program that wrote the archive.
  package var programVersion: String
  /// When it was written.
  package var createdAt: Date
  /// When the whole file was last read back and found right; absent before that.
  package var verifiedAt: Date?

  enum CodingKeys: String, CodingKey {
    case formatVersion = "format_version"
    case database, table, date, window, columns, encoding, rows
    case csvBytes = "csv_bytes"
    case gzipBytes = "gzip_bytes"
    case sha256
    case serverVersion = "server_version"
    case snapshot
    case programVersion = "program_version"
    case createdAt = "created_at"
    case verifiedAt = "verified_at"
  }

  /// The manifest of a new archive, of which `proof` is the proof.
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
    serverVersion = description.serverVersion
    snapshot = description.snapshot
    programVersion = description.programVersion
    createdAt = description.createdAt
  }

  /// The manifest of `tableDay`'s archive; nil when there is none.
  /// - Throws: ``JobError`` `manifest_unreadable`, ``LakeError``.
  package static func read(of tableDay: TableDay, in lake: any LakeStore) async throws -> ArchiveManifest? {
    try await read(at: tableDay.manifestPath, in: lake)
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
    // The strict reader first: what two programs could read in two ways proves nothing.
    guard (try? JSONValue(parsing: bytes)) != nil,
      let manifest = try? decoder.decode(ArchiveManifest.self, from: Data(bytes)),
      manifest.formatVersion <= currentFormat
    else {
      throw JobError(
        .manifestUnreadable,
        "\(path) is not a manifest this version can read; remove it to use the archive without its proof")
    }
    return manifest
  }

  /// The file's content.
  package func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }
}
