package import Postgres
package import TableDays

/// A continuous aggregate: a view whose rows TimescaleDB keeps, one for each bucket of time and group.
package struct ContinuousAggregate: Sendable, Equatable {
  package let view: TableName
  /// The aggregate that it reads; nil where it reads the hypertable.
  package let source: TableName?
  /// The hypertable in which its buckets are stored.
  let stored: TableName
  /// The column of its buckets, in the view and in ``stored``.
  let column: ColumnName
  /// The base type of that column.
  let type: String
  /// The width of a bucket: an interval as SQL writes it, or an integer.
  package let width: String
  /// The zone in which buckets begin; nil is UTC.
  package let zone: String?
  /// It shows the rows of its source that are newer than its own.
  package let isRealTime: Bool
  /// The role is the owner or inherits its rights: it may refresh the aggregate.
  package let isOwned: Bool
  package let owner: String
  /// The refresh can be told not to ask whether the window was changed.
  let canForce: Bool

  /// The aggregates over `hypertable`, also those over other aggregates. Each comes after what it reads.
  /// - Throws: ``JobError`` `timescaledb_too_old`.
  package static func over(
    _ hypertable: Hypertable, on connection: PostgresConnection
  ) async throws -> [ContinuousAggregate] {
    if TimescaleVersion.isOld(hypertable.version, before: TimescaleVersion.leastWithAggregates) {
      let hasAny: Bool = try await connection.query(
        "SELECT EXISTS (SELECT FROM _timescaledb_catalog.continuous_agg WHERE raw_hypertable_id = $1::pg_catalog.int4) AS has_any",
        [String(hypertable.id)]
      ).rows[0].decode("has_any")
      guard hasAny else { return [] }
      try TimescaleVersion.refuseOld(hypertable.version, hypertable.table, hasAggregates: true)
    }
    var aggregates: [ContinuousAggregate] = []
    for row in try await connection.query(SQL.aggregates, [String(hypertable.id)]).rows {
      let sourceSchema: String? = try row.decodeIfPresent("source_schema")
      let sourceName: String? = try row.decodeIfPresent("source_name")
      var source: TableName?
      if let sourceSchema, let sourceName { source = TableName(schema: sourceSchema, name: sourceName) }
      aggregates.append(
        ContinuousAggregate(
          view: TableName(schema: try row.decode("schema"), name: try row.decode("name")), source: source,
          stored: TableName(schema: try row.decode("stored_schema"), name: try row.decode("stored_table")),
          column: ColumnName(try row.decode("column_name")), type: try row.decode("type"),
          width: try row.decode("width"), zone: try row.decodeIfPresent("zone"),
          isRealTime: !(try row.decode("materialized_only")), isOwned: try row.decode("is_owner"),
          owner: try row.decode("owner"), canForce: try row.decode("can_force")))
    }
    return aggregates
  }

  /// One end of a range of buckets.
  package struct Bound: Sendable, Equatable, Comparable {
    /// Microseconds since 1970, or the value itself where the bucket column is an integer.
    package let value: Int
    /// The value as SQL writes it.
    package let text: String

    package static func < (one: Bound, other: Bound) -> Bool { one.value < other.value }
  }

  /// A range of whole buckets.
  package struct Buckets: Sendable, Equatable {
    package let start: Bound
    /// The start of the first bucket after the range.
    package let end: Bound

    /// The parts of the range that none of `others` touches, in order. All of them are whole buckets of one aggregate.
    package func without(_ others: [Buckets]) -> [Buckets] {
      var parts: [Buckets] = []
      var start = start
      for other in others.sorted(by: { $0.start < $1.start }) where other.end > start && other.start < end {
        if other.start > start { parts.append(Buckets(start: start, end: other.start)) }
        start = max(start, other.end)
      }
      if start < end { parts.append(Buckets(start: start, end: end)) }
      return parts
    }
  }

  /// The buckets that hold values of `span`: the span, widened to whole buckets.
  ///
  /// A fixed width counts from TimescaleDB's default origin here, whatever the aggregate's is: a refresh checks its window
  /// against that one.
  package func buckets(
    of span: DaySpan, in hypertable: Hypertable, on connection: PostgresConnection
  ) async throws -> Buckets {
    let schema = hypertable.extensionSchema
    let isTime = span.kind.integers == nil
    let width =
      isTime
      ? "\(try await connection.quoteLiteral(width))::pg_catalog.interval"
      : "\(try await connection.quoteLiteral(width))::\(type)"
    let start = "\(try await connection.quoteLiteral(span.start))::\(type)"
    let end = "\(try await connection.quoteLiteral(span.end))::\(type)"
    let last = span.kind == .date || !isTime ? "(\(end) - 1)" : "(\(end) - pg_catalog.interval '1 microsecond')"
    var zone: String?
    if let name = self.zone { zone = try await connection.quoteLiteral(name) }
    let inZone = zone.map { ", \($0)::pg_catalog.text" } ?? ""
    func bucket(_ value: String) -> String { "\(schema).time_bucket(\(width), \(value)\(inZone))" }
    var next = "\(bucket(last)) + \(width)"
    // The length of a day or month is that of the bucket's zone.
    if let zone, span.kind == .instant {
      next =
        "pg_catalog.timezone(\(zone), pg_catalog.timezone(\(zone), \(bucket(last))) + \(width))"
    }
    let row = try await connection.query(
      "SELECT low::pg_catalog.text AS low, high::pg_catalog.text AS high, \(number("low", isTime)) AS low_value, "
        + "\(number("high", isTime)) AS high_value FROM (SELECT \(bucket(start)) AS low, (\(next))::\(type) AS high) AS buckets"
    ).rows[0]
    return Buckets(
      start: Bound(value: try row.decode("low_value"), text: try row.decode("low")),
      end: Bound(value: try row.decode("high_value"), text: try row.decode("high")))
  }

  /// Whether a bucket before `bound` is stored. What a real-time aggregate computes as it is read is left out: it follows the rows, and
  /// would run the expressions of the aggregate's owner.
  package func hasBucket(before bound: Bound, on connection: PostgresConnection) async throws -> Bool {
    try await hasBucket([("<", bound)], on: connection)
  }

  /// Whether a bucket that begins at `bound` or later is stored.
  package func hasBucket(from bound: Bound, on connection: PostgresConnection) async throws -> Bool {
    try await hasBucket([(">=", bound)], on: connection)
  }

  /// Whether a bucket of `buckets` is stored.
  package func hasBucket(of buckets: Buckets, on connection: PostgresConnection) async throws -> Bool {
    try await hasBucket([(">=", buckets.start), ("<", buckets.end)], on: connection)
  }

  private func hasBucket(
    _ conditions: [(comparison: String, bound: Bound)], on connection: PostgresConnection
  ) async throws -> Bool {
    let column = try await connection.quoteIdentifier(column.text)
    var words: [String] = []
    for (comparison, bound) in conditions {
      words.append("\(column) \(comparison) \(try await connection.quoteLiteral(bound.text))::\(type)")
    }
    return try await connection.query(
      "SELECT EXISTS (SELECT FROM \(try await connection.quoted(stored)) WHERE \(words.joined(separator: " AND "))) "
        + "AS is_there"
    ).rows[0].decode("is_there")
  }

  private func number(_ value: String, _ isTime: Bool) -> String {
    isTime ? "(EXTRACT(epoch FROM \(value)) * 1000000)::pg_catalog.int8" : "\(value)::pg_catalog.int8"
  }

  /// Computes the rows of `buckets` anew. It commits by itself, and must be called outside a transaction.
  package func refresh(
    _ buckets: Buckets, in hypertable: Hypertable, on connection: PostgresConnection
  ) async throws {
    let view = try await connection.quoteLiteral(try await connection.quoted(view))
    let start = "\(try await connection.quoteLiteral(buckets.start.text))::\(type)"
    let end = "\(try await connection.quoteLiteral(buckets.end.text))::\(type)"
    let force = canForce ? ", force => true" : ""
    try await connection.query(
      "CALL \(hypertable.extensionSchema).refresh_continuous_aggregate(\(view)::pg_catalog.regclass, \(start), \(end)\(force))"
    )
  }
}
