import Database
import Foundation
import Postgres
import Reporting
import TableDays

/// What a table-day's table has to be like.
extension BackupPlan.Unit {
  func facts(on connection: PostgresConnection) async throws -> TableFacts {
    try await TableFacts.read(tableDay.table, for: .read, allowsView: options.allowsView ?? false, on: connection)
  }

  /// The column that tells a row's day.
  /// - Throws: ``JobError`` where there is none, or its type does not fit the table's options.
  func timeColumn(_ facts: TableFacts, on connection: PostgresConnection) async throws -> TimeColumn.Resolved {
    let column = try facts.timeColumn(
      named: timeColumn, unit: options.unit, remedy: "as \(field: "time_column") in the request")
    guard options.clock == nil || !column.kind.tellsInstants else {
      throw JobError(
        .badTimeColumn,
        "the option `clock` of \(facts.table) says which clock a column without a time zone shows, but \(column.name) is of "
          + "type \(column.kind.rawValue); remove the option", field: "clock")
    }
    return try await column.resolved(in: facts, on: connection)
  }

  /// The day, in the zone that gives a column of `kind` its instants.
  func window(_ kind: DaySpan.Kind, in timeZone: TimeZone) -> DayWindow {
    DayWindow(tableDay.day, in: kind.tellsInstants ? timeZone : clock)
  }
}
