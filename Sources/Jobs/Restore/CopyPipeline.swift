package import Archive
import Database
import Essentials
import Foundation
import Lake
package import Postgres
package import Reporting

/// Carries the CSV of one archive into one COPY: lake -> gunzip -> header -> COPY. The first piece is read before the COPY begins,
/// because the header decides what it fills.
package struct CopyPipeline {
  /// Pieces of ~256 KiB that the lake and the decompressor may be ahead of COPY.
  package static let chunksAhead = 4

  package let reader: ArchiveReader
  package let format: CSVFormat
  /// Counts the file's records on the way: for a file whose number of rows nothing else tells.
  package let countsRecords: Bool
  package let progress: JobProgress
  /// What COPY gets first: CSV that was read with the header and is not part of it.
  private var firstRows: [UInt8] = []
  private var hasHeader = false
  /// By how much the server's line numbers fall short of the file's.
  private var linesBefore = 0

  package init(reader: ArchiveReader, format: CSVFormat, countsRecords: Bool, progress: JobProgress) {
    self.reader = reader
    self.format = format
    self.countsRecords = countsRecords
    self.progress = progress
  }

  /// Reads the header and puts an empty line in its place, which COPY skips as a header. The server learns from it how
  /// lines end, without which it would not count the line breaks within the first row.
  /// - Throws: ``JobError`` `bad_header`, `archive_corrupt`.
  package mutating func readHeader() async throws -> CSVHeaderParser.Header {
    var parser = CSVHeaderParser(format: format)
    var header: CSVHeaderParser.Header?
    while header == nil, let piece = try await reader.next() { header = try parser.feed(piece) }
    let whole = try header ?? parser.finish()
    firstRows = whole.lineEnd + whole.rest
    hasHeader = true
    linesBefore = max(0, whole.lines - 1)
    return whole
  }

  /// Takes a byte order mark off a file without a header.
  package mutating func readByteOrderMark() async throws {
    while firstRows.count < CSVHeaderParser.byteOrderMark.count, let piece = try await reader.next() {
      firstRows += piece
    }
    if firstRows.starts(with: CSVHeaderParser.byteOrderMark) {
      firstRows.removeFirst(CSVHeaderParser.byteOrderMark.count)
    }
  }

  /// Sends all rows and gives the number the server stored.
  /// - Throws: ``JobError`` `bad_row` with the file's own line, `rows_not_stored`, and the like; whatever broke the way off.
  package func load(_ copy: CopyIn) async throws -> Int {
    do {
      guard let sent = try await send(to: copy) else {
        // The server has ended the COPY; this throws its error.
        return try await copy.finish()
      }
      let rows = try await copy.finish()
      if let counter = sent.counter { try check(rows, against: counter) }
      return rows
    } catch PostgresError.server(let error) {
      throw JobError(server: error, linesBefore: linesBefore)
    }
  }

  private struct Sent: Sendable {
    var counter: CSVRecordCounter?
  }

  /// Sends all rows; nil when the server ended the COPY before.
  private func send(to copy: CopyIn) async throws -> Sent? {
    let channel = BoundedChannel<[UInt8]>(capacity: Self.chunksAhead)
    return try await withThrowingTaskGroup(of: Sent?.self) { group in
      group.addTask {
        if !firstRows.isEmpty { try await channel.send(firstRows) }
        while let piece = try await reader.next() { try await channel.send(piece) }
        channel.finish()
        return nil
      }
      // The writer sees an error of the server as it writes; while the lake is slow, this one does.
      group.addTask {
        try await copy.watch()
        return nil
      }
      group.addTask {
        var counter = countsRecords ? CSVRecordCounter(format: format) : nil
        while let piece = try await channel.receive() {
          counter?.feed(piece)
          try await copy.write(piece)
          await report(piece.count)
        }
        return Sent(counter: counter)
      }
      defer { group.cancelAll() }
      do {
        // One by one: `waitForAll` would wait for the stage that waits for the one that failed.
        for try await result in group {
          if let result { return result }
        }
      } catch is CopyIn.Ended {
        return nil
      }
      throw CancellationError()
    }
  }

  /// The server has stored every record of the file, or the load is rolled back. A last line `\.` is no record to servers
  /// before PostgreSQL 18, and one in the middle is the end of the data to them.
  private func check(_ rows: Int, against counter: CSVRecordCounter) throws {
    var counter = counter
    let lines = counter.finish()
    let before = hasHeader ? 1 : 0
    let records = lines - before
    guard rows != records, !(rows == records - 1 && counter.endMark == lines) else { return }
    if counter.endMark == rows + before + 1 {
      throw JobError(
        .badRow,
        "the file has \(records) rows, of which the server took \(rows): a line that holds only \\. ends the data for it. "
          + "Nothing was loaded. Put the value in quotes", details: ["row": .integer(rows + 1)])
    }
    throw JobError.rowsNotStored(rows, of: records)
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
