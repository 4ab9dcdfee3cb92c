package import Foundation
package import Lake
package import TableDays

/// What a lake holds of one database: its archives with what their manifests say.
package struct LakeInventory: Sendable {
  /// One archive.
  package struct Archive: Sendable, Equatable {
    /// The length of the gzip file.
    package var gzipBytes: Int
    /// The manifest's row count; nil without a manifest that can be read.
    package var rows: Int?
    /// When the whole file was last read back, according to the manifest.
    package var verifiedAt: Date?
    /// The length that the manifest says, where it is another than the file's.
    package var expectedBytes: Int?
    /// Where it lies; nil is its place in today's layout.
    package var olderPath: LakePath?
    /// A hash of its ETag.
    var etag: UInt64

    package init(
      gzipBytes: Int, rows: Int? = nil, verifiedAt: Date? = nil, expectedBytes: Int? = nil, olderPath: LakePath? = nil,
      etag: UInt64 = 0
    ) {
      self.gzipBytes = gzipBytes
      self.rows = rows
      self.verifiedAt = verifiedAt
      self.expectedBytes = expectedBytes
      self.olderPath = olderPath
      self.etag = etag
    }
  }

  package let database: String
  package var archives: [TableName: [Day: Archive]] = [:]
  /// The days that have a manifest whose archive is gone.
  package var manifestsAlone: [TableName: Set<Day>] = [:]

  package init(database: String) {
    self.database = database
  }
}

/// The files of one folder that are named `<schema>.<table>.<YYYY-MM-DD>` and an ending, as they were listed.
struct ListedDays: Sendable {
  struct File: Sendable {
    let length: Int
    /// A hash of its ETag.
    let etag: UInt64
  }

  var files: [TableName: [Day: File]] = [:]
  /// Files whose names are shortened: they say neither table nor day.
  var shortened: [LakeEntry] = []
  var folders: [LakePath] = []

  /// Lists `folder`.
  /// - Parameters:
  ///   - ending: what follows the day.
  ///   - table: the table of a file by the archive's name of that stem and day. It is asked once for each stem.
  /// - Throws: `LakeError`.
  init(
    _ folder: LakePath, ending: String, in lake: any LakeStore, table: (_ archiveName: String) -> TableName?
  ) async throws {
    var tables: [String: TableName?] = [:]
    for try await entry in lake.list(under: folder, recursive: false) {
      if entry.isDirectory {
        folders.append(entry.path)
        continue
      }
      let name = entry.path.name
      guard let (stem, day) = Self.parts(of: name, ending) else { continue }
      let known = tables[stem]
      let named = known ?? table("\(stem).\(day)\(ArchiveLayout.fileExtension)")
      if known == nil { tables[stem] = .some(named) }
      if let named {
        files[named, default: [:]][day] = File(length: entry.length, etag: ManifestFacts.hash(etag: entry.etag))
      } else {
        shortened.append(entry)
      }
    }
  }

  /// The stem and the day of `<stem>.<YYYY-MM-DD><ending>`.
  private static func parts(of name: String, _ ending: String) -> (stem: String, day: Day)? {
    let bytes = name.utf8
    let tail = ending.utf8.count + "YYYY-MM-DD".utf8.count
    guard bytes.count > tail + 1, bytes.suffix(ending.utf8.count).elementsEqual(ending.utf8) else { return nil }
    let start = bytes.index(bytes.endIndex, offsetBy: -tail)
    let dot = bytes.index(before: start)
    guard bytes[dot] == UInt8(ascii: "."),
      let day = Day(name[start..<bytes.index(bytes.endIndex, offsetBy: -ending.utf8.count)])
    else { return nil }
    return (String(name[..<dot]), day)
  }
}
