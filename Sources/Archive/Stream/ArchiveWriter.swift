import Essentials
import Gzip
import Lake
import Postgres

/// Compresses CSV on a queue of its own, so that a level-9 archive never holds a thread of the cooperative pool.
actor CompressionStage {
  private nonisolated let executor = QueueExecutor(label: "sluice.gzip")
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }
  private var compressor: GzipCompressor

  init(level: Int) throws {
    compressor = try GzipCompressor(level: level)
  }

  func compress(_ bytes: [UInt8]) throws -> [UInt8] {
    var output: [UInt8] = []
    try compressor.compress(bytes, into: &output)
    return output
  }

  func finish() throws -> [UInt8] {
    var output: [UInt8] = []
    try compressor.finish(into: &output)
    return output
  }
}

/// Carries one COPY into one file of the lake: rows -> gzip -> temporary path.
struct ArchiveWriter {
  /// What went through.
  struct Totals: Sendable {
    /// Rows, the header not counted.
    var rows = 0
    var csvBytes = 0
    var gzipBytes = 0
  }

  /// Chunks of ~256 KiB that COPY may be ahead of the compressor.
  static let chunksAhead = 4

  let writer: any LakeWriter
  let level: Int
  let progress: JobProgress
  /// Rows the planner expects, for the progress.
  let estimatedRows: Double?

  /// Reads `copy` to its end, while writing what it gives. The file is neither closed nor published.
  func write(_ copy: CopyOut) async throws -> Totals {
    let channel = BoundedChannel<CopyChunk>(capacity: Self.chunksAhead)
    return try await withThrowingTaskGroup(of: Totals?.self) { group in
      group.addTask {
        for try await chunk in copy { try await channel.send(chunk) }
        channel.finish()
        return nil
      }
      group.addTask { try await compress(channel) }
      var totals: Totals?
      do {
        for try await result in group { totals = result ?? totals }
      } catch {
        // The stage that failed first tells why; the other one only hears that it is over.
        group.cancelAll()
        throw error
      }
      guard let totals else { throw CancellationError() }
      return totals
    }
  }

  private func compress(_ channel: BoundedChannel<CopyChunk>) async throws -> Totals {
    let stage = try CompressionStage(level: level)
    // The header is a row of its own in the COPY stream.
    var totals = Totals(rows: -1)
    while let chunk = try await channel.receive() {
      let bytes = try await stage.compress(chunk.bytes)
      if !bytes.isEmpty { try await writer.append(bytes) }
      totals.rows += chunk.rows
      totals.csvBytes += chunk.bytes.count
      totals.gzipBytes += bytes.count
      report(chunk, bytes.count)
    }
    let rest = try await stage.finish()
    try await writer.append(rest)
    totals.gzipBytes += rest.count
    return totals
  }

  private func report(_ chunk: CopyChunk, _ gzipBytes: Int) {
    progress.update { reading in
      reading.rows += chunk.rows
      reading.csvBytes += chunk.bytes.count
      reading.gzipBytes += gzipBytes
      // The planner's estimate may be too low: a part of 99 % says "nearly", never "done".
      reading.fraction = estimatedRows.map { $0 > 0 ? min(0.99, Double(reading.rows) / $0) : 0 }
    }
  }
}
