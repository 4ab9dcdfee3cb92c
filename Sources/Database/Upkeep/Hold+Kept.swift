package import Postgres
package import TableDays

/// A table, those of which it is a part, and its own parts: a hold or a policy of one of them is about its rows too.
package struct TableFamily: Sendable {
  /// The members by their OIDs.
  package let names: [Int: TableName]
  /// The table and those below it.
  package let below: [TableName]

  package static func read(_ table: TableName, on connection: PostgresConnection) async throws -> TableFamily {
    let rows = try await connection.query(SQL.upkeepFamily, [connection.quoted(table)]).rows
    var names: [Int: TableName] = [:]
    var below: [TableName] = []
    for row in rows {
      let name = TableName(schema: try row.decode("schema"), name: try row.decode("name"))
      names[try row.decode("oid")] = name
      if try row.decode("is_below") { below.append(name) }
    }
    return TableFamily(names: names, below: below)
  }
}

extension Hold {
  /// The hold of a restore that keeps rows of a table, in words; nil where none does. Whatever its span, it keeps all of them.
  /// - Throws: ``PostgresError`` where `sluice.hold` is there and cannot be read: it may hold anything.
  package static func kept(_ table: TableName, on connection: PostgresConnection) async throws -> String? {
    let isThere: Bool = try await connection.query(
      "SELECT pg_catalog.to_regclass('sluice.hold') IS NOT NULL AS is_there"
    )
    .rows[0].decode("is_there")
    guard isThere else { return nil }
    // Tables of versions before 0.10 have no column table_oid.
    let held = try await connection.query(
      """
      SELECT h.schema_name AS schema, h.table_name AS name, h.keep_until::pg_catalog.text AS until,
        (pg_catalog.to_jsonb(h) ->> 'table_oid')::pg_catalog.int8 AS oid
      FROM sluice.hold AS h WHERE h.ended_at IS NULL AND h.keep_until > pg_catalog.clock_timestamp() ORDER BY h.keep_until DESC
      """
    ).rows
    guard !held.isEmpty else { return nil }
    let family = try await TableFamily.read(table, on: connection)
    let names = Set(family.names.values)
    for hold in held {
      let name = TableName(schema: try hold.decode("schema"), name: try hold.decode("name"))
      let oid: Int? = try hold.decodeIfPresent("oid")
      guard names.contains(name) || oid.map({ family.names[$0] != nil }) == true else { continue }
      return "a restore keeps rows of \(name) until \(try hold.decode("until", as: String.self))"
    }
    return nil
  }
}
