import Archive
import Database
import Postgres
import Reporting
import TableDays

extension TableDayRestore {
  /// The span of the archive, or the part of it that the request's `where` names.
  ///
  /// A column without a zone takes the part by the clock of the archive's zone.
  /// - Throws: ``JobError`` `bad_field`, `no_time_column`, `bad_time_column`.
  func span(
    _ manifest: ArchiveManifest?, of timeColumn: ColumnName?, _ facts: TableFacts, on connection: PostgresConnection
  ) async throws -> ArchiveSpan {
    let whole = ArchiveSpan(of: source.day, manifest, timeZone: options.timeZone)
    guard let part = request.part else { return whole }
    let column = try facts.timeColumn(named: timeColumn, remedy: "restore the whole day", field: "where").counting(unit)
    guard let values = whole.values(of: column) else {
      throw JobError(
        .badTimeColumn,
        "column \(column.name) of \(facts.table) is of another kind than the column by which the archive was made, so a part of "
          + "the day cannot be told; restore the whole day", field: "where")
    }
    let bounds = try await bounds(of: part, column, values, by: whole.zone, on: connection)
    guard let bounds else {
      throw JobError(
        .badField,
        "column \(column.name) of \(facts.table) is of type \(column.kind.rawValue), which the part's ends are no values of by the "
          + "clock of \(whole.zone); nothing was loaded", field: "where")
    }
    guard bounds.isWithin else {
      throw JobError(
        .badField,
        "the part does not lie within the archive, whose \(column.name) is from \(values.start) to \(values.end); nothing was "
          + "loaded", field: "where")
    }
    return whole.narrowed(to: bounds.span, window: .init(start: part.from.text, end: part.to.text))
  }

  /// The part as values of `column`, and whether they lie within `values`; nil where its ends are no values of the column.
  private func bounds(
    of part: RestoreRequest.Part, _ column: TimeColumn, _ values: DaySpan, by zone: String,
    on connection: PostgresConnection
  ) async throws -> (span: DaySpan, isWithin: Bool)? {
    if column.kind.integers != nil {
      guard let unit = values.unit ?? column.unit, let low = part.from.value(in: unit),
        let high = part.to.value(in: unit),
        let first = Int(values.start), let last = Int(values.end)
      else { return nil }
      let span = DaySpan(kind: column.kind, unit: unit, start: String(low), end: String(high))
      return (span, low >= first && high <= last)
    }
    let type = column.kind.sqlType
    func bound(_ number: Int) -> String {
      let instant = "$\(number)::pg_catalog.timestamptz"
      return column.kind == .instant ? instant : "pg_catalog.timezone($3, \(instant))"
    }
    let row = try await connection.query(
      "SELECT low::\(type)::pg_catalog.text AS low, high::\(type)::pg_catalog.text AS high, "
        + "low = low::\(type) AND high = high::\(type) AND low::\(type) < high::\(type) AS is_told, "
        + "low::\(type) >= $4::\(type) AND high::\(type) <= $5::\(type) AS is_within "
        + "FROM (SELECT \(bound(1)), \(bound(2)), $3::pg_catalog.text) AS part (low, high, zone)",
      [part.from.text, part.to.text, zone, values.start, values.end]
    ).rows[0]
    guard try row.decode("is_told", as: Bool.self) else { return nil }
    let span = DaySpan(kind: column.kind, start: try row.decode("low"), end: try row.decode("high"))
    return (span, try row.decode("is_within"))
  }
}
