package import Essentials
package import Foundation
package import Lake
import Reporting
package import TableDays

/// The file of rows that a maintenance task deletes: `<database>/<schema>.<table>.deleted.<YYYYMMDDTHHMMSSZ>.csv.gz`, with a manifest in
/// `_sluice`. Its name has no day, so that no catalog takes it for the archive of one.
package struct DeletedRows: Sendable {
  package let path: LakePath
  let manifestPath: LakePath
  let database: String
  let table: TableName
  let lake: any LakeStore

  /// A free place for rows that are deleted at `instant`, or so many seconds after it as there are files already.
  /// - Throws: `LakeError`.
  package init(of table: TableName, in database: String, at instant: Date, lake: any LakeStore) async throws {
    self.table = table
    self.database = database
    self.lake = lake
    let names = "\(LakeName.encode(table.schema)).\(LakeName.encode(table.name))"
    for second in 0... {
      let stem = "\(names).deleted.\(Self.stamp(instant.addingTimeInterval(Double(second))))"
      let path = try ArchiveLayout.folder(database: database).appending(stem + ArchiveLayout.fileExtension)
      if try await lake.properties(of: path) == nil {
        self.path = path
        manifestPath = try ArchiveLayout.manifestPath(beside: path)
        return
      }
    }
    preconditionFailure("there is always a next second")
  }

  /// `20240131T235959Z`.
  static func stamp(_ instant: Date) -> String {
    instant.formatted(.iso8601).replacing("-", with: "").replacing(":", with: "")
  }

  /// The database of a path that has the form of such a file's; nil for any other.
  package static func database(of path: LakePath) -> String? {
    guard let folder = path.parent?.name, path.name.contains(#/^[^.]+\.[^.]+\.deleted\.\d{8}T\d{6}Z\.csv\.gz$/#) else {
      return nil
    }
    return try? LakeName.decode(folder)
  }

  /// What the manifest beside such a file says of it; nil for any other file, and without a manifest.
  /// - Throws: ``JobError`` `manifest_unreadable`, `LakeError`.
  package static func figures(of path: LakePath, in lake: any LakeStore) async throws -> (rows: Int, sha256: String)? {
    guard database(of: path) != nil else { return nil }
    let manifest = try ArchiveLayout.manifestPath(beside: path)
    let bytes: [UInt8]
    do {
      bytes = try await lake.readAll(manifest, limit: ArchiveManifest.maximumBytes)
    } catch LakeError.notFound {
      return nil
    }
    guard case .object(let members)? = try? JSONValue(parsing: bytes), let rows = members["rows"]?.whole,
      case .string(let sha256)? = members["sha256"]
    else {
      throw JobError(
        .manifestUnreadable,
        "\(manifest) does not tell the rows and the SHA-256 of its file. Move it away to load without it")
    }
    return (rows, sha256)
  }

  /// A new file at a temporary path.
  package func file() async throws -> UnpublishedFile {
    try await UnpublishedFile(at: ArchiveLayout.newTemporaryPath(database: database), in: lake)
  }

  /// Puts the file and then its manifest in their places. Until the last one is there, nothing may be deleted.
  /// - Parameter details: what the manifest says beside the figures, such as the task.
  /// - Returns: the file's ETag.
  /// - Throws: `LakeError`.
  package func publish(
    _ file: UnpublishedFile, _ proof: ArchiveProof, _ details: [String: JSONValue]
  ) async throws -> String {
    let entry = try await file.writer.publish(as: path, condition: .ifAbsent)
    var members = details
    members["format_version"] = .integer(ArchiveManifest.currentFormat)
    members["kind"] = .string("deleted_rows")
    members["database"] = .string(database)
    members["table"] = .string("\(table)")
    members["path"] = .string("\(path)")
    members["rows"] = .integer(proof.rows)
    members["csv_bytes"] = .integer(proof.csvBytes)
    members["gzip_bytes"] = .integer(proof.gzipBytes)
    members["sha256"] = .string(proof.sha256.description)
    members["rows_hash"] = .string(proof.rowsHash.description)
    _ = try await lake.writeAll(
      Array((JSONValue.object(members).compact + "\n").utf8), to: manifestPath,
      temporary: ArchiveLayout.newTemporaryPath(database: database), condition: .ifAbsent)
    return entry.etag
  }

  /// Removes the manifest, then the file: none of its rows was deleted.
  /// - Throws: `LakeError`.
  package func remove() async throws {
    try await lake.delete(manifestPath)
    try await lake.delete(path)
  }
}
