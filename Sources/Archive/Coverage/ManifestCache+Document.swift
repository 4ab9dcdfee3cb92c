import Essentials
import Foundation
import Gzip
package import Lake
import TableDays

/// The document is gzip text:
///
///     sluice-manifests 1
///     =weavix<TAB>events.clicks
///     2024-01-01 9f3a60c1d2e4b578 297931 31964582 1704888000
///     end 1
///
/// A line with `=` has a folder, a tab and a table; the lines below it have a day, the hash of the manifest's ETag, rows, gzip bytes,
/// and the time of the verification in seconds since 1970, or `-`. The last line has the number of days.
extension ManifestCache {
  /// `<database>/_sluice/manifests.gz`.
  package static func document(database: String) throws -> LakePath {
    try ArchiveLayout.manifestFolder(database: database).appending("manifests.gz")
  }

  /// The content is not a whole document.
  struct Malformed: Error {}

  private static let head = "sluice-manifests 1"
  /// A document of a million manifests has about 30 MB.
  private static let maximumBytes = 64 << 20
  private static let maximumDays = 4_000_000
  private static let pieceBytes = 256 << 10

  static func read(_ path: LakePath, in lake: any LakeStore) async throws -> Facts {
    let bytes = try await lake.readAll(path, limit: maximumBytes)
    return try await LongWork.run(bytes: bytes.count) { try parse(bytes) }
  }

  static func write(
    _ facts: Facts, of database: String, in lake: any LakeStore, condition: LakePublishCondition
  ) async throws -> LakeEntry {
    let bytes = try await LongWork.run(bytes: .max) { try encode(facts) }
    return try await lake.writeAll(
      bytes, to: document(database: database), temporary: ArchiveLayout.newTemporaryPath(database: database),
      condition: condition)
  }

  /// - Throws: `GzipError`.
  static func encode(_ facts: Facts) throws -> [UInt8] {
    var compressor = try GzipCompressor()
    var output: [UInt8] = []
    var text = head + "\n"
    var count = 0
    for (folder, tables) in facts {
      for (table, days) in tables where !days.isEmpty {
        // A name may hold any character; a line ends at the first line feed.
        guard !"\(table)".utf8.contains(UInt8(ascii: "\n")) else { continue }
        text += "=\(folder)\t\(table)\n"
        for (day, facts) in days {
          let verified = facts.verifiedAt.map { String(Int($0.timeIntervalSince1970)) } ?? "-"
          text += "\(day) \(String(facts.etag, radix: 16)) \(facts.rows) \(facts.gzipBytes) \(verified)\n"
          count += 1
          if text.utf8.count >= pieceBytes {
            try compressor.compress(Array(text.utf8), into: &output)
            text = ""
          }
        }
      }
    }
    text += "end \(count)\n"
    try compressor.compress(Array(text.utf8), into: &output)
    try compressor.finish(into: &output)
    return output
  }

  /// - Throws: ``Malformed``, `GzipError`.
  static func parse(_ bytes: [UInt8]) throws -> Facts {
    var decompressor = GzipDecompressor()
    var reading = DocumentReading()
    var line: [UInt8] = []
    try decompressor.feed(bytes)
    while let piece = try decompressor.next(maxBytes: pieceBytes) {
      var rest = piece[...]
      while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
        line += rest[..<end]
        try reading.take(line)
        line.removeAll(keepingCapacity: true)
        rest = rest[(end + 1)...]
      }
      line += rest
      // A document of this program has short lines.
      guard line.count < 4096 else { throw Malformed() }
    }
    try decompressor.finish()
    guard line.isEmpty, reading.isAtEnd else { throw Malformed() }
    return reading.facts
  }

  /// Reads the document line by line.
  private struct DocumentReading {
    var facts: Facts = [:]
    private(set) var isAtEnd = false
    private var isAtStart = true
    private var place: (folder: LakePath, table: TableName)?
    private var days: [Day: ManifestFacts] = [:]
    private var count = 0

    mutating func take(_ line: [UInt8]) throws {
      guard !isAtEnd else { throw Malformed() }
      if isAtStart {
        isAtStart = false
        guard line.elementsEqual(ManifestCache.head.utf8) else { throw Malformed() }
      } else if line.first == UInt8(ascii: "=") {
        endTable()
        guard let text = String(validating: line.dropFirst(), as: UTF8.self), let tab = text.firstIndex(of: "\t"),
          let folder = try? LakePath(String(text[..<tab])),
          let table = try? TableName(parsing: String(text[tab...].dropFirst()))
        else { throw Malformed() }
        place = (folder, table)
      } else {
        let words = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        if words.count == 2, words[0].elementsEqual("end".utf8) {
          endTable()
          guard Self.number(words[1]) == count else { throw Malformed() }
          isAtEnd = true
        } else {
          try takeDay(words)
        }
      }
    }

    private mutating func takeDay(_ words: [ArraySlice<UInt8>]) throws {
      guard place != nil, count < ManifestCache.maximumDays, words.count == 5,
        let day = Day(String(decoding: words[0], as: UTF8.self)),
        let etag = UInt64(String(decoding: words[1], as: UTF8.self), radix: 16), let rows = Self.number(words[2]),
        let gzipBytes = Self.number(words[3])
      else { throw Malformed() }
      var verifiedAt: Date?
      if !words[4].elementsEqual("-".utf8) {
        guard let seconds = Self.number(words[4]) else { throw Malformed() }
        verifiedAt = Date(timeIntervalSince1970: TimeInterval(seconds))
      }
      days[day] = ManifestFacts(etag: etag, rows: rows, gzipBytes: gzipBytes, verifiedAt: verifiedAt)
      count += 1
    }

    private mutating func endTable() {
      guard let (folder, table) = place else { return }
      facts[folder, default: [:]][table] = days
      place = nil
      days = [:]
    }

    /// A number of at most 18 digits.
    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
      guard !digits.isEmpty, digits.count <= 18 else { return nil }
      var number = 0
      for digit in digits {
        guard digit.isDigit else { return nil }
        number = number * 10 + Int(digit & 0x0F)
      }
      return number
    }
  }
}
