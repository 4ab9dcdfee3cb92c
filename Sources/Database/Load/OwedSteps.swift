import Foundation
package import Postgres
import Reporting
package import TableDays

/// The steps of a restore that are left after its commit. The load keeps them in `sluice.restore_log` in its own
/// transaction, so that a run that is killed before it has done them leaves word.
package struct OwedSteps: Sendable, Codable, Equatable {
  /// The database of the archives.
  package var archives: String
  /// The table that was loaded.
  package var schema: String
  package var table: String
  /// The table of the archives; nil where it has the same name, and in entries of versions before 0.10.
  package var source: Relation?
  package var day: Day
  /// The time column.
  package var column: String
  /// The span of the day, in values of that column.
  package var kind: DaySpan.Kind
  /// What the values of an integer column count.
  package var unit: TimeUnit?
  package var start: String
  package var end: String
  /// The chunks to compress again.
  package var recompress: [Relation] = []
  /// The continuous aggregates to refresh, in their order.
  package var refresh: [Relation] = []

  /// The name that the table has now, where it was renamed; not kept.
  package var present: TableName?

  enum CodingKeys: String, CodingKey {
    case archives, schema, table, source, day, column, kind, unit, start, end, recompress, refresh
  }

  /// A relation by its names.
  package struct Relation: Sendable, Codable, Equatable {
    var schema: String
    var name: String

    package init(_ table: TableName) {
      schema = table.schema
      name = table.name
    }

    package var tableName: TableName { TableName(schema: schema, name: name) }
  }

  /// - Parameters:
  ///   - table: the table that was loaded.
  ///   - archives: the database of the archives.
  ///   - source: the table of the archives.
  package init(
    of table: TableName, _ day: Day, span: DaySpan, by column: ColumnName, archives: String, source: TableName
  ) {
    self.archives = archives
    if source != table { self.source = Relation(source) }
    schema = table.schema
    self.table = table.name
    self.day = day
    self.column = column.text
    kind = span.kind
    unit = span.unit
    start = span.start
    end = span.end
  }

  package var tableName: TableName { TableName(schema: schema, name: table) }
  /// The table of the archives.
  package var sourceName: TableName { source?.tableName ?? tableName }
  package var span: DaySpan { DaySpan(kind: kind, unit: unit, start: start, end: end) }
  package var timeColumn: TimeColumn { TimeColumn(name: ColumnName(column), kind: kind, unit: unit) }
  package var isEmpty: Bool { recompress.isEmpty && refresh.isEmpty }

  func json() throws -> String { String(decoding: try JSONEncoder().encode(self), as: UTF8.self) }
}

extension [TableName] {
  /// The names as a JSON list of objects with `schema` and `name`.
  func json() throws -> String {
    String(decoding: try JSONEncoder().encode(map { OwedSteps.Relation($0) }), as: UTF8.self)
  }
}

extension RestoreLog {
  /// Keeps what the load with that id owes, in the current transaction; nil is nothing.
  /// - Throws: ``JobError`` `restore_log_needed`.
  package static func keep(_ owed: OwedSteps?, of load: String, on connection: PostgresConnection) async throws {
    let state = try await lock(on: connection)
    guard state.isUsable, state.mayUpdate else {
      throw JobError(
        .restoreLogNeeded,
        "sluice.restore_log was changed meanwhile, and is not written to: \(try await remedy(on: connection))")
    }
    try await store(owed, of: load, on: connection)
  }

  /// Stores what the load owes, where the table is locked.
  /// - Parameter seconds: how long the load took; nil leaves what is there.
  static func store(
    _ owed: OwedSteps?, of load: String, seconds: Double? = nil, on connection: PostgresConnection
  ) async throws {
    let rest = owed.flatMap { $0.isEmpty ? nil : $0 }
    try await connection.query(SQL.restoreLogOwing, [load, try rest?.json(), seconds.map { String($0) }])
  }

  /// A load that owes steps.
  package struct Debt: Sendable {
    package let load: String
    package let owed: OwedSteps
  }

  /// The loads that owe steps, the oldest first.
  /// - Parameters:
  ///   - load: the load's id; nil for all.
  ///   - target: the table that was loaded; nil for all.
  package static func debts(
    load: String? = nil, of target: TableName? = nil, on connection: PostgresConnection
  ) async throws -> [Debt] {
    let state = try await State.read(on: connection)
    guard state.isUsable, state.mayUpdate, state.isComplete else {
      if state.isThere, let flaw = state.flaw("restore_log", try await connection.currentRole()) {
        Log.write(.warning, "steps that are owed are not looked for", ["reason": flaw])
      }
      return []
    }
    return try await connection.query(
      SQL.restoreLogOwed, [load, target?.schema, target?.name, target.map { "\($0)" }]
    ).rows.compactMap { row in
      let text: String = try row.decode("owed")
      // Another version, or another program, may have written it.
      guard var owed = try? JSONDecoder().decode(OwedSteps.self, from: Data(text.utf8)) else {
        Log.write(
          .warning, "owed steps in sluice.restore_log are not understood",
          ["load": try row.decode("load", as: String.self)])
        return nil
      }
      let schema: String? = try row.decodeIfPresent("schema")
      let name: String? = try row.decodeIfPresent("name")
      if let schema, let name { owed.present = TableName(schema: schema, name: name) }
      return Debt(load: try row.decode("load"), owed: owed)
    }
  }
}
