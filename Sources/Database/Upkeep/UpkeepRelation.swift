package import Postgres
import Reporting
package import TableDays

/// A table that is vacuumed, analyzed or reindexed.
package struct UpkeepRelation: Sendable {
  package let oid: Int
  package let name: TableName
  /// The role may do so: it owns the table, or has MAINTAIN (PostgreSQL 17).
  package let mayMaintain: Bool
  let live, dead, changed: Double

  /// The share of its rows that are dead, as the server's statistics have it.
  package var deadShare: Double { live + dead > 0 ? dead / (live + dead) : 0 }
  /// How many of its rows were changed since the last ANALYZE, as a share of those that it has; above 1 where there are more.
  package var changedShare: Double { live > 0 ? changed / live : changed > 0 ? 1 : 0 }

  /// The tables of these names, those that fit a pattern, or all.
  /// - Parameters:
  ///   - patterns: of `schema.table`, with `*` and `?`.
  ///   - parts: the relations that hold the rows in place of those that are named.
  /// - Returns: them, and the tables of `tables` that are not there.
  package static func find(
    _ tables: [TableName], _ patterns: [String], all: Bool, parts: Bool, on connection: PostgresConnection
  ) async throws -> (found: [UpkeepRelation], missing: [TableName]) {
    var oids: [String] = []
    var missing: [TableName] = []
    for table in tables {
      let row = try await connection.query(
        "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid::pg_catalog.int8 AS oid", [connection.quoted(table)]
      ).rows[0]
      if let oid: Int = try row.decodeIfPresent("oid") { oids.append(String(oid)) } else { missing.append(table) }
    }
    func likes(_ texts: [Substring]) -> String {
      let items = texts.map { "\"\(like($0).replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\"" }
      return "{\(items.joined(separator: ","))}"
    }
    let pairs = patterns.map { $0.split(separator: ".", maxSplits: 1) }.filter { $0.count == 2 }
    let found = try await connection.query(
      SQL.upkeepTables,
      [
        "{\(oids.joined(separator: ","))}", likes(pairs.map { $0[0] }), all ? "true" : "false",
        parts ? "true" : "false", likes(pairs.map { $0[1] }),
      ]
    ).rows.map { row in
      UpkeepRelation(
        oid: try row.decode("oid"), name: TableName(schema: try row.decode("schema"), name: try row.decode("name")),
        mayMaintain: try row.decode("may_maintain"), live: try row.decode("live"), dead: try row.decode("dead"),
        changed: try row.decode("changed"))
    }
    return (found, missing)
  }

  /// A pattern with `*` and `?` as LIKE reads it.
  static func like(_ pattern: Substring) -> String {
    var text = ""
    for character in pattern {
      switch character {
      case "*": text += "%"
      case "?": text += "_"
      case "%", "_", "\\": text += "\\\(character)"
      default: text.append(character)
      }
    }
    return text
  }

  /// The bytes that it has now.
  package func currentBytes(on connection: PostgresConnection) async throws -> Int {
    try await connection.query(
      "SELECT pg_catalog.pg_total_relation_size($1::pg_catalog.int8::pg_catalog.oid) AS bytes", [String(oid)]
    ).rows[0].decodeIfPresent("bytes") ?? 0
  }

  package func vacuum(
    analyze: Bool, freeze: Bool, full: Bool, on connection: PostgresConnection
  ) async throws -> String {
    let options = [full ? "FULL" : nil, freeze ? "FREEZE" : nil, analyze ? "ANALYZE" : nil].compactMap(\.self)
    let list = options.isEmpty ? "" : " (\(options.joined(separator: ", ")))"
    return "VACUUM\(list) \(try await connection.quoted(name))"
  }

  package func analyze(on connection: PostgresConnection) async throws -> String {
    "ANALYZE \(try await connection.quoted(name))"
  }

  /// An index, and how much of it is estimated to be empty; nil where the statistics do not tell.
  package struct Index: Sendable {
    package let name: TableName
    package let bytes: Int
    package let bloatShare: Double?
  }

  /// Its B-tree indexes.
  package func indexes(on connection: PostgresConnection) async throws -> [Index] {
    try await connection.query(SQL.upkeepIndexes, [String(oid)]).rows.map { row in
      let bytes: Int = try row.decode("bytes")
      let tight: Double? = try row.decodeIfPresent("tight")
      return Index(
        name: TableName(schema: try row.decode("schema"), name: try row.decode("name")), bytes: bytes,
        bloatShare: tight.map { bytes > 0 ? max(0, 1 - $0 / Double(bytes)) : 0 })
    }
  }

  /// The invalid indexes that a failed REINDEX CONCURRENTLY has left.
  package func leftovers(on connection: PostgresConnection) async throws -> [TableName] {
    try await connection.query(SQL.upkeepLeftovers, [String(oid)]).rows.map {
      TableName(schema: try $0.decode("schema"), name: try $0.decode("name"))
    }
  }
}
