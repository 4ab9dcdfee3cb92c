import Foundation
import Lake
import Postgres

/// Carries one archive into one COPY: lake -> gunzip -> header -> COPY. The first piece is read before the COPY begins,
/// because the header decides what it fills.
struct ArchiveLoader {
  /// Pieces of ~256 KiB that the lake and the decompressor may be ahead of COPY.
  static let chunksAhead = 4

  let reader: ArchiveReader
  let format: CSVFormat
  let progress: JobProgress
  /// What COPY gets first: CSV that was read with the header and is not part of it.
  private var firstRows: [UInt8] = []
  private var hasHeader = false
  /// By how much the server's line numbers fall short of the file's.
  private var linesBefore = 0

  init(reader: ArchiveReader, format: CSVFormat, progress: JobProgress) {
    self.reader = reader
    self.format = format
    self.progress = progress
  }

  /// Reads the header and puts an empty line in its place, which COPY skips as a header. The server learns from it how
  /// lines end, without which it would not count the line breaks within the first row.
  /// - Throws: ``JobError`` `bad_header`, `archive_corrupt`.
  mutating func readHeader() async throws -> [[UInt8]] {
    var parser = CSVHeaderParser(format: format)
    var header: CSVHeaderParser.Header?
    while header == nil, let piece = try await reader.next() { header = try parser.feed(piece) }
    let whole = try header ?? parser.finish()
    firstRows = whole.lineEnd + whole.rest
    hasHeader = true
    linesBefore = max(0, whole.lines - 1)
    return whole.names
  }

  /// Takes a byte order mark off a file without a header.
  mutating func readByteOrderMark() async throws {
    while firstRows.count < CSVHeaderParser.byteOrderMark.count, let piece = try await reader.next() {
      firstRows += piece
    }
    if firstRows.starts(with: CSVHeaderParser.byteOrderMark) {
      firstRows.removeFirst(CSVHeaderParser.byteOrderMark.count)
    }
  }

  /// Sends all rows and gives the number the server stored.
  /// - Throws: ``JobError`` `bad_row` with the file's own line and the like; whatever broke the way off.
  func load(_ copy: CopyIn) async throws -> Int {
    do {
      let hasTerminator = try await send(to: copy)
      let rows = try await copy.finish()
      if hasTerminator { try await checkRows(rows) }
      return rows
    } catch PostgresError.server(let error) {
      throw JobError(server: error, linesBefore: linesBefore)
    }
  }

  /// Sends all rows; true when a line of them may have told the server that the data ends there.
  private func send(to copy: CopyIn) async throws -> Bool {
    let channel = BoundedChannel<[UInt8]>(capacity: Self.chunksAhead)
    return try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask {
        if !firstRows.isEmpty { try await channel.send(firstRows) }
        while let piece = try await reader.next() { try await channel.send(piece) }
        channel.finish()
        return false
      }
      group.addTask {
        var terminator = CopyTerminator()
        while let piece = try await channel.receive() {
          terminator.look(at: piece)
          try await copy.write(piece)
          await report(piece.count)
        }
        return terminator.isSeen
      }
      var hasTerminator = false
      do {
        // One by one: `waitForAll` would wait for the stage that waits for the one that failed.
        for try await result in group where result { hasTerminator = true }
      } catch {
        group.cancelAll()
        throw error
      }
      return hasTerminator
    }
  }

  /// Servers before PostgreSQL 18 end the data at a line `\.` and drop what follows, without a word. Within quotes it is
  /// text, and as the last line it is meant so.
  private func checkRows(_ rows: Int) async throws {
    let records = try await reader.recount(format) - (hasHeader ? 1 : 0)
    guard records > rows + 1 else { return }
    throw JobError(
      .unprocessable, code: "bad_row",
      "the file has \(records) rows, of which the server took \(rows): a line that holds only \\. ends the data for it. "
        + "Nothing was loaded. Put the value in quotes", details: ["row": .number(Double(rows + 1))])
  }

  private func report(_ bytes: Int) async {
    let gzipBytes = await reader.gzipBytes
    progress.update { reading in
      reading.csvBytes += bytes
      reading.gzipBytes = gzipBytes
      reading.fraction = reader.entry.length > 0 ? min(0.99, Double(gzipBytes) / Double(reader.entry.length)) : nil
    }
  }
}
