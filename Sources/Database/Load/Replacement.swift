import Essentials
import Foundation
package import Postgres
import Reporting
import TableDays

/// The deletion of a span's rows for a load that puts an archive's rows in their place. It deletes in the load's
/// transaction, and refuses what would lose rows that the archive does not hold.
package struct Replacement: Sendable {
  let facts: TableFacts
  let rows: ExistingRows
  let policy: LoadPolicy

  package init(of rows: ExistingRows, in facts: TableFacts, policy: LoadPolicy) {
    self.rows = rows
    self.facts = facts
    self.policy = policy
  }

  private static let field = "destination.on_existing"

  /// Deletes the rows of the span.
  /// - Parameter archiveRows: the number of rows that the load will put in their place.
  /// - Returns: the number of deleted rows.
  /// - Throws: ``JobError`` `child_tables`, `fewer_rows`, `delete_cascades`, `rows_not_deleted`; the load must then be rolled
  ///   back.
  package func delete(for archiveRows: Int, on connection: PostgresConnection) async throws -> Int {
    let found = try await connection.query(SQL.replaceFacts, [String(facts.oid)]).rows[0]
    let isHypertable = try await found.decode("has_timescale", as: Bool.self) ? isHypertable(on: connection) : false
    if try !isHypertable && found.decode("has_children", as: Bool.self) { try await refuseChildren(on: connection) }
    let existing = try await rows.count(on: connection)
    guard existing > 0 else { return 0 }
    try refuseFewer(archiveRows, than: existing)
    try refuseCascades(try found.decode("cascades"), existing)
    // A bitmap scan misses the rows of a compressed chunk that the same DELETE decompresses (timescaledb, pull request 9120).
    if isHypertable { try await connection.query("SET LOCAL enable_bitmapscan = off") }
    let deleted = try await rows.delete(on: connection)
    if isHypertable { try await connection.query("SET LOCAL enable_bitmapscan TO DEFAULT") }
    // Others may have inserted rows since they were counted.
    try refuseFewer(archiveRows, than: deleted)
    guard try await !rows.exist(on: connection) else {
      throw JobError(
        .rowsNotDeleted,
        "\(facts.table) still has rows of the day after they were deleted: a trigger keeps them, another session inserts them, "
          + "or the server does not see them in a partly compressed chunk; nothing was changed. Find out which, then run the "
          + "job again", field: Self.field)
    }
    return deleted
  }

  private func isHypertable(on connection: PostgresConnection) async throws -> Bool {
    try await connection.query(
      "SELECT EXISTS (SELECT FROM _timescaledb_catalog.hypertable WHERE schema_name = $1::pg_catalog.name "
        + "AND table_name = $2::pg_catalog.name) AS is_hypertable", [facts.table.schema, facts.table.name]
    ).rows[0].decode("is_hypertable")
  }

  /// A DELETE from a parent reaches the rows of its children, and the load would put all rows into the parent.
  private func refuseChildren(on connection: PostgresConnection) async throws {
    let tables = try await rows.tables(besides: facts.oid, on: connection)
    guard !tables.isEmpty else { return }
    throw JobError(
      .childTables,
      "rows of the day are in tables that inherit from \(facts.table): \(tables.joined(separator: ", ")); a replacement would "
        + "move them into \(facts.table). Nothing was changed. Archive and restore those tables by themselves",
      field: Self.field, details: ["tables": .array(tables.map { .string($0) })])
  }

  private func refuseFewer(_ archiveRows: Int, than existing: Int) throws {
    guard existing > archiveRows, !policy.force else { return }
    throw JobError(
      .fewerRows,
      "the archive holds \(archiveRows) rows, but \(facts.table) has \(existing) of the day; nothing was changed. Pass "
        + "\(field: "destination.force") to replace them anyway",
      field: Self.field, details: ["archive_rows": .integer(archiveRows), "table_rows": .integer(existing)])
  }

  private func refuseCascades(_ json: String, _ existing: Int) throws {
    let constraints = try JSONDecoder().decode([String].self, from: Data(json.utf8))
    guard !constraints.isEmpty, !policy.cascade else { return }
    throw JobError(
      .deleteCascades,
      "to delete the \(existing) rows of the day from \(facts.table) would delete or change rows of other tables, by the "
        + "foreign keys \(constraints.joined(separator: ", ")); nothing was changed. Pass \(field: "destination.cascade") to "
        + "allow it",
      field: Self.field, details: ["constraints": .array(constraints.map { .string($0) })])
  }
}
