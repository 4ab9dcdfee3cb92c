import Archive
import Essentials
import Foundation
import Lake
import Postgres
import Reporting

/// What was applied last, as a document in the lake: `_sluice/cron/<host>.<port>/<database>/<role>/<prefix>.json`.
struct CronState: Codable, Sendable {
  var formatVersion = 1
  var appliedAt: Date
  var jobs: [CronSpec]

  enum CodingKeys: String, CodingKey {
    case jobs
    case formatVersion = "format_version"
    case appliedAt = "applied_at"
  }
}

/// The documents about a pg_cron server in the lake.
struct CronDocuments: Sendable {
  let lake: any LakeStore
  /// Host and port of the server, the database of pg_cron, the role that signs in, and the prefix of its jobs.
  let names: [String]

  init(lake: any LakeStore, names: [String]) {
    (self.lake, self.names) = (lake, names)
  }

  init(lake: any LakeStore, _ target: PostgresTarget, _ prefix: String) {
    self.init(lake: lake, names: [target.host, "\(target.port)", target.database, target.user, prefix])
  }

  static let maximumBytes = 16 << 20

  /// The folder of the documents of all prefixes.
  func folder() throws -> LakePath {
    let parts = names.map { LakeName.encode($0) }
    return try LakePath(
      components: [ArchiveLayout.privateFolder, "cron", "\(parts[0]).\(parts[1])"] + parts[2..<4])
  }

  private func path(_ suffix: String) throws -> LakePath {
    try LakePath(components: folder().components + ["\(LakeName.encode(names[4]))\(suffix)"])
  }

  /// - Returns: nil where there is none.
  /// - Throws: `LakeError`; ``JobError`` `cron_refused` for a document that cannot be read.
  func read<Document: Decodable>(_ type: Document.Type, _ suffix: String) async throws -> (Document, etag: String)? {
    let path = try path(suffix)
    do {
      let reader = try await lake.openReader(path)
      let etag = reader.entry.etag
      await reader.close()
      let bytes = try await lake.readAll(path, limit: Self.maximumBytes)
      let decoder = JSONDecoder()
      decoder.dateDecodingStrategy = .iso8601
      return (try decoder.decode(type, from: Data(bytes)), etag)
    } catch LakeError.notFound {
      return nil
    } catch let error as DecodingError {
      Log.write(.warning, "a document of the lake cannot be read", ["path": "\(path)", "reason": "\(error)"])
      throw JobError(
        .cronRefused,
        "the document \(path) of the lake is none that this version can read; remove it where it is not needed")
    }
  }

  /// Writes the document, if it is still the one that was read.
  @discardableResult
  func write(_ document: some Encodable, _ suffix: String, replacing etag: String?) async throws -> String {
    try await lake.writeAll(
      ReportJSON.bytes(document), to: path(suffix), temporary: ArchiveLayout.newTemporaryPath(),
      condition: etag.map { .ifMatch($0) } ?? .ifAbsent
    ).etag
  }
}
