import Database
import Essentials
import Reporting
import TableDays

extension ColumnMapping {
  /// Reads `map`, `ignore` and `defaults` of `copy`.
  init(_ fields: inout Fields) throws {
    self.init()
    var mapped: Set<ColumnName> = []
    for (file, value) in try Self.members(&fields, "map", "an object {\"file column\": \"table column\"}") {
      guard case .string(let text) = value, !text.isEmpty, !text.utf8.contains(0) else {
        throw JobError.badField("map.\(file)", "a column of the table", got: value)
      }
      guard mapped.insert(ColumnName(text)).inserted else {
        throw JobError(
          .badField, "two columns of the file are mapped to \(JSONValue.string(text).brief)", field: "map")
      }
      names[ColumnName(file)] = ColumnName(text)
    }
    ignored = (try fields.strings("ignore", "a list of column names") ?? []).map { ColumnName($0) }
    if let column = ignored.first(where: { names[$0] != nil }) {
      throw JobError(
        .badField, "the column \(JSONValue.string(column.text).brief) is in \(field: "copy.map") too", field: "ignore")
    }
    for (column, value) in try Self.members(&fields, "defaults", "an object {\"table column\": value}") {
      let text: String? =
        switch value {
        case .null: nil
        case .string(let text) where !text.utf8.contains(0): text
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .number(let number): value.whole.map { String($0) } ?? String(number)
        default: throw JobError.badField("defaults.\(column)", "a text, a number, true, false or null", got: value)
        }
      defaults.append(Default(column: ColumnName(column), value: text))
    }
  }

  private static func members(
    _ fields: inout Fields, _ name: String, _ form: ErrorText
  ) throws -> [(String, JSONValue)] {
    guard let value = fields.value(name) else { return [] }
    guard case .object(let members) = value else { throw JobError.badField(name, form, got: value) }
    guard members.keys.allSatisfy({ !$0.isEmpty && !$0.utf8.contains(0) }) else {
      throw JobError.badField(name, "names of columns, without NUL characters")
    }
    return members.sorted { $0.key < $1.key }
  }
}
