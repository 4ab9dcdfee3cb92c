import Essentials
import Gzip
import Lake
package import Reporting

/// Hashes and compresses CSV on a queue of its own, so that slow gzip levels do not block a thread of the cooperative pool.
private actor CompressionStage {
  private nonisolated let executor = QueueExecutor(label: "sluice.gzip")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private var compressor: GzipCompressor
  private var hasher = RowsHasher()

  init(level: Int) throws {
    compressor = try GzipCompressor(level: level)
  }

  func compress(_ chunk: ArchiveWriter.Chunk) throws -> [UInt8] {
    hasher.add(chunk.bytes, rowEnds: chunk.rowEnds)
    var output: [UInt8] = []
    try compressor.compress(chunk.bytes, into: &output)
    return output
  }

  var rowsHash: RowsHash { hasher.hash }

  func finish() throws -> [UInt8] {
    var output: [UInt8] = []
    try compressor.finish(into: &output)
    return output
  }

  /// A gzip member without content, which readers pass over (RFC 1952 §2.2).
  static func emptyMember(level: Int) throws -> [UInt8] {
    var compressor = try GzipCompressor(level: level)
    var output: [UInt8] = []
    try compressor.finish(into: &output)
    return output
  }
}

/// Writes the rows of one archive to one file of the lake: CSV -> gzip -> temporary path.
package struct ArchiveWriter: Sendable {
  /// A piece of CSV.
  package struct Chunk: Sendable {
    package let bytes: [UInt8]
    /// The offset after each record that ends in it, the header's included. A record that is wider than a chunk ends in a
    /// later one.
    package let rowEnds: [Int]

    package init(bytes: [UInt8], rowEnds: [Int]) {
      self.bytes = bytes
      self.rowEnds = rowEnds
    }
  }

  /// The totals of what was written.
  package struct Totals: Sendable {
    /// The number of rows without the header.
    package var rows: Int
    package var csvBytes: Int
    package var gzipBytes: Int
    /// The hash of the rows, whatever their order.
    package var rowsHash = RowsHash()

    package init(rows: Int = 0, csvBytes: Int = 0, gzipBytes: Int = 0) {
      self.rows = rows
      self.csvBytes = csvBytes
      self.gzipBytes = gzipBytes
    }
  }

  /// The gzip levels, from the fastest to the smallest.
  package static let levels = GzipCompressor.levels
  /// The level that keeps up with a database.
  package static let defaultLevel = GzipCompressor.defaultLevel

  /// The chunks of about 256 KiB that are buffered between the source and the compressor.
  private static let chunksAhead = 4

  private let writer: any LakeWriter
  private let level: Int
  private let progress: JobProgress
  private let estimatedRows: Double?
  private let otherLengths: Set<Int>

  /// - Parameters:
  ///   - level: one of ``levels``.
  ///   - estimatedRows: the planner's row estimate, for the progress.
  ///   - otherLengths: lengths that the file must not have; one that would have such a length gets an empty gzip member.
  package init(
    to file: UnpublishedFile, level: Int, progress: JobProgress, estimatedRows: Double?, otherLengths: Set<Int> = []
  ) {
    self.otherLengths = otherLengths
    writer = file.writer
    self.level = level
    self.progress = progress
    self.estimatedRows = estimatedRows
  }

  /// Writes the chunks of `next` until it returns nil; the first one begins with the header. The file is neither closed
  /// nor published.
  package func write(_ next: @escaping @Sendable () async throws -> Chunk?) async throws -> Totals {
    let channel = BoundedChannel<Chunk>(capacity: Self.chunksAhead)
    return try await withThrowingTaskGroup(of: Totals?.self) { group in
      group.addTask {
        while let chunk = try await next() { try await channel.send(chunk) }
        channel.finish()
        return nil
      }
      group.addTask { try await compress(channel) }
      var totals: Totals?
      do {
        for try await result in group { totals = result ?? totals }
      } catch {
        // The first error is the cause; the other stage only reports its cancellation.
        group.cancelAll()
        throw error
      }
      guard let totals else { throw CancellationError() }
      return totals
    }
  }

  private func compress(_ channel: BoundedChannel<Chunk>) async throws -> Totals {
    let stage = try CompressionStage(level: level)
    // The first chunk's records include the header.
    var totals = Totals(rows: -1)
    while let chunk = try await channel.receive() {
      let bytes = try await stage.compress(chunk)
      if !bytes.isEmpty { try await writer.append(bytes) }
      totals.rows += chunk.rowEnds.count
      totals.csvBytes += chunk.bytes.count
      totals.gzipBytes += bytes.count
      report(chunk, bytes.count)
    }
    totals.rowsHash = await stage.rowsHash
    let rest = try await stage.finish()
    try await writer.append(rest)
    totals.gzipBytes += rest.count
    while otherLengths.contains(totals.gzipBytes) {
      let member = try CompressionStage.emptyMember(level: level)
      try await writer.append(member)
      totals.gzipBytes += member.count
    }
    return totals
  }

  private func report(_ chunk: Chunk, _ gzipBytes: Int) {
    progress.update { reading in
      reading.rows += chunk.rowEnds.count
      reading.csvBytes += chunk.bytes.count
      reading.gzipBytes += gzipBytes
    }
    if let estimatedRows { progress.advance(by: Double(chunk.rowEnds.count) / max(1, estimatedRows)) }
  }
}
