package import Postgres
package import TableDays

/// What a restore finds of a hypertable before it changes anything.
package struct HypertableState: Sendable, Equatable {
  package let hypertable: Hypertable
  /// The chunks that the load may touch: those that overlap its span, or, where the rows' time is in another column than the
  /// dimension, all.
  package let chunks: [Chunk]
  /// The OIDs of the chunks that hold rows of the span now, where the span does not tell them; else nil.
  package let holding: Set<Int>?
  /// Each comes after what it reads.
  package let aggregates: [ContinuousAggregate]
  package let policies: [TimescalePolicy]
  /// The first value after the range of the first chunk that the span reaches, whether it is there or not: what is dropped by
  /// age loses that one first. Nil where the span tells no chunk.
  package let end: Int?

  package init(
    hypertable: Hypertable, chunks: [Chunk], holding: Set<Int>? = nil, aggregates: [ContinuousAggregate] = [],
    policies: [TimescalePolicy] = [], end: Int? = nil
  ) {
    self.hypertable = hypertable
    self.chunks = chunks
    self.holding = holding
    self.aggregates = aggregates
    self.policies = policies
    self.end = end
  }

  /// - Parameters:
  ///   - span: the span in values of the dimension; nil where it is not known in them.
  ///   - rows: the rows of the span, where the time column is known.
  package static func read(
    _ hypertable: Hypertable, _ span: DaySpan?, _ rows: ExistingRows?, on connection: PostgresConnection
  ) async throws -> HypertableState {
    let span = hypertable.dimension.isComputed ? nil : span
    let chunks = try await hypertable.chunks(overlapping: span, on: connection)
    var holding: Set<Int>?
    if span == nil, let rows { holding = try await rows.relations(on: connection) }
    var end: Int?
    if let span {
      let first = try await hypertable.internalValues(of: span, on: connection).start
      end = chunks.first { $0.start <= first }?.end ?? hypertable.dimension.range(of: first).end
    }
    let aggregates = try await ContinuousAggregate.over(hypertable, on: connection)
    return HypertableState(
      hypertable: hypertable, chunks: chunks, holding: holding, aggregates: aggregates,
      policies: try await TimescalePolicy.of(hypertable, aggregates, on: connection), end: end)
  }

  /// The chunks that are read or written for rows of the span.
  package var touched: [Chunk] { chunks.filter { holding?.contains($0.oid) ?? true } }
}

extension Hypertable.Dimension {
  /// The range of the chunk that would be made for `value`. An existing neighbour may cut it short.
  package func range(of value: Int) -> (start: Int, end: Int) {
    let number = value >= 0 ? value / interval : -((-value + interval - 1) / interval)
    return (number * interval, (number + 1) * interval)
  }
}
