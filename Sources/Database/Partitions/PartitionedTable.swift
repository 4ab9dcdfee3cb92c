package import Postgres
package import TableDays

/// What is known of a table that is partitioned by range of one time column (PostgreSQL's own partitioning).
package struct PartitionedTable: Sendable, Equatable {
  package let table: TableName
  package let oid: Int
  /// The column of the partition key.
  package let key: ColumnName
  /// The kind of the key's values.
  package let kind: DaySpan.Kind
  /// The partition that takes the rows for which there is no other; nil where there is none.
  package let defaultPartition: TableName?
  /// The role that owns the table.
  package let owner: String
  /// The role may attach partitions: it is the owner or inherits its rights.
  package let isOwner: Bool
  /// The number of partitions of the first level.
  package let count: Int

  /// Reads what is known of the partitioned table `facts`.
  /// - Returns: nil where the table is not partitioned, or otherwise than by range of a single column that has days.
  static func read(_ facts: TableFacts, on connection: PostgresConnection) async throws -> PartitionedTable? {
    guard let key = facts.partitionColumn,
      let kind = facts.column(key).flatMap({ DaySpan.Kind(baseType: $0.baseType) }),
      let row = try await connection.query(SQL.partitionedTable, [String(facts.oid)]).rows.first
    else { return nil }
    let schema: String? = try row.decodeIfPresent("default_schema")
    let name: String? = try row.decodeIfPresent("default_name")
    return PartitionedTable(
      table: facts.table, oid: facts.oid, key: key, kind: kind,
      defaultPartition: schema.flatMap { schema in name.map { TableName(schema: schema, name: $0) } },
      owner: try row.decode("owner"), isOwner: try row.decode("is_owner"), count: try row.decode("partitions"))
  }

  /// The partitions that hold, or would hold, the rows of `span`, and what of it has none.
  /// - Parameter span: values of ``kind``.
  package func partitions(in span: DaySpan, on connection: PostgresConnection) async throws -> PartitionsOfSpan {
    precondition(span.kind == kind, "the span's values are not of the partition key's type")
    let sql = SQL.partitionsInSpan.replacing("KEYTYPE", with: kind.sqlType)
    let rows = try await connection.query(sql, [String(oid), key.text, span.start, span.end]).rows
    return PartitionsOfSpan(span, of: try rows.map(PartitionsOfSpan.Node.init))
  }
}
