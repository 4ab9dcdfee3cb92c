package import Archive
package import Essentials
import Reporting
package import TableDays

/// A request to verify archives: `GET,POST /api/verify` and `sluice verify`.
package struct VerifyRequest: Sendable, Equatable {
  /// The tables; empty is every table that has archives.
  package var tables: [TableName] = []
  /// The first day; nil is each table's first archive.
  package var from: Day?
  /// The last day, included; nil is each table's last archive.
  package var to: Day?
  /// The database whose archives are verified; nil is `PG_DATABASE`.
  package var database: String?
  package var depth = ArchiveVerification.Depth.full
  /// Write a manifest for an archive that has none, from the file and the table.
  package var adopts = false
  /// Verify this many of the archives, chosen at random.
  package var sample: Int?
  /// What the choice of ``sample`` follows from; nil is a new one, which the report tells.
  package var seed: Int?
  /// Only archives whose last verification, of a whole file, is older than this many seconds, or that have none.
  package var olderThan: Int?

  /// The numbers of archives that `sample` may ask for.
  package static let samples = 1...1_000_000

  package init() {}

  /// Reads `{table | tables, date | from, to, database, depth, adopt, sample, seed, older_than_verification}`.
  /// - Throws: ``JobError`` with the field.
  package init(_ value: JSONValue) throws {
    var fields = try Fields(value)
    tables = try fields.tables(naming: "the manifest names the time column")
    let date = try fields.day("date")
    from = try fields.day("from")
    to = try fields.day("to")
    if let date {
      guard from == nil, to == nil else {
        throw JobError(
          .badField, "give \(field: "date"), or \(field: "from") and \(field: "to"), not both", field: "date")
      }
      (from, to) = (date, date)
    }
    database = try fields.string("database", "a database's name")
    depth = try fields.choice("depth", ArchiveVerification.Depth.self) ?? .full
    adopts = try fields.bool("adopt") ?? false
    sample = try fields.integer("sample", in: Self.samples)
    seed = try fields.integer("seed", in: 0...Int.max)
    olderThan = try fields.age("older_than_verification")
    try fields.finish()
    if let from, let to { try Fields.order(from, to) }
    if seed != nil, sample == nil {
      throw JobError(.badField, "it decides which archives \(field: "sample") chooses; give both", field: "seed")
    }
    if adopts, depth == .manifest {
      throw JobError(
        .badField, "a manifest is made from the whole file; give \(field: "depth") \"full\" or \"database\"",
        field: "adopt")
    }
  }
}

extension Fields {
  /// Reads the tables of `table` or `tables`, without time columns; empty where neither is given.
  /// - Parameter reason: why none is named with a time column.
  /// - Throws: ``JobError`` `bad_field`, `table_without_schema`.
  package mutating func tables(naming reason: String) throws -> [TableName] {
    let table = try strings("table", Self.tableForm)
    let list = try strings("tables", "a list of \(Self.tableForm)")
    if table != nil, list != nil {
      throw JobError(.badField, "give one of the two, \(field: "table") or \(field: "tables")", field: "tables")
    }
    let field = list == nil ? "table" : "tables"
    let options = try (table ?? list ?? []).flatMap { try TableOptions.list($0, field: field) }
    if (table ?? list) != nil, options.isEmpty { throw JobError.badField(field, Self.tableForm) }
    if let named = options.first(where: { $0.timeColumn != nil }) {
      throw JobError(.badField, "\(reason); give \(named.table) without one", field: field)
    }
    try TableOptions.refuseTwice(options, field: field)
    return options.map(\.table)
  }

  /// Reads an age such as `30d` or `12h`, in seconds.
  /// - Throws: ``JobError`` `bad_field`.
  package mutating func age(_ name: String) throws -> Int? {
    let form: ErrorText = "a number of days or hours, such as 30d or 12h"
    guard let text = try string(name, form) else { return nil }
    let seconds = ["d": 86400, "h": 3600][text.suffix(1)]
    guard let seconds, let number = Int(text.dropLast()), 0...100_000 ~= number else {
      throw JobError.badField(name, form, got: .string(text))
    }
    return number * seconds
  }
}
