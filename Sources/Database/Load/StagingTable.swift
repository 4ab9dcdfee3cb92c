import Essentials
import Foundation
package import Postgres
import Reporting
import TableDays

/// The way through a table of the file's own columns: COPY into it, then INSERT what belongs into the target.
///
/// It is made in the load's own transaction: whatever happens, it goes with it.
package struct StagingTable {
  package let facts: TableFacts
  package let plan: LoadPlan
  package let policy: LoadPolicy

  package init(for facts: TableFacts, _ plan: LoadPlan, policy: LoadPolicy) {
    self.facts = facts
    self.plan = plan
    self.policy = policy
  }

  /// What has come of a load.
  package struct Loaded: Sendable {
    /// Rows of the file.
    package let staged: Int
    /// Those of them that were inserted; the rest is in the table already.
    package let inserted: Int
  }

  /// Loads all rows of the file.
  /// - Parameters:
  ///   - options: the parenthesis of COPY's `WITH (…)`.
  ///   - send: sends the rows to the COPY, and gives the number that the server has stored.
  /// - Throws: ``JobError`` `deferrable_key`, `rows_not_stored`.
  package func load(
    options: String, on connection: PostgresConnection, _ send: (CopyIn) async throws -> Int
  ) async throws -> Loaded {
    guard !facts.hasDeferrableKey || policy.mode == .direct else {
      throw JobError(
        .deferrableKey,
        "\(facts.table) has a deferrable unique constraint, by which PostgreSQL cannot skip rows that are there already; "
          + "use \"direct\"", field: "destination.mode")
    }
    // COPY into the table would not ask the rule; the INSERT on this way does, and stores the rows who knows where.
    guard !facts.hasInsertRule else {
      throw JobError(
        .insertRule,
        "\(facts.table) has a rule that runs in place of INSERT; use \"direct\" with the table's own columns, or disable the "
          + "rule", field: "destination.mode")
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
    // The columns' types without constraints and defaults: what the file lacks, the target's own defaults fill in.
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

  /// Rows that were not inserted are in the table already, which is why ON CONFLICT skipped them. Where a trigger may have
  /// kept them out instead, each must be found by one of the table's keys.
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
