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
  /// Manifests that were listed and could not be read, or are none: their archives are there without rows and without a known length.
  package var unreadManifests: [LakePath] = []

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
    // The days of one table follow one another.
    var run = Run()
    for try await entry in lake.list(under: folder, recursive: false) {
      if entry.isDirectory {
        folders.append(entry.path)
        continue
      }
      guard let (stem, day) = Self.parts(of: entry.path.name, ending, after: run.stem) else { continue }
      if let stem {
        end(&run)
        let known = tables[stem]
        run.stem = stem
        run.table = known ?? table("\(stem).\(day)\(ArchiveLayout.fileExtension)")
        if known == nil { tables[stem] = .some(run.table) }
      }
      if run.table != nil {
        run.days[day] = File(length: entry.length, etag: ManifestFacts.hash(etag: entry.etag))
      } else {
        shortened.append(entry)
      }
    }
    end(&run)
  }

  /// The files that follow one another with the same stem.
  private struct Run {
    var stem: String?
    var table: TableName?
    var days: [Day: File] = [:]
  }

  private mutating func end(_ run: inout Run) {
    if let table = run.table, !run.days.isEmpty {
      if files[table] == nil {
        files[table] = run.days
      } else {
        files[table]?.merge(run.days) { $1 }
      }
    }
    run.days = [:]
  }

  /// The stem and the day of `<stem>.<YYYY-MM-DD><ending>`.
  /// - Parameter last: the stem before; where it is the same one, none is given.
  private static func parts(of name: String, _ ending: String, after last: String?) -> (stem: String?, day: Day)? {
    var (name, ending) = (name, ending)
    let dayLength = "YYYY-MM-DD".utf8.count
    return name.withUTF8 { bytes in
      ending.withUTF8 { ending in
        let length = bytes.count - ending.count - dayLength - 1
        guard length > 0, bytes[length] == UInt8(ascii: "."),
          bytes[(bytes.count - ending.count)...].elementsEqual(ending),
          let day = Day(utf8: bytes[(length + 1)..<(length + 1 + dayLength)])
        else { return nil }
        let stem = bytes[..<length]
        let isSame = last.map { $0.utf8.count == length && $0.utf8.elementsEqual(stem) } ?? false
        return (isSame ? nil : String(decoding: stem, as: UTF8.self), day)
      }
    }
  }
}
