import Essentials
package import Lake
import Reporting

/// What a whole reading of an archive has found: every gzip member was decompressed and matches its CRC-32, and every row has
/// as many fields as the header.
package struct ArchiveReading: Sendable {
  /// The file's properties when it was opened.
  package let entry: LakeEntry
  /// The names in the header.
  package let columns: [String]
  /// The number of rows without the header.
  package let rows: Int
  /// The length of the CSV in bytes, header included.
  package let csvBytes: Int
  /// The bytes that were read.
  package let gzipBytes: Int
  package let sha256: SHA256Digest
  package let rowsHash: RowsHash

  /// Reads the archive at `path`.
  /// - Parameter onProgress: receives the bytes of gzip that were read since its last call.
  /// - Throws: ``ArchiveDamage``; `LakeError`, which says nothing of the file's content.
  package init(
    _ path: LakePath, in lake: any LakeStore, onProgress: @Sendable (Int) -> Void = { _ in }
  ) async throws {
    let reader = try await ArchiveReader(path, in: lake)
    do {
      var rows = RecordReader()
      var told = 0
      do {
        while let bytes = try await reader.next() {
          try Task.checkCancellation()
          try rows.take(bytes)
          let total = await reader.gzipBytes
          onProgress(total - told)
          told = total
        }
        columns = try rows.finish()
      } catch let error as JobError {
        throw ArchiveDamage(error, row: rows.count + 1) ?? error as any Error
      }
      entry = reader.entry
      self.rows = rows.count
      csvBytes = await reader.csvBytes
      gzipBytes = await reader.gzipBytes
      sha256 = await reader.digest()
      rowsHash = rows.hash
      await reader.close()
    } catch {
      await reader.close()
      throw error
    }
  }
}

/// Takes the records of a CSV apart: header, rows, the fields of each row, and the hash of them all.
private struct RecordReader {
  private(set) var hash = RowsHash()
  /// The rows that have ended.
  private(set) var count = 0
  private var counter = CSVRecordCounter()
  private var parser = CSVHeaderParser(format: CSVFormat())
  private var columns: [String]?
  private var fields = 0
  /// The bytes of a record that goes on in the next piece.
  private var begun: [UInt8] = []

  mutating func take(_ bytes: [UInt8]) throws {
    if columns == nil, let header = try parser.feed(bytes) {
      columns = header.names.map { String(decoding: $0, as: UTF8.self) }
      fields = header.names.count
    }
    var ends: [(offset: Int, fields: Int)] = []
    let mayBeginWithLF = counter.isWithinLineEnd
    bytes.withUnsafeBytes { counter.feed($0) { ends.append(($0, $1)) } }
    var start = mayBeginWithLF && bytes.first == UInt8(ascii: "\n") ? 1 : 0
    for end in ends {
      try add(bytes[start..<end.offset], fields: end.fields)
      start = end.offset + 1
      let isPair = bytes[end.offset] == UInt8(ascii: "\r") && start < bytes.count && bytes[start] == UInt8(ascii: "\n")
      if isPair { start += 1 }
    }
    if start < bytes.count { begun += bytes[start...] }
  }

  /// - Returns: the names in the header.
  mutating func finish() throws -> [String] {
    let whole = counter.records
    let fields = counter.fields
    if counter.finish() > whole { try add([], fields: fields) }
    return try columns ?? parser.finish().names.map { String(decoding: $0, as: UTF8.self) }
  }

  private var hasHeader = false

  private mutating func add(_ end: ArraySlice<UInt8>, fields found: Int) throws {
    defer { begun.removeAll(keepingCapacity: true) }
    guard hasHeader else {
      hasHeader = true
      return
    }
    count += 1
    guard found == fields else {
      throw ArchiveDamage(
        .columns, "row \(count) has \(found) fields, and the header \(fields)", row: count)
    }
    if begun.isEmpty {
      end.withUnsafeBytes { hash.add($0) }
    } else {
      begun += end
      begun.withUnsafeBytes { hash.add($0) }
    }
  }
}
