import Reporting
package import TableDays

extension Fields {
  /// Reads `date`, or `from` and `to`.
  /// - Throws: ``JobError`` `missing_field`, `bad_field`.
  package mutating func days() throws -> (from: Day, to: Day) {
    let date = try day("date")
    let from = try day("from")
    let to = try day("to")
    switch (date, from, to) {
    case (let date?, nil, nil): return (date, date)
    case (nil, let from?, let to?):
      try Self.order(from, to)
      return (from, to)
    case (nil, nil, nil):
      throw missing(
        "date", "missing; expected a day as YYYY-MM-DD, yesterday or today-3, or \(field: "from") and \(field: "to")")
    case (.some, _, _):
      throw JobError(
        .badField, "give \(field: "date"), or \(field: "from") and \(field: "to"), not both", field: "date")
    default:
      throw JobError(
        .missingField, "missing; give \(field: "from") and \(field: "to") together", field: from == nil ? "from" : "to")
    }
  }

  /// Refuses a span that ends before it begins.
  static func order(_ from: Day, _ to: Day) throws {
    guard from > to else { return }
    throw JobError(.badField, "\(from) is after \(field: "to"), \(to); swap them", field: "from")
  }
}
