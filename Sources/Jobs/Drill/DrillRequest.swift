package import Essentials
import Reporting
package import TableDays

/// A request for a drill: `sluice drill` and the timer `nightly_drill`, whose request is empty.
package struct DrillRequest: Sendable, Equatable {
  /// Choose among the archives of this table; nil is every table.
  package var table: TableName?
  /// With ``table``: drill this day, and choose nothing.
  package var date: Day?
  /// What the choice follows from; nil is a new one, which the report tells.
  package var seed: Int?

  package init() {}

  /// Reads `{table, date, seed}`.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    table = try fields.table("table")
    date = try fields.day("date")
    seed = try fields.integer("seed", in: 0...Int.max)
    try fields.finish()
    if date != nil, table == nil {
      throw JobError(.missingField, "missing; \(field: "date") names a day of it", field: "table")
    }
    if date != nil, seed != nil {
      throw JobError(
        .badField, "nothing is chosen where \(field: "table") and \(field: "date") are given", field: "seed")
    }
  }
}

extension DrillRequest {
  /// The request of `operation`, which drills the archive again that it had chosen, where its document tells which.
  init(_ operation: Operation) throws {
    try self.init(operation.request ?? .object([:]))
    guard let result = operation.result?.object, let table = result["table"]?.string, let date = result["date"]?.string
    else { return }
    self.table = try? TableName(parsing: table)
    self.date = self.table == nil ? nil : Day(date)
  }
}

/// The settings of drills.
package struct DrillOptions: Sendable, Equatable {
  /// `DRILL_MAX_MIB`: the MiB of gzip of the largest archive that is chosen by chance; 0 sets no limit.
  package var maximumMiB = 1024

  package init() {}

  var maximumBytes: Int { maximumMiB == 0 ? .max : maximumMiB << 20 }
}
