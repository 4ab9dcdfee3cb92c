import Essentials
package import Postgres
import Reporting
import TableDays

extension ColumnDrift {
  func refuseTwice() throws {
    var places: [ColumnName: Int] = [:]
    for (index, column) in columns.enumerated() {
      guard let first = places.updateValue(index, forKey: column.name) else { continue }
      let what = column.target == nil ? "" : " \(JSONValue.string(column.name.text).brief)"
      throw JobError(
        .badHeader,
        "the file has the column\(what) twice, at positions \(first + 1) and \(index + 1); give each of its columns "
          + "another name as \(field: "copy.columns")")
    }
  }

  /// Refuses what the request says about columns that are not there, and two columns for one.
  func refuseMapping(_ facts: TableFacts) throws {
    let names = Set(columns.map(\.name))
    for (file, table) in mapping.names.sorted(by: { $0.key.text < $1.key.text }) {
      if !names.contains(file) { throw Self.absent(file, "the file", "copy.map") }
      if facts.column(table) == nil { throw Self.absent(table, "\(facts.table)", "copy.map") }
    }
    if let column = mapping.ignored.first(where: { !names.contains($0) }) {
      throw Self.absent(column, "the file", "copy.ignore")
    }
    var sources: [ColumnName: ColumnName] = [:]
    for column in columns where column.fate == .loaded {
      guard let target = column.target, let other = sources.updateValue(column.name, forKey: target) else { continue }
      throw JobError(
        .badHeader,
        "the file's columns \(LoadPlan.list([other, column.name])) are both meant for the column "
          + "\(JSONValue.string(target.text).brief) of \(facts.table); leave one out by \(field: "copy.ignore")",
        field: "copy.map")
    }
    for column in mapping.defaults.map(\.column) {
      let place = "copy.defaults.\(column)"
      guard let known = facts.column(column) else { throw Self.absent(column, "\(facts.table)", place) }
      if known.isGenerated { throw JobError(.badField, "\(facts.table) computes this column", field: place) }
      guard let source = sources[column] else { continue }
      throw JobError(
        .badField,
        "the file has this column (\(JSONValue.string(source.text).brief)); leave that one out by \(field: "copy.ignore"), or "
          + "the default", field: place)
    }
  }

  private static func absent(_ column: ColumnName, _ place: String, _ field: String) -> JobError {
    JobError(
      .unknownColumns, "\(place) has no column \(JSONValue.string(column.text).brief)", field: field,
      details: ["columns": .array([.string(column.text)])])
  }

  /// Refuses values that cannot become the table's, and columns that stay without a value they need.
  func refuseTypes(_ facts: TableFacts) throws {
    let impossible = columns.filter { $0.fate == .loaded && $0.conversion == .none }
    if let first = impossible.first {
      throw JobError(
        .noCast,
        "PostgreSQL has no cast from the file's type \(first.type ?? "") of the column \(first.name) to \(first.targetType ?? "") "
          + "of \(facts.table); nothing was changed. Leave the column out by \(field: "copy.ignore"), or load into a table of the "
          + "file's types", details: ["columns": .array(impossible.map { .string($0.name.text) })])
    }
    let required = required.map(\.name)
    guard required.isEmpty else {
      throw JobError(
        .missingColumns,
        "\(facts.table) has columns that are NOT NULL without a default, and that the file lacks: \(LoadPlan.list(required)); "
          + "nothing was changed. Give them values as \(field: "copy.defaults")",
        details: ["columns": .array(required.map { .string($0.text) })])
    }
  }

  /// Refuses defaults that are no values of their columns. A failure ends the transaction.
  /// - Throws: ``JobError`` `bad_field`.
  package static func checkDefaults(
    _ mapping: ColumnMapping, of facts: TableFacts, on connection: PostgresConnection
  ) async throws {
    for value in mapping.defaults {
      guard let column = facts.column(value.column) else { continue }
      let form: ErrorText = "a value of the type \(column.type)\(column.isNotNull ? ", not null" : "")"
      let error = JobError.badField("copy.defaults.\(column.name)", form, got: value.value.map { .string($0) })
      guard let text = value.value else {
        if column.isNotNull { throw error }
        continue
      }
      do {
        _ = try await connection.queryRows("SELECT \(try await connection.quoteLiteral(text))::\(column.type)")
      } catch PostgresError.server(let server) where server.sqlState.hasPrefix("22") || server.sqlState.hasPrefix("23")
      {
        throw error
      }
    }
  }

  var warnings: [String] {
    var warnings: [String] = []
    let unknown = unknown.map(\.name)
    if !unknown.isEmpty {
      warnings.append("the load left out columns that the table lacks: \(LoadPlan.list(unknown))")
    }
    let computed = columns.filter { $0.fate == .computed }
    if !computed.isEmpty {
      warnings.append(
        "the table computes these columns, so the file's values were not loaded: "
          + computed.map(\.name.text).joined(separator: ", "))
    }
    for column in columns where column.fate == .loaded {
      guard let type = column.type, let target = column.targetType, type != target else { continue }
      if column.conversion == .cast {
        warnings.append("the values of \(column.name) were cast from \(type) to \(target)")
      } else if Self.isInstant(type) != Self.isInstant(target), Self.isTime(type), Self.isTime(target) {
        warnings.append("the values of \(column.name), \(type) in the file, were read as \(target) by the clock of UTC")
      } else if Self.holdsLess(target, than: type) {
        warnings.append(
          "the values of \(column.name), \(type) in the file, were read as \(target); what that type does not hold was rounded or cut off"
        )
      }
    }
    return warnings
  }

  /// Whether the server, reading the text of a value of `type` as `target`, drops a part of it without an error: a time of day, or
  /// digits. A text or an integer that does not fit is an error.
  private static func holdsLess(_ target: String, than type: String) -> Bool {
    let (base, digits) = parts(of: target)
    let (source, sourceDigits) = parts(of: type)
    if base == source {
      return digits != "" && digits != sourceDigits && !base.hasSuffix("char") && base != "character"
    }
    switch base {
    case "date", "time without time zone", "time with time zone": return source.hasPrefix("timestamp")
    case "real": return ["double precision", "numeric", "integer", "bigint"].contains(source)
    case "double precision": return ["numeric", "bigint"].contains(source)
    case "numeric": return digits != "" && ["real", "double precision"].contains(source)
    default: return digits != "" && isTime(base)
    }
  }

  /// `timestamp(0) without time zone` as `timestamp without time zone` and `(0)`.
  private static func parts(of type: String) -> (base: String, digits: String) {
    guard let open = type.firstIndex(of: "("), let close = type[open...].firstIndex(of: ")") else { return (type, "") }
    return (String(type[..<open]) + String(type[close...].dropFirst()), String(type[open...close]))
  }

  private static func isInstant(_ type: String) -> Bool { DaySpan.Kind(type: type) == .instant }
  private static func isTime(_ type: String) -> Bool { DaySpan.Kind(type: type) != nil }
}
