import Essentials
import Foundation
package import Postgres
import Reporting
package import TableDays

/// Which rows of a table a maintenance task deletes, as SQL, from facts of the catalog.
package struct DeletionRule: Sendable {
  /// A relation that holds rows.
  package struct Leaf: Sendable {
    package let oid: Int
    package let name: TableName
    package let blocks: Int
    /// Tuples of a block; 0 where that is not known.
    let density: Double
    /// The role may lock its rows.
    let mayLock: Bool
  }

  /// The row of a key that stays.
  struct Duplicates: Sendable {
    let partition: String
    let order: String
  }

  package let table: TableName
  package let oid: Int
  /// Those that can be deleted from by the place of a row.
  package private(set) var leaves: [Leaf]
  /// The relations that were compared with an archive: no other one is deleted from.
  private var only: Set<Int>?
  /// Chunks that are compressed or frozen, which are left alone.
  package private(set) var closed: [Int]
  private let isHypertable: Bool
  /// The bytes of all.
  package let bytes: Int
  /// The condition on a row `x`; of duplicates, on those that are compared.
  var condition: String
  var duplicates: Duplicates?
  /// The rows are locked by one statement and deleted by another one, whose snapshot is younger than any wait.
  var locksFirst = false
  package let columns: [TableFacts.Column]
  /// By which a sample names rows.
  let keys: [ColumnName]
  package var warnings: [String] = []

  /// - Throws: ``JobError`` of the table, `delete_cascades`, `permission_denied`, `not_a_table`.
  init(
    _ table: TableName, condition: String, keys: [ColumnName] = [], on connection: PostgresConnection
  ) async throws {
    let facts = try await TableFacts.read(table, for: .read, on: connection)
    // A table that hides rows would look as if it had none.
    try await facts.refuseRowSecurity(on: connection)
    let id = String(facts.oid)
    let effects = try await connection.query(SQL.replaceFacts, [id]).rows[0]
    guard try effects.decode("may_delete", as: Bool.self) else {
      throw TableFacts.denied("DELETE", on: SQL.name(table), try await connection.currentRole())
    }
    let cascades: String = try effects.decode("cascades"), rules: String = try effects.decode("rules")
    guard cascades == "[]" else {
      throw JobError(
        .deleteCascades,
        "the foreign keys \(ErrorText(cascades)) change rows of other tables when rows of \(table) are deleted; nothing was deleted. Make them NO ACTION",
        field: "table")
    }
    guard rules == "[]" else {
      throw JobError(
        .notATable, "\(table) has rules on DELETE: \(ErrorText(rules)); nothing was deleted", field: "table")
    }
    let rows = try await connection.query(SQL.upkeepLeaves, [id]).rows
    isHypertable = facts.hypertable != nil
    closed = isHypertable ? try await Self.closed(facts.oid, on: connection) : []
    self.table = table
    oid = facts.oid
    bytes = try rows.reduce(0) { try $0 + $1.decode("bytes", as: Int.self) }
    leaves = try Self.leaves(rows, but: closed)
    self.condition = condition
    columns = facts.storedColumns
    let indexes = try await connection.query(SQL.upkeepKeys, [id]).rows
    let primary = try indexes.first { try $0.decode("is_primary", as: Bool.self) }?.decode("columns", as: [String].self)
    self.keys = keys.isEmpty ? (primary ?? []).map { ColumnName($0) } : keys
    // A batch names the relation of its rows.
    for row in rows where try !row.decode("may_delete", as: Bool.self) {
      let leaf = TableName(schema: try row.decode("schema"), name: try row.decode("name"))
      throw TableFacts.denied("SELECT, DELETE", on: SQL.name(leaf), try await connection.currentRole())
    }
    let references: Int = try effects.decode("references")
    if references > 0 {
      warnings.append(
        "foreign keys (\(references)) name rows of \(table): a row that is still named stops the task; delete the rows that name it first, by a task of a smaller order"
      )
    }
  }

  private static func closed(_ oid: Int, on connection: PostgresConnection) async throws -> [Int] {
    try await connection.query(SQL.upkeepChunks, [String(oid)]).rows.map { try $0.decode("oid") }
  }

  /// Whether the relation is a chunk that is compressed or frozen by now.
  package func hasClosed(_ leaf: Leaf, on connection: PostgresConnection) async throws -> Bool {
    guard isHypertable else { return false }
    return try await Self.closed(oid, on: connection).contains(leaf.oid)
  }

  /// Whether a chunk that is left alone has rows for which `condition`, of columns without a table's name, holds.
  package func hasClosedRows(_ condition: String, on connection: PostgresConnection) async throws -> Bool {
    guard !closed.isEmpty else { return false }
    return try await connection.query(
      "SELECT EXISTS (SELECT FROM \(connection.quoted(table)) WHERE \(condition) AND tableoid = ANY ($1::pg_catalog.oid[])) AS found",
      ["{\(closed.map { "\($0)" }.joined(separator: ","))}"]
    ).rows[0].decode("found")
  }

  private static func leaves(_ rows: [PostgresRow], but closed: [Int]) throws -> [Leaf] {
    try rows.map {
      Leaf(
        oid: try $0.decode("oid"), name: TableName(schema: try $0.decode("schema"), name: try $0.decode("name")),
        blocks: try $0.decode("blocks"), density: try $0.decode("density"),
        mayLock: try $0.decode("may_lock"))
    }.filter { !closed.contains($0.oid) }
  }

  /// The same rule for the relations as long as they are now: rows that were changed meanwhile may lie behind what was the end.
  package func current(on connection: PostgresConnection) async throws -> DeletionRule {
    var rule = self
    if isHypertable { rule.closed = try await Self.closed(oid, on: connection) }
    rule.leaves = try Self.leaves(try await connection.query(SQL.upkeepLeaves, [String(oid)]).rows, but: rule.closed)
      .filter { only?.contains($0.oid) ?? true }
    return rule
  }

  /// The same rule for those relations alone.
  func limited(to relations: [Int]) -> DeletionRule {
    var rule = self
    rule.only = Set(relations)
    rule.leaves = leaves.filter { relations.contains($0.oid) }
    return rule
  }

  /// `column`, quoted, where the table has it.
  /// - Throws: ``JobError`` `unknown_columns`.
  static func quoted(
    _ column: ColumnName, of table: TableName, _ columns: [TableFacts.Column], field: String,
    on connection: PostgresConnection
  ) async throws -> String {
    guard columns.contains(where: { $0.name == column }) else {
      let hint = NearestName.hint(column.text, among: columns.map(\.name.text))
      throw JobError(.unknownColumns, "\(table) has no column \(column)\(hint)", field: field)
    }
    return "x.\(try await connection.quoteIdentifier(column.text))"
  }

  /// Whether one of the table's indexes begins with all of `wanted`, in any order.
  static func isIndexed(_ wanted: [ColumnName], of oid: Int, on connection: PostgresConnection) async throws -> Bool {
    try await connection.query(SQL.upkeepKeys, [String(oid)]).rows.contains { row in
      Set(try row.decode("columns", as: [String].self).prefix(wanted.count)) == Set(wanted.map(\.text))
    }
  }

  /// The rows of the table that can be told by their place, as `x`.
  private func source(_ connection: PostgresConnection) async throws -> String {
    guard !closed.isEmpty else { return "\(try await connection.quoted(table)) AS x" }
    let names = try await connection.quoted(columns.map(\.name))
    var parts: [String] = []
    for leaf in leaves {
      parts.append("SELECT tableoid, ctid, xmin, \(names) FROM ONLY \(try await connection.quoted(leaf.name))")
    }
    return "(\(parts.joined(separator: " UNION ALL "))) AS x"
  }

  /// The stored columns, each with the name of its table before it.
  func columnList(_ table: String, on connection: PostgresConnection) async throws -> String {
    var names: [String] = []
    for column in columns { names.append("\(table).\(try await connection.quoteIdentifier(column.name.text))") }
    return names.joined(separator: ", ")
  }

  /// What is deleted, as the rest of a SELECT from it: `l`, with the columns of the table, `v`, `vx` and `leaf`, and of duplicates `k`, `kx` and `keeper`.
  func listing(_ connection: PostgresConnection) async throws -> String {
    let source = try await source(connection)
    let names = try await columnList("x", on: connection)
    let own = "x.tableoid::pg_catalog.int8 AS \"leaf!\", x.ctid AS \"v!\", x.xmin AS \"vx!\""
    guard let duplicates else { return "(SELECT \(own), \(names) FROM \(source) WHERE \(condition)) AS l" }
    return """
      (SELECT * FROM (
        SELECT \(own), pg_catalog.first_value(x.tableoid) OVER w AS "keeper!", pg_catalog.first_value(x.ctid) OVER w AS "k!",
          pg_catalog.first_value(x.xmin) OVER w AS "kx!", pg_catalog.row_number() OVER w AS "n!", \(names)
        FROM \(source) WHERE \(condition)
        WINDOW w AS (PARTITION BY \(duplicates.partition) ORDER BY \(duplicates.order), x.tableoid, x.ctid)
      ) AS d WHERE d."n!" > 1) AS l
      """
  }

  /// The number of rows that the task would delete now, in chunks that are closed too where `everywhere` is true.
  package func count(everywhere: Bool = false, on connection: PostgresConnection) async throws -> Int {
    let source =
      everywhere && duplicates == nil
      ? "\(try await connection.quoted(table)) AS x WHERE \(condition)" : try await listing(connection)
    return try await connection.query("SELECT pg_catalog.count(*) AS rows FROM \(source)").rows[0].decode("rows")
  }

  package func hasRows(on connection: PostgresConnection) async throws -> Bool {
    guard duplicates == nil else { return try await count(on: connection) > 0 }
    return try await connection.query("SELECT EXISTS (SELECT FROM \(listing(connection))) AS found").rows[0]
      .decode("found")
  }

  /// The keys of a few of the rows, as JSON objects of texts: row data, for the caller alone.
  package func sample(_ limit: Int, on connection: PostgresConnection) async throws -> [String] {
    guard !keys.isEmpty else { return [] }
    var pairs: [String] = []
    for key in keys {
      let column = try await connection.quoteIdentifier(key.text)
      pairs.append("\(try await connection.quoteLiteral(key.text)), l.\(column)::pg_catalog.text")
    }
    return try await connection.query(
      "SELECT pg_catalog.jsonb_build_object(\(pairs.joined(separator: ", ")))::pg_catalog.text AS key FROM \(listing(connection)) LIMIT \(limit)"
    ).rows.map { try $0.decode("key") }
  }
}
