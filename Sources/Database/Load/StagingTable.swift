import Foundation
package import Postgres
import Reporting
import TableDays

/// A load through a staging table with the file's columns: COPY into it, then INSERT from it into the target.
///
/// The table is created and dropped in the load's transaction, so a rollback removes it too. It is an unlogged one in the target's
/// schema, or a temporary one where the role may create none there: that one lies in `temp_tablespaces`, which often have less room.
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
    /// The number of rows that were to be inserted: all, or those in the part that is loaded.
    package let matched: Int
    /// The number of rows that were inserted.
    package let inserted: Int
    /// The number of rows in conflict with rows that the table held, or with earlier rows of the file.
    package let conflicts: Int
    /// The number of rows that triggers have dropped; each was found in the table.
    package var dropped: Int { matched - inserted - conflicts }
  }

  /// Refuses, without changing anything, a load whose rows could not be staged or inserted.
  /// - Parameters:
  ///   - part: the values of the time column whose rows are loaded; nil loads all.
  ///   - replaced: the rows with whose span the file's are compared before they are deleted; nil compares none.
  /// - Returns: the table whose column types the staging table has, and the schema in which it can be made.
  /// - Throws: ``JobError`` `deferrable_key`, `insert_rule`, `bad_time_column`, `permission_denied`, and those of
  ///   ``TableFacts`` for the table whose types are taken.
  @discardableResult package func check(
    part: ExistingRows? = nil, replaced: ExistingRows? = nil, on connection: PostgresConnection
  ) async throws -> (model: TableFacts, schema: String) {
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
    let filled = plan.filledColumns
    if let part, !filled.contains(part.timeColumn.name) { throw StagedRows.noTime(of: part) }
    if let replaced, !filled.contains(replaced.timeColumn.name) { throw StagedRows.noTime(toReplace: replaced) }
    let like = policy.stagingLike
    var model = facts
    if let like {
      do {
        model = try await TableFacts.read(like, for: .read, on: connection)
      } catch var error as JobError where error.field == "table" {
        error.field = "destination.create_staging_like"
        throw error
      }
    }
    return (model, try await schema(on: connection))
  }

  /// Loads all rows of the file.
  /// - Parameters:
  ///   - options: the parenthesis of COPY's `WITH (…)`.
  ///   - part: the values of the time column whose rows are loaded; nil loads all.
  ///   - replaced: as of ``check(part:replaced:on:)``.
  ///   - beforeInsert: runs when the file's rows are staged.
  ///   - send: sends the rows to the COPY, and returns the number that the server has stored.
  /// - Throws: ``JobError`` `rows_not_stored`, and those of ``check(part:replaced:on:)``.
  package func load(
    options: String, part: ExistingRows? = nil, replaced: ExistingRows? = nil, on connection: PostgresConnection,
    beforeInsert: (StagedRows) async throws -> Void,
    _ send: (CopyIn) async throws -> Int
  ) async throws -> Loaded {
    let (model, schema) = try await check(part: part, replaced: replaced, on: connection)
    let name = TableName(schema: schema, name: "_sluice_staging_\(UUID().uuidString.prefix(8))")
    let staging = try await connection.quoted(name)
    var columns: [String] = []
    for name in plan.fileColumns {
      let quoted = try await connection.quoteIdentifier(name.text)
      let loaded = plan.loaded.first { $0.file == name }
      if let target = loaded?.table, model.column(target) != nil, policy.stagingLike != nil || loaded?.castFrom == nil {
        columns.append("\(try await connection.quoteIdentifier(target.text)) AS \(quoted)")
      } else {
        let type = loaded.map { $0.castFrom ?? facts.column($0.table)?.type ?? "pg_catalog.text" } ?? "pg_catalog.text"
        columns.append("NULL::\(type) AS \(quoted)")
      }
    }
    // CREATE TABLE AS takes the columns' types without constraints and defaults; the target's defaults fill in columns
    // that the file lacks.
    try await connection.query(
      "CREATE \(schema == Self.temporary ? "TEMPORARY" : "UNLOGGED") TABLE \(staging) AS SELECT \(columns.joined(separator: ", ")) "
        + "FROM \(try await connection.quoted(model.table)) WITH NO DATA")
    let copy = try await connection.copyIn(
      plan.copyStatement(into: name, staged: true, options: options, on: connection))
    let staged = try await send(copy)
    let values = try await values(of: model, on: connection)
    var rows = StagedRows(
      count: staged, table: staging, values: Dictionary(zip(plan.filledColumns, values)) { first, _ in first })
    if let part { rows = try await rows.matching(part, on: connection) }
    try await beforeInsert(rows)
    let outcome = try await insert(values, from: rows.table, on: connection)
    let matched = rows.count
    let conflicts =
      outcome.conflicts ?? (policy.mode == .staging && !facts.mayDropRows ? matched - outcome.inserted : 0)
    let loaded = Loaded(staged: staged, matched: matched, inserted: outcome.inserted, conflicts: conflicts)
    if loaded.dropped > 0 { try await proveStored(from: rows.table, values, loaded, on: connection) }
    try await connection.query("DROP TABLE \(staging)")
    return loaded
  }

  /// The alias of the session's schema of temporary tables, in which no other role can put anything.
  private static let temporary = "pg_temp"

  /// Where the role may create the table.
  /// - Throws: ``JobError`` `permission_denied`.
  private func schema(on connection: PostgresConnection) async throws -> String {
    let row = try await connection.query(
      "SELECT pg_catalog.has_schema_privilege($1, 'CREATE') AS may_create, pg_catalog.has_database_privilege("
        + "pg_catalog.current_database(), 'TEMPORARY') AS may_use_temporary", [facts.table.schema]
    ).rows[0]
    if try row.decode("may_create", as: Bool.self) { return facts.table.schema }
    if try row.decode("may_use_temporary", as: Bool.self) { return Self.temporary }
    let role = try await connection.currentRole()
    throw JobError(
      .permissionDenied,
      "the load needs a staging table, and the role \(role) may create neither a temporary table nor one in the schema "
        + "\(facts.table.schema); nothing was loaded. Grant one of them: GRANT TEMPORARY ON DATABASE "
        + "\(SQL.identifier(connection.target.database)) TO \(SQL.identifier(role)), or GRANT CREATE ON SCHEMA "
        + "\(SQL.identifier(facts.table.schema)) TO \(SQL.identifier(role))")
  }

  private struct Inserted {
    let inserted: Int
    /// The rows in conflict, where triggers may have dropped others; nil when they were not counted.
    var conflicts: Int?
  }

  /// The values of the filled columns, as the target takes them.
  private func values(of model: TableFacts, on connection: PostgresConnection) async throws -> [String] {
    var values: [String] = []
    for column in plan.loaded {
      let quoted = try await connection.quoteIdentifier(column.file.text)
      let type = facts.column(column.table)?.type
      let own = model.column(column.table)?.type ?? type
      let staged = policy.stagingLike == nil ? column.castFrom ?? own : own
      values.append(type == staged ? quoted : "\(quoted)::\(type ?? "pg_catalog.text")")
    }
    for value in plan.defaults {
      let type = facts.column(value.column)?.type ?? "pg_catalog.text"
      let literal = if let text = value.value { try await connection.quoteLiteral(text) } else { "NULL" }
      values.append("\(literal)::\(type)")
    }
    return values
  }

  private func insert(
    _ values: [String], from staging: String, on connection: PostgresConnection
  ) async throws -> Inserted {
    let conflict = policy.mode == .staging ? " ON CONFLICT DO NOTHING" : ""
    // Identity columns take the file's values, as they do in a COPY.
    let statement =
      "INSERT INTO \(try await connection.quoted(facts.table)) (\(try await connection.quoted(plan.filledColumns))) "
      + "OVERRIDING SYSTEM VALUE SELECT \(values.joined(separator: ", ")) FROM \(staging)\(conflict)"
    guard policy.mode == .staging, facts.mayDropRows else {
      return Inserted(inserted: try await connection.queryRows(statement).affectedRows)
    }
    // Only EXPLAIN tells how many rows were in conflict; the command tag leaves out what triggers dropped as well.
    let json: String = try await connection.queryRows(
      "EXPLAIN (ANALYZE, TIMING off, COSTS off, FORMAT JSON) \(statement) RETURNING 1"
    ).rows[0].decode("QUERY PLAN")
    guard let plan = try? JSONDecoder().decode([Explained].self, from: Data(json.utf8)).first?.plan,
      let rows = plan.rows
    else { throw PostgresError.decoding(column: "QUERY PLAN", expected: "the plan of an INSERT") }
    return Inserted(inserted: Int(rows), conflicts: plan.conflicts)
  }

  /// What EXPLAIN tells of an INSERT that was carried out.
  private struct Explained: Decodable {
    struct Plan: Decodable {
      let rows: Double?
      let ownConflicts: Int?
      let plans: [Plan]?

      /// The number of rows in conflict. An extension may have put the INSERT under a node of its own.
      var conflicts: Int? { ownConflicts ?? plans?.lazy.compactMap(\.conflicts).first }

      enum CodingKeys: String, CodingKey {
        case rows = "Actual Rows"
        case ownConflicts = "Conflicting Tuples"
        case plans = "Plans"
      }
    }

    let plan: Plan

    enum CodingKeys: String, CodingKey { case plan = "Plan" }
  }

  /// Proves that the rows that triggers have dropped are in the table already: each must be found by one of the table's
  /// unique indexes.
  /// - Throws: ``JobError`` `rows_not_stored`.
  private func proveStored(
    from staging: String, _ values: [String], _ loaded: Loaded, on connection: PostgresConnection
  ) async throws {
    let error = JobError.rowsNotStored(loaded.inserted, of: loaded.matched, conflicts: loaded.conflicts)
    let matches = policy.mode == .staging ? try await conflictConditions(on: connection) : []
    guard !matches.isEmpty else { throw error }
    let table = try await connection.quoted(facts.table)
    let found = matches.map { "EXISTS (SELECT FROM \(table) AS held WHERE \($0))" }.joined(separator: " OR ")
    // The values as the INSERT converts them.
    var columns: [String] = []
    for (name, value) in zip(plan.filledColumns, values) {
      columns.append("\(value) AS \(try await connection.quoteIdentifier(name.text))")
    }
    let missing: Bool = try await connection.queryRows(
      "SELECT EXISTS (SELECT FROM (SELECT \(columns.joined(separator: ", ")) FROM \(staging)) AS staged "
        + "WHERE (\(found)) IS NOT TRUE) AS missing"
    ).rows[0].decode("missing")
    guard !missing else { throw error }
  }

  /// For each unique index over loaded columns: when the row `held` is in conflict with the row `staged`.
  private func conflictConditions(on connection: PostgresConnection) async throws -> [String] {
    var conditions: [String] = []
    for key in facts.conflictKeys where key.columns.allSatisfy(plan.filledColumns.contains) {
      let equals = key.nullsAreEqual ? "IS NOT DISTINCT FROM" : "="
      var pairs: [String] = []
      for column in key.columns {
        let name = try await connection.quoteIdentifier(column.text)
        pairs.append("held.\(name) \(equals) staged.\(name)")
      }
      conditions.append(pairs.joined(separator: " AND "))
    }
    return conditions
  }
}
