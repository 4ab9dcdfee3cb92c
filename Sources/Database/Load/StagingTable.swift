import Essentials
import Foundation
package import Postgres
import Reporting
import TableDays

/// A load through a staging table with the file's columns: COPY into it, then INSERT from it into the target.
///
/// The table is created and dropped in the load's transaction, so a rollback removes it too.
package struct StagingTable {
  package let facts: TableFacts
  package let plan: LoadPlan
  package let policy: LoadPolicy

  package init(for facts: TableFacts, _ plan: LoadPlan, policy: LoadPolicy) {
    self.facts = facts
    self.plan = plan
    self.policy = policy
  }

  package struct Loaded: Sendable {
    /// The number of rows of the file.
    package let staged: Int
    /// The number of rows that were inserted; the others are in the table already.
    package let inserted: Int
  }

  /// Loads all rows of the file.
  /// - Parameters:
  ///   - options: the parenthesis of COPY's `WITH (…)`.
  ///   - send: sends the rows to the COPY, and returns the number that the server has stored.
  /// - Throws: ``JobError`` `deferrable_key`, `insert_rule`, `rows_not_stored`.
  package func load(
    options: String, on connection: PostgresConnection, _ send: (CopyIn) async throws -> Int
  ) async throws -> Loaded {
    guard !facts.hasDeferrableKey || policy.mode == .direct else {
      throw JobError(
        .deferrableKey,
        "\(facts.table) has a deferrable unique constraint, which PostgreSQL's ON CONFLICT does not support; use "
          + "\"direct\"", field: "destination.mode")
    }
    // COPY ignores rules, but the INSERT from the staging table follows them, and a rule may store the rows elsewhere.
    guard !facts.hasInsertRule else {
      throw JobError(
        .insertRule,
        "\(facts.table) has a rule that runs in place of INSERT; use \"direct\" with the table's own columns, or "
          + "disable the rule", field: "destination.mode")
    }
    let like = policy.stagingLike
    let model = if let like { try await TableFacts.read(like, for: .read, on: connection) } else { facts }
    let name = TableName(schema: facts.table.schema, name: "_sluice_staging_\(UUID().uuidString.prefix(8))")
    let staging = try await connection.quoted(name)
    var columns: [String] = []
    for name in plan.fileColumns {
      let quoted = try await connection.quoteIdentifier(name.text)
      let type = facts.column(name)?.type ?? "pg_catalog.text"
      columns.append(model.column(name) != nil ? quoted : "NULL::\(type) AS \(quoted)")
    }
    // CREATE TABLE AS takes the columns' types without constraints and defaults; the target's defaults fill in columns
    // that the file lacks.
    try await connection.query(
      "CREATE UNLOGGED TABLE \(staging) AS SELECT \(columns.joined(separator: ", ")) "
        + "FROM \(try await connection.quoted(model.table)) WITH NO DATA")
    let copy = try await connection.copyIn(
      plan.copyStatement(into: name, options: options, on: connection))
    let staged = try await send(copy)
    let inserted = try await insert(from: staging, model, on: connection)
    if inserted < staged { try await proveSkipped(from: staging, inserted, of: staged, on: connection) }
    try await connection.query("DROP TABLE \(staging)")
    return Loaded(staged: staged, inserted: inserted)
  }

  private func insert(from staging: String, _ model: TableFacts, on connection: PostgresConnection) async throws -> Int
  {
    var values: [String] = []
    for name in plan.loadedColumns {
      let quoted = try await connection.quoteIdentifier(name.text)
      let type = facts.column(name)?.type
      let staged = model.column(name)?.type ?? type
      values.append(type == staged ? quoted : "\(quoted)::\(type ?? "pg_catalog.text")")
    }
    let conflict = policy.mode == .staging ? " ON CONFLICT DO NOTHING" : ""
    // Identity columns take the file's values, as they do in a COPY.
    return try await connection.queryRows(
      "INSERT INTO \(try await connection.quoted(facts.table)) (\(try await connection.quoted(plan.loadedColumns))) "
        + "OVERRIDING SYSTEM VALUE SELECT \(values.joined(separator: ", ")) FROM \(staging)\(conflict)"
    ).affectedRows
  }

  /// Proves that the rows that were not inserted are in the table already. ON CONFLICT skips only such rows; where a
  /// trigger may have discarded rows instead, each row must be found by one of the table's unique keys.
  /// - Throws: ``JobError`` `rows_not_stored`.
  private func proveSkipped(
    from staging: String, _ inserted: Int, of staged: Int, on connection: PostgresConnection
  ) async throws {
    guard policy.mode == .direct || facts.mayDropRows else { return }
    var matches: [String] = []
    if policy.mode == .staging {
      for key in facts.keys(within: plan.loadedColumns) {
        var pairs: [String] = []
        for column in key {
          let name = try await connection.quoteIdentifier(column.text)
          pairs.append("held.\(name) = staged.\(name)")
        }
        matches.append(pairs.joined(separator: " AND "))
      }
    }
    guard !matches.isEmpty else { throw JobError.rowsNotStored(inserted, of: staged) }
    let table = try await connection.quoted(facts.table)
    let found = matches.map { "EXISTS (SELECT FROM \(table) AS held WHERE \($0))" }.joined(separator: " OR ")
    let missing: Int = try await connection.queryRows(
      "SELECT pg_catalog.count(*) AS n FROM \(staging) AS staged WHERE NOT (\(found))"
    ).rows[0].decode("n")
    guard missing == 0 else { throw JobError.rowsNotStored(staged - missing, of: staged) }
  }
}
