package import Essentials
import Reporting
package import TableDays

/// A request for a listing of a table's chunks or partitions: `GET /api/chunks` and `sluice chunks`.
package struct ChunksRequest: Sendable, Equatable {
  /// The table, with its time column where it is named.
  package var table: TableOptions
  /// Only chunks that overlap days from this one on.
  package var from: Day?
  /// Only chunks that overlap days up to this one.
  package var to: Day?
  /// The chunks of one answer, at most.
  package var limit = defaultLimit
  /// Count the rows of the table.
  package var counts = true

  /// The chunks of an answer where the request names no number.
  package static let defaultLimit = 100
  /// The numbers of chunks that a request may name.
  package static let limits = 1...10_000

  /// Reads `{table, from, to, limit, count}`.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    guard let text = try fields.string("table", Fields.tableForm) else {
      throw fields.missing("table", "missing; expected \(Fields.tableForm)")
    }
    table = try TableOptions(parsing: text, field: "table")
    from = try fields.day("from")
    to = try fields.day("to")
    limit = try fields.integer("limit", in: Self.limits) ?? Self.defaultLimit
    counts = try fields.bool("count") ?? true
    try fields.finish()
    if let from, let to { try Fields.order(from, to) }
  }
}
