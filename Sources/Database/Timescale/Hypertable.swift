package import Foundation
package import Postgres
package import TableDays

/// The facts of a TimescaleDB hypertable, from the extension's catalog. They are read once for a job and need no right on
/// the table.
package struct Hypertable: Sendable, Equatable {
  /// The dimension by which a hypertable is partitioned into ranges: the first one, where it has several.
  package struct Dimension: Sendable, Equatable {
    let id: Int
    package let column: ColumnName
    /// The base type of the column, as `format_type` prints it.
    package let type: String
    /// The length of a chunk's range: microseconds for a time type, the column's own unit for an integer.
    package let interval: Int
    /// A function of the column's value gives the range, so that a span of the column tells no chunk.
    package let isComputed: Bool
    /// The function that returns the current time of an integer column, qualified and quoted; nil where none is set.
    package let integerNow: String?

    /// The kind of the column's values; nil for a type without days.
    package var kind: DaySpan.Kind? { DaySpan.Kind(baseType: type) }
  }

  /// A dimension by which rows of one range are spread over several chunks.
  package struct SpacePartition: Sendable, Equatable, Decodable {
    package let column: String
    package let partitions: Int
  }

  /// What the licence setting (`timescaledb.license`) allows.
  package enum Edition: Sendable, Equatable {
    /// Compression, continuous aggregates and policies are refused, and compressed chunks read as empty.
    case apache
    case community
  }

  /// The number of the hypertable in the extension's catalog.
  package let id: Int
  /// The relation's OID.
  let oid: Int
  package let table: TableName
  package let dimension: Dimension
  package let spacePartitions: [SpacePartition]
  /// Compression (columnstore) is switched on.
  package let hasCompression: Bool
  /// The table holds the rows of a continuous aggregate.
  package let isMaterialization: Bool
  package let owner: String
  /// The role is the owner or inherits its rights: it may compress, decompress and drop chunks.
  package let isOwned: Bool
  package let edition: Edition
  /// The version of the extension, such as `2.22.1`.
  package internal(set) var version: String
  let catalog: Catalog
  /// The schema of the extension's functions, quoted.
  let extensionSchema: String

  /// The facts of the relation with `oid`; nil when it is no hypertable. The extension must be there.
  package static func read(_ oid: Int, _ table: TableName, on connection: PostgresConnection) async throws
    -> Hypertable?
  {
    // Older catalogs lack columns that the statement names.
    if let version: String = try await connection.query(
      "SELECT e.extversion AS version FROM pg_catalog.pg_extension e, pg_catalog.pg_class c "
        + "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        + "JOIN _timescaledb_catalog.hypertable h ON h.schema_name = n.nspname AND h.table_name = c.relname "
        + "WHERE e.extname = 'timescaledb' AND c.oid = $1::pg_catalog.int8::pg_catalog.oid", [String(oid)]
    ).rows.first?.decode("version") {
      try TimescaleVersion.refuseOld(version, table)
    } else {
      return nil
    }
    guard let row = try await connection.query(SQL.hypertable, [String(oid)]).rows.first else { return nil }
    let space: String = try row.decode("space")
    let license: String? = try row.decodeIfPresent("license")
    return Hypertable(
      id: try row.decode("id"), oid: oid, table: table,
      dimension: Dimension(
        id: try row.decode("dimension_id"), column: ColumnName(try row.decode("dimension_column")),
        type: try row.decode("dimension_type"), interval: try row.decode("dimension_interval"),
        isComputed: try row.decode("is_computed"), integerNow: try row.decodeIfPresent("integer_now")),
      spacePartitions: try JSONDecoder().decode([SpacePartition].self, from: Data(space.utf8)),
      hasCompression: try row.decode("has_compression"), isMaterialization: try row.decode("is_materialization"),
      owner: try row.decode("owner"), isOwned: try row.decode("is_owner"),
      edition: license == "apache" ? .apache : .community, version: try row.decode("version"),
      catalog: try row.decode("names_relations") ? .relations : .names,
      extensionSchema: try row.decode("extension_schema"))
  }

  /// Whether the relation of that name is a hypertable.
  package static func exists(_ table: TableName, on connection: PostgresConnection) async throws -> Bool {
    guard
      try await connection.query(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'timescaledb') AS is_there"
      ).rows[0].decode("is_there")
    else { return false }
    return try await connection.query(
      "SELECT EXISTS (SELECT FROM _timescaledb_catalog.hypertable WHERE schema_name = $1::pg_catalog.name "
        + "AND table_name = $2::pg_catalog.name) AS is_there", [table.schema, table.name]
    ).rows[0].decode("is_there")
  }

  /// Whether all of `chunks` were made after `instant`.
  package func wereMade(_ chunks: [Chunk], after instant: Date, on connection: PostgresConnection) async throws -> Bool
  {
    let list = "{\(chunks.map { String($0.oid) }.joined(separator: ","))}"
    return try await connection.query(
      joiningChunks(SQL.chunksMadeLater), [list, DayWindow.text(instant, in: .gmt)]
    ).rows[0].decode("later")
  }

  /// The OIDs of those of `chunks`, which were not there a while ago, that the transaction in progress has made. Other sessions make
  /// chunks meanwhile.
  package func madeHere(_ chunks: [Chunk], on connection: PostgresConnection) async throws -> Set<Int> {
    let list = "{\(chunks.map { String($0.oid) }.joined(separator: ","))}"
    return Set(
      try await connection.query(SQL.relationsMadeHere, [list]).rows.map { try $0.decode("oid", as: Int.self) })
  }

  /// Whether it has a chunk of that name.
  package func has(_ chunk: TableName, on connection: PostgresConnection) async throws -> Bool {
    try await chunks(overlapping: nil, on: connection).contains { $0.table == chunk }
  }

  /// The chunks whose range overlaps `span`; nil where the values of `column` tell no chunk.
  func chunks(
    of span: DaySpan, by column: TimeColumn, on connection: PostgresConnection
  ) async throws -> [Chunk]? {
    guard !dimension.isComputed, dimension.column == column.name else { return nil }
    return try await chunks(overlapping: span, on: connection)
  }

  /// The chunks whose range overlaps `span`, by range.
  /// - Parameter span: values of the dimension's kind; nil for all chunks.
  package func chunks(overlapping span: DaySpan?, on connection: PostgresConnection) async throws -> [Chunk] {
    var bounds: [String?] = [nil, nil]
    if let span, !dimension.isComputed {
      let (start, end) = try await internalValues(of: span, on: connection)
      bounds = [String(start), String(end)]
    }
    return try await connection.query(chunksSQL, [String(dimension.id)] + bounds).rows.map { row in
      Chunk(
        table: TableName(schema: try row.decode("schema"), name: try row.decode("name")), oid: try row.decode("oid"),
        start: try row.decode("range_start"), end: try row.decode("range_end"),
        status: Chunk.Status(rawValue: try row.decode("status")), created: try row.decode("created"))
    }
  }

  /// The ends of `span` as the catalog counts them: microseconds since 1970 (of the wall clock, for a column without a
  /// zone), or the values of an integer column themselves.
  package func internalValues(
    of span: DaySpan, on connection: PostgresConnection
  ) async throws -> (start: Int, end: Int) {
    func value(_ text: String) async throws -> String {
      let literal = try await connection.quoteLiteral(text)
      guard span.kind.integers == nil else { return "\(literal)::pg_catalog.int8" }
      return "(EXTRACT(epoch FROM \(literal)::\(span.kind.sqlType)) * 1000000)::pg_catalog.int8"
    }
    let row = try await connection.query(
      "SELECT \(try await value(span.start)) AS first, \(try await value(span.end)) AS last"
    ).rows[0]
    return (try row.decode("first"), try row.decode("last"))
  }
}
