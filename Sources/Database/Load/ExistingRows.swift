import Postgres

/// Deals with rows that lie in the window already, before a load.
struct ExistingRows {
  let facts: TableFacts
  let plan: LoadPlan
  let window: DayWindow
  let destination: RestoreRequest.Destination

  /// Does as `on_existing` says, and deletes the window's rows where that is `replace`. False: leave all as it is.
  /// - Parameter timeColumn: the column by which the day was cut, where it is known.
  /// - Throws: ``JobError`` `rows_exist` with their number, `no_time_column`, `bad_time_column`.
  func settle(
    timeColumn: ColumnName?, on connection: PostgresConnection, _ result: inout RestoreResult
  ) async throws -> Bool {
    // With a unique index, ON CONFLICT DO NOTHING skips what is there; without one it stops nothing.
    let skipsRows = destination.mode == .staging && facts.recognisesRows(of: plan.loadedColumns)
    if destination.onExisting == .append || (destination.onExisting == .error && skipsRows) { return true }
    let field = "destination.on_existing"
    let column = try facts.timeColumn(
      named: timeColumn, remedy: "pass \(field) \"append\" to load without looking for rows that are there already",
      field: field)
    let condition = try await column.condition(for: window, on: connection)
    let name = try await connection.quoted(facts.table)
    if destination.onExisting == .replace {
      let deleted = try await connection.queryRows("DELETE FROM \(name) WHERE \(condition)").affectedRows
      if deleted > 0 { result.warnings.append("\(deleted) rows of the window were replaced") }
      return true
    }
    let count: Int = try await connection.queryRows("SELECT pg_catalog.count(*) AS n FROM \(name) WHERE \(condition)")
      .rows[0].decode("n")
    if count == 0 { return true }
    if destination.onExisting == .skip {
      result.warnings.append("\(count) rows are in the window already; nothing was loaded")
      return false
    }
    let without =
      destination.mode == .staging ? "; it has no unique index over the file's columns that would tell rows apart" : ""
    throw JobError(
      .conflict, code: "rows_exist",
      "\(facts.table) holds \(count) rows of \(window.day) already\(without); nothing was loaded. Pass \(field): append, "
        + "replace or skip", field: field, details: ["rows": .integer(count)])
  }
}
