import Essentials
import Foundation
package import Postgres
import Reporting
package import TableDays

/// The deletion of a span's rows for a load that puts an archive's rows in their place. It deletes in the load's
/// transaction, and refuses what would lose rows or values that the archive does not hold.
package struct Replacement: Sendable {
  let facts: TableFacts
  let rows: ExistingRows
  let policy: LoadPolicy
  /// The columns that the load fills.
  let loaded: [ColumnName]

  package init(of rows: ExistingRows, in facts: TableFacts, loaded: [ColumnName], policy: LoadPolicy) {
    self.rows = rows
    self.facts = facts
    self.loaded = loaded
    self.policy = policy
  }

  private static let field = "destination.on_existing"

  /// What a replacement has deleted.
  package struct Deleted: Sendable {
    package var count = 0
    package var warnings: [String] = []
    fileprivate var rows: ExistingRows?

    /// Nothing.
    package init() {}
  }

  /// What the rows of the span and the catalog say before the deletion.
  package struct Examined: Sendable {
    /// The rows that are deleted.
    let rows: ExistingRows
    let count: Int
    let hasStatementTrigger: Bool
    /// The triggers that run for them.
    package let triggers: [String]
  }

  /// Refuses, without changing anything, a deletion that would lose or change what the archive does not hold.
  /// - Parameter archiveRows: the number of rows that the load will put in their place; nil where it is not known yet.
  /// - Throws: ``JobError`` `child_tables`, `fewer_rows`, `archive_differs`, `delete_cascades`, `permission_denied`.
  package func examine(for archiveRows: Int?, on connection: PostgresConnection) async throws -> Examined {
    let found = try await connection.query(SQL.replaceFacts, [String(facts.oid)]).rows[0]
    var rows = rows
    if try facts.hypertable == nil && found.decode("is_plain", as: Bool.self) {
      if try found.decode("has_children") {
        guard try found.decode("may_tell_children", as: Bool.self) else {
          throw TableFacts.denied("SELECT", on: SQL.name(facts.table), try await connection.currentRole())
        }
        try await refuseChildren(on: connection)
      }
      // Another session may commit rows of children from now on.
      rows.isOnly = true
    }
    let existing = try await rows.count(on: connection)
    if existing > 0 {
      if let archiveRows { try refuseFewer(archiveRows, than: existing) }
      try await refuseLostValues(of: rows, on: connection)
      try refuseCascades(
        constraints: Self.names(found.decode("cascades")), rules: Self.names(found.decode("rules")), existing)
      guard try found.decode("may_delete", as: Bool.self) else {
        throw TableFacts.denied("DELETE", on: SQL.name(facts.table), try await connection.currentRole())
      }
    }
    return Examined(
      rows: rows, count: existing, hasStatementTrigger: try found.decode("has_statement_trigger"),
      triggers: existing > 0 ? try Self.names(found.decode("triggers")) : [])
  }

  /// Deletes the rows of the span.
  /// - Parameters:
  ///   - archiveRows: the number of rows that the load will put in their place.
  ///   - chunks: the chunks of a hypertable that hold the span's rows, where none is compressed; nil deletes from the table.
  /// - Throws: ``JobError`` `rows_not_deleted`, and those of ``examine(for:on:)``; the load must then be rolled back.
  package func delete(
    for archiveRows: Int, from chunks: [TableName]? = nil, on connection: PostgresConnection
  ) async throws -> Deleted {
    let found = try await examine(for: archiveRows, on: connection)
    guard found.count > 0 else { return Deleted() }
    let isHypertable = facts.hypertable != nil
    // A bitmap scan misses the rows of a compressed chunk that the same DELETE decompresses (timescaledb, pull request 9120).
    if isHypertable { try await connection.query("SET LOCAL enable_bitmapscan = off") }
    let deleted: Int
    do {
      deleted = try await found.rows.delete(from: found.hasStatementTrigger ? nil : chunks, on: connection)
    } catch PostgresError.server(let error) where error.sqlState == "23503" && error.hasServersNames {
      throw referenced(error)
    }
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
    var result = Deleted()
    result.count = deleted
    result.rows = found.rows
    if !found.triggers.isEmpty {
      result.warnings.append(
        "the table has DELETE triggers, which ran for the replaced rows: \(found.triggers.joined(separator: ", "))")
    }
    return result
  }

  /// Proves, after the load, that as many rows are in the span as were deleted: a row in conflict by a unique index is not
  /// inserted, and a trigger may give one another time.
  /// - Throws: ``JobError`` `fewer_rows`; the load must then be rolled back.
  package func prove(_ deleted: Deleted, on connection: PostgresConnection) async throws {
    guard let rows = deleted.rows, !policy.force else { return }
    let present = try await rows.count(on: connection)
    guard present < deleted.count else { return }
    throw JobError(
      .fewerRows,
      "only \(present) rows would be in the place of \(facts.table)'s \(deleted.count) rows of the day: the others of the file are "
        + "in conflict with rows of other days, or lie outside the day; nothing was changed. Pass "
        + "\(field: "destination.force") to replace them anyway",
      field: Self.field, details: ["archive_rows": .integer(present), "table_rows": .integer(deleted.count)])
  }

  /// Rows of other tables point at the day's rows, by a key without an action.
  private func referenced(_ error: ServerError) -> JobError {
    let table = [error.schemaName, error.tableName].compactMap(\.self).joined(separator: ".")
    return JobError(
      .constraintViolation,
      "rows of \(table) refer to rows of the day in \(facts.table), which so cannot be deleted to be replaced (foreign key "
        + "\(error.constraintName ?? "")); nothing was changed. Load only the rows that are missing, with "
        + "\(field: "destination.mode") \"staging\" and \(field: "destination.on_existing") \"append\", or remove the "
        + "referring rows first",
      field: Self.field)
  }

  private static func names(_ json: String) throws -> [String] {
    try JSONDecoder().decode([String].self, from: Data(json.utf8))
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

  /// The load fills columns that the file lacks with their defaults.
  private func refuseLostValues(of rows: ExistingRows, on connection: PostgresConnection) async throws {
    guard !policy.force else { return }
    let lacking = facts.storedColumns.filter { !loaded.contains($0.name) }
    let unreadable = lacking.filter { !$0.maySelect }.map { SQL.identifier($0.name.text) }
    guard unreadable.isEmpty else {
      throw TableFacts.denied(
        "SELECT (\(unreadable.joined(separator: ", ")))", on: SQL.name(facts.table), try await connection.currentRole())
    }
    let lost = try await rows.columns(withValues: lacking.map(\.name), on: connection)
    guard !lost.isEmpty else { return }
    throw JobError(
      .archiveDiffers,
      "rows of the day in \(facts.table) have values in columns that the file lacks: "
        + "\(lost.map(\.text).joined(separator: ", ")); a replacement would lose them. Nothing was changed. Pass "
        + "\(field: "destination.force") to replace the rows anyway",
      field: Self.field, details: ["columns": .array(lost.map { .string($0.text) })])
  }

  private func refuseCascades(constraints: [String], rules: [String], _ existing: Int) throws {
    guard !(constraints.isEmpty && rules.isEmpty), !policy.cascade else { return }
    let keys = constraints.isEmpty ? nil : "the foreign keys \(constraints.joined(separator: ", "))"
    let others = rules.isEmpty ? nil : "the rules on DELETE \(rules.joined(separator: ", "))"
    var details: [String: JSONValue] = ["constraints": .array(constraints.map { .string($0) })]
    if !rules.isEmpty { details["rules"] = .array(rules.map { .string($0) }) }
    throw JobError(
      .deleteCascades,
      "to delete the \(existing) rows of the day from \(facts.table) would delete or change other rows, by "
        + "\([keys, others].compactMap(\.self).joined(separator: " and ")); nothing was changed. Pass "
        + "\(field: "destination.cascade") to allow it",
      field: Self.field, details: details)
  }
}
