package import Archive
import Database
import Essentials
import Foundation
import Lake
package import Postgres
package import Reporting

/// Sends the CSV of one archive to one COPY: lake -> gunzip -> header -> COPY. The header is read before the COPY
/// begins, because the COPY lists its columns.
package struct CopyPipeline {
  /// The pieces of about 256 KiB that are buffered between the decompressor and the COPY.
  package static let chunksAhead = 4

  package let reader: ArchiveReader
  package let format: CSVFormat
  /// Count the file's records: for a file without a manifest.
  package let countsRecords: Bool
  package let progress: JobProgress
  /// The columns of the COPY with their types, for the error of a row.
  var types: [String: String] = [:]
  /// The bytes to send first: the line in place of the header, and CSV that was read together with the header.
  private var firstRows: [UInt8] = []
  private var hasHeader = false
  /// The difference between the file's line numbers and the server's.
  private var linesBefore = 0

  package init(reader: ArchiveReader, format: CSVFormat, countsRecords: Bool, progress: JobProgress) {
    self.reader = reader
    self.format = format
    self.countsRecords = countsRecords
    self.progress = progress
  }

  /// Reads the header and replaces it by an empty line, which COPY skips as a header. The empty line has the file's
  /// line end: the server needs it to count the line breaks within the first row.
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

  /// Removes a byte order mark from a file without a header.
  package mutating func readByteOrderMark() async throws {
    while firstRows.count < CSVHeaderParser.byteOrderMark.count, let piece = try await reader.next() {
      firstRows += piece
    }
    if firstRows.starts(with: CSVHeaderParser.byteOrderMark) {
      firstRows.removeFirst(CSVHeaderParser.byteOrderMark.count)
    }
  }

  /// Sends all rows.
  /// - Returns: the number of rows that the server stored.
  /// - Throws: ``JobError`` `bad_row` with the line in the file, `rows_not_stored` and other errors of the server; the
  ///   errors of the lake.
  package func load(_ copy: CopyIn) async throws -> Int {
    do {
      guard let sent = try await send(to: copy) else {
        // The server has ended the COPY: `finish` throws its error.
        return try await copy.finish()
      }
      let rows = try await copy.finish()
      if let counter = sent.counter { try check(rows, against: counter) }
      return rows
    } catch PostgresError.server(let error) {
      throw JobError(server: error, linesBefore: linesBefore, types: types)
    }
  }

  private struct Sent: Sendable {
    var counter: CSVRecordCounter?
  }

  /// Sends all rows; nil when the server ended the COPY early.
  private func send(to copy: CopyIn) async throws -> Sent? {
    let channel = BoundedChannel<[UInt8]>(capacity: Self.chunksAhead)
    return try await withThrowingTaskGroup(of: Sent?.self) { group in
      group.addTask {
        if !firstRows.isEmpty { try await channel.send(firstRows) }
        while let piece = try await reader.next() { try await channel.send(piece) }
        channel.finish()
        return nil
      }
      // The writer notices an error of the server only when it writes; this task notices it while the lake is slow.
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
        // One by one: `waitForAll` would wait for a stage that waits for the failed one.
        for try await result in group {
          if let result { return result }
        }
      } catch is CopyIn.Ended {
        return nil
      }
      throw CancellationError()
    }
  }

  /// Checks that the server has stored every record of the file; otherwise the load is rolled back. Servers before
  /// PostgreSQL 18 treat a line `\.` as the end of the data: as the last line it is not a record, in the middle it
  /// hides the rest.
  private func check(_ rows: Int, against counter: CSVRecordCounter) throws {
    var counter = counter
    let lines = counter.finish()
    let before = hasHeader ? 1 : 0
    let records = lines - before
    guard rows != records, !(rows == records - 1 && counter.endMark == lines) else { return }
    if counter.endMark == rows + before + 1 {
      throw JobError(
        .badRow,
        "the file has \(records) rows, of which the server read \(rows): it takes a line that holds only \\. as the "
          + "end of the data. Nothing was loaded. Put the value in quotes", details: ["row": .integer(rows + 1)])
    }
    throw JobError.rowsNotStored(rows, of: records)
  }

  private func report(_ bytes: Int) async {
    let gzipBytes = await reader.gzipBytes
    progress.update { reading in
      reading.csvBytes += bytes
      reading.gzipBytes = gzipBytes
    }
    if reader.entry.length > 0 { progress.advance(to: Double(gzipBytes) / Double(reader.entry.length)) }
  }
}
