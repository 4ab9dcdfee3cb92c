import Foundation
import Gzip

/// What to back up: tables, days and how. One type for HTTP, timer, queue and command line.
public struct BackupRequest: Sendable, Codable, Equatable {
  /// Tables, at least one.
  public var tables: [TableSetting]
  /// First day.
  public var from: Day
  /// Last day, included.
  public var to: Day
  /// Replace an archive that is there.
  public var overwrite = false
  /// With ``overwrite``: also by one with fewer rows.
  public var force = false
  /// Gzip level, 1...9; nil is the table's or `BACKUP_GZIP_LEVEL`.
  public var compressionLevel: Int?

  /// The most table-days one request may ask for; a year of thirty tables.
  static let maximumUnits = 11_000

  /// A request for `tables` and the days `from` to `to`.
  public init(tables: [TableSetting], from: Day, to: Day, overwrite: Bool = false) {
    self.tables = tables
    self.from = from
    self.to = to
    self.overwrite = overwrite
  }

  /// Reads `{table | tables, date | from,to, time_column, overwrite, force, compression_level}`.
  /// - Throws: ``JobError``, naming the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    let form = "schema.table, such as events.bannerclicked"
    let table = try fields.strings("table", form)
    let list = try fields.strings("tables", "a list of \(form)")
    if table != nil, list != nil {
      throw JobError(.invalid, code: "bad_field", "table, tables: give one of the two", field: "tables")
    }
    let field = list == nil ? "table" : "tables"
    tables = try (table ?? list ?? []).flatMap { try TableSetting.list($0, field: field) }
    // Also for a list of nothing but commas: "done" would be a wrong answer to it.
    guard !tables.isEmpty else {
      throw JobError(.invalid, code: "missing_field", "table: missing; expected \(form)", field: "table")
    }
    var seen: Set<TableName> = []
    if let twice = tables.first(where: { !seen.insert($0.table).inserted }) {
      throw JobError(.invalid, code: "bad_field", "\(field): \(twice.table) is named twice", field: field)
    }
    (from, to) = try Self.days(&fields)
    if let column = try fields.string("time_column", "a column's name") {
      for index in tables.indices { tables[index].timeColumn = tables[index].timeColumn ?? column }
    }
    overwrite = try fields.bool("overwrite") ?? false
    force = try fields.bool("force") ?? false
    compressionLevel = try fields.integer("compression_level", in: GzipCompressor.levels)
    try fields.finish()
    let units = from.count(through: to) * tables.count
    guard units <= Self.maximumUnits else {
      throw JobError(
        .invalid, code: "too_many_units",
        "from, to: \(units) table-days asked for at once, at most \(Self.maximumUnits); split the span", field: "to")
    }
  }

  /// Reads `date`, or `from` and `to`.
  static func days(_ fields: inout Fields) throws -> (from: Day, to: Day) {
    let date = try fields.day("date")
    let from = try fields.day("from")
    let to = try fields.day("to")
    switch (date, from, to) {
    case (let date?, nil, nil): return (date, date)
    case (nil, let from?, let to?):
      guard from <= to else {
        throw JobError(.invalid, code: "bad_field", "from: \(from) is after to, \(to); swap them", field: "from")
      }
      return (from, to)
    case (nil, nil, nil):
      throw JobError(
        .invalid, code: "missing_field", "date: missing; expected a day as YYYY-MM-DD, or from and to", field: "date")
    case (.some, _, _):
      throw JobError(.invalid, code: "bad_field", "date: give date, or from and to, not both", field: "date")
    default:
      let missing = from == nil ? "from" : "to"
      throw JobError(
        .invalid, code: "missing_field", "\(missing): missing; from and to go together", field: missing)
    }
  }

  /// Reads the JSON form.
  public init(from decoder: any Decoder) throws {
    try self.init(JSONValue(from: decoder))
  }

  /// Writes the JSON form.
  public func encode(to encoder: any Encoder) throws {
    var members: [String: JSONValue] = [
      "tables": .array(tables.map { .string($0.spelling) }), "from": .string("\(from)"), "to": .string("\(to)"),
      "overwrite": .bool(overwrite), "force": .bool(force),
    ]
    if let compressionLevel { members["compression_level"] = .number(Double(compressionLevel)) }
    try JSONValue.object(members).encode(to: encoder)
  }
}
