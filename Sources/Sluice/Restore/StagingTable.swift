import Essentials
import Foundation
import Postgres

/// The way through a table of the file's own columns: COPY into it, then INSERT what belongs into the target.
///
/// It is made in the load's own transaction: whatever happens, it goes with it.
struct StagingTable {
  let facts: TableFacts
  let plan: LoadPlan
  let request: RestoreRequest

  /// Loads all rows and gives the number of rows in the file.
  func load(
    _ loader: ArchiveLoader, on connection: PostgresConnection, _ result: inout RestoreResult
  ) async throws -> Int {
    guard !facts.hasDeferrableKey || request.destination.mode == .direct else {
      throw JobError(
        .unprocessable, code: "deferrable_key",
        "\(facts.table) has a deferrable unique constraint, by which PostgreSQL cannot skip rows that are there already; "
          + "use mode \"direct\"", field: "destination.mode")
    }
    let like = request.destination.stagingLike
    let model = if let like { try await TableFacts.read(like, for: .read, on: connection) } else { facts }
    let suffix = UUID().uuidString.asciiLowercased().prefix(8)
    let name = TableName(schema: facts.table.schema, name: "_sluice_staging_\(suffix)")
    let staging = try await connection.quoted(name)
    var columns: [String] = []
    for name in plan.fileColumns {
      let quoted = try await connection.quoteIdentifier(name)
      let isKnown = model.columns.contains { $0.name == name }
      let type = facts.columns.first { $0.name == name }?.type ?? "pg_catalog.text"
      columns.append(isKnown ? quoted : "NULL::\(type) AS \(quoted)")
    }
    // The columns' types without constraints and defaults: what the file lacks, the target's own defaults fill in.
    try await connection.query(
      "CREATE UNLOGGED TABLE \(staging) AS SELECT \(columns.joined(separator: ", ")) "
        + "FROM \(try await connection.quoted(model.table)) WITH NO DATA")
    let copy = try await connection.copyIn(
      plan.copyStatement(into: name, options: request.copy.options, on: connection))
    let staged = try await loader.load(copy)
    let inserted = try await insert(from: staging, model, on: connection)
    try await connection.query("DROP TABLE \(staging)")
    result.rowsLoaded = inserted
    result.rowsSkipped = staged - inserted
    return staged
  }

  private func insert(from staging: String, _ model: TableFacts, on connection: PostgresConnection) async throws -> Int
  {
    var values: [String] = []
    for name in plan.loadedColumns {
      let quoted = try await connection.quoteIdentifier(name)
      let type = facts.columns.first { $0.name == name }?.type
      let staged = model.columns.first { $0.name == name }?.type ?? type
      values.append(type == staged ? quoted : "\(quoted)::\(type ?? "pg_catalog.text")")
    }
    let conflict = request.destination.mode == .staging ? " ON CONFLICT DO NOTHING" : ""
    // Identity columns take the file's values, as they do in a COPY.
    return try await connection.query(
      "INSERT INTO \(try await connection.quoted(facts.table)) (\(try await connection.quoted(plan.loadedColumns))) "
        + "OVERRIDING SYSTEM VALUE SELECT \(values.joined(separator: ", ")) FROM \(staging)\(conflict)"
    ).affectedRows
  }
}
