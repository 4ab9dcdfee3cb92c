import Foundation
import Lake

/// What is known of an archive, in a JSON file of its own beside it. It is the proof that verify and retention go by.
public struct ArchiveManifest: Sendable, Codable, Equatable {
  /// The form of this file that the program writes.
  public static let currentFormat = 1
  /// The most bytes a manifest may have; a table has at most 1,600 columns.
  static let maximumBytes = 4 << 20

  /// The archived span.
  public struct Window: Sendable, Codable, Equatable {
    /// First instant, ISO 8601 with offset.
    public var start: String
    /// First instant after it, ISO 8601 with offset.
    public var end: String
    /// Time zone identifier, such as `UTC`.
    public var timeZone: String
    /// The column whose values lie in the span.
    public var timeColumn: String

    enum CodingKeys: String, CodingKey {
      case start, end
      case timeZone = "time_zone"
      case timeColumn = "time_column"
    }
  }

  /// One column of the file, in order.
  public struct Column: Sendable, Codable, Equatable {
    /// Name, as in the header.
    public var name: String
    /// Type, as `format_type` prints it.
    public var type: String
  }

  /// ``currentFormat`` when written.
  public var formatVersion: Int
  /// Database.
  public var database: String
  /// Table as `schema.table`.
  public var table: String
  /// Day as `YYYY-MM-DD`.
  public var date: Day
  /// The archived span.
  public var window: Window
  /// Columns of the file, in order.
  public var columns: [Column]
  /// Encoding of the text; absent in manifests of versions that knew UTF-8 alone.
  public var encoding: ArchiveEncoding?
  /// Rows, the header not counted.
  public var rows: Int
  /// Length of the CSV in bytes, header included.
  public var csvBytes: Int
  /// Length of the gzip file in bytes.
  public var gzipBytes: Int
  /// SHA-256 of the gzip file, lower-case hexadecimal.
  public var sha256: String
  /// Version of the server the rows came from, such as `15.18`.
  public var serverVersion: String
  /// The snapshot they were read in (`pg_current_snapshot()`).
  public var snapshot: String
  /// Version of the program that wrote the archive.
  public var programVersion: String
  /// When it was written.
  public var createdAt: Date
  /// When the whole file was last read back and found right; absent before that.
  public var verifiedAt: Date?

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

  /// The manifest of `archive`; nil when there is none.
  /// - Throws: ``JobError`` `manifest_unreadable`, ``LakeError``.
  static func read(of archive: ArchiveName, in lake: any LakeStore) async throws -> ArchiveManifest? {
    try await read(at: archive.manifestPath, in: lake)
  }

  /// The manifest at `path`; nil when there is none.
  /// - Throws: ``JobError`` `manifest_unreadable`, ``LakeError``.
  static func read(at path: LakePath, in lake: any LakeStore) async throws -> ArchiveManifest? {
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
        .unprocessable, code: "manifest_unreadable",
        "\(path) is not a manifest this version can read; remove it to use the archive without its proof")
    }
    return manifest
  }

  /// The file's content.
  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }
}
