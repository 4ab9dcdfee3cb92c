import Essentials
package import Postgres
import Reporting
package import TableDays

extension TableFacts {
  /// The hypertable whose chunks hold the rows: the table's own, or that of a continuous aggregate.
  package var chunked: Hypertable? { hypertable ?? aggregate?.materialization }

  /// The chunks whose range overlaps `span`; nil where the values of `column` tell no chunk.
  package func chunks(
    of span: DaySpan, by column: TimeColumn, on connection: PostgresConnection
  ) async throws -> [Chunk]? {
    try await chunked?.chunks(of: span, by: column, on: connection)
  }

  /// Refuses a span of which a SELECT silently misses rows: the Apache edition reads compressed chunks as empty. Whatever
  /// counts or copies rows asks this first.
  /// - Throws: ``JobError`` `chunk_not_readable`.
  package func refuseUnreadableChunks(
    of span: DaySpan, by column: TimeColumn, on connection: PostgresConnection
  ) async throws {
    for source in [hypertable].compactMap(\.self) + sources where source.edition == .apache {
      let isOwn = source == chunked && source.dimension.column == column.name
      // What a view computes from other tables does not tell which of their chunks it reads.
      let chunks = try await source.chunks(overlapping: isOwn ? span : nil, on: connection).filter(\.isCompressed)
      guard let first = chunks.first else { continue }
      throw JobError(
        .chunkNotReadable,
        "\(chunks.count) chunks of \(source.table), such as \(first.table), are compressed, and timescaledb.license is apache, "
          + "under which a compressed chunk reads as empty. Set timescaledb.license to timescale and restart the server, "
          + "or decompress them under that edition", field: "table",
        details: ["chunks": .array(chunks.prefix(100).map { .string($0.table.description) })])
    }
  }

  /// What is missing for a span to have rows at all.
  package enum Missing: String, Sendable {
    case chunk
    case partition
  }

  /// Whether no chunk, or no partition, overlaps `span`: its rows were dropped, or there never were any. Nil where one
  /// does, and where the values of `column` do not tell. A default partition counts as one that overlaps.
  package func missing(
    of span: DaySpan, by column: TimeColumn, on connection: PostgresConnection
  ) async throws -> Missing? {
    if let chunks = try await chunks(of: span, by: column, on: connection) {
      guard chunks.isEmpty else { return nil }
      // A real-time aggregate computes buckets that have no chunk yet.
      return aggregate?.isRealTime == true ? nil : .chunk
    }
    guard let partitions, partitions.key == column.name, partitions.kind == span.kind else { return nil }
    let found = try await partitions.partitions(in: span, on: connection)
    return found.partitions.isEmpty && found.defaults.isEmpty ? .partition : nil
  }
}
