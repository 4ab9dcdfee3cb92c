import Foundation
import Lake
import Postgres

/// Carries one archive into one COPY: lake -> gunzip -> header -> COPY. The first piece is read before the COPY begins,
/// because the header decides what it fills.
struct ArchiveLoader {
  /// Pieces of ~256 KiB that the lake and the decompressor may be ahead of COPY.
  static let chunksAhead = 4

  let reader: ArchiveReader
  let progress: JobProgress
  /// CSV that was read with the header and is not part of it.
  private(set) var firstRows: [UInt8] = []

  init(reader: ArchiveReader, progress: JobProgress) {
    self.reader = reader
    self.progress = progress
  }

  /// Reads the header and takes it off the data.
  /// - Throws: ``JobError`` `bad_header`, `archive_corrupt`.
  mutating func readHeader(_ format: CSVFormat) async throws -> [[UInt8]] {
    var parser = CSVHeaderParser(format: format)
    while let piece = try await reader.next() {
      if let header = try parser.feed(piece) {
        firstRows = header.rest
        return header.names
      }
    }
    return try parser.finish().names
  }

  /// Sends all rows and gives the number the server stored.
  func load(_ copy: CopyIn) async throws -> Int {
    let channel = BoundedChannel<[UInt8]>(capacity: Self.chunksAhead)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        if !firstRows.isEmpty { try await channel.send(firstRows) }
        while let piece = try await reader.next() { try await channel.send(piece) }
        channel.finish()
      }
      group.addTask {
        while let piece = try await channel.receive() {
          try await copy.write(piece)
          await report(piece.count)
        }
      }
      do {
        try await group.waitForAll()
      } catch {
        group.cancelAll()
        throw error
      }
    }
    return try await copy.finish()
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
