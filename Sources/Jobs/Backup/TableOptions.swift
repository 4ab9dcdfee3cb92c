import Essentials
package import Foundation
import Reporting
package import TableDays

/// The options of one table in a request, in `BACKUP_TABLES` or in the settings file; nil where an option is not given.
package struct TableOptions: Sendable, Equatable {
  package var table: TableName
  /// The column that determines a row's day.
  package var timeColumn: String?
  /// The gzip level of the table's archives, 1...9.
  package var compressionLevel: Int?
  /// The zone of the clock that a time column without a zone shows.
  package var clock: TimeZone?
  /// What an integer time column counts.
  package var unit: TimeUnit?
  /// The relation may be a view or a materialized view.
  package var allowsView: Bool?

  package init(
    table: TableName, timeColumn: String? = nil, compressionLevel: Int? = nil, unit: TimeUnit? = nil,
    allowsView: Bool? = nil
  ) {
    self.table = table
    self.timeColumn = timeColumn
    self.compressionLevel = compressionLevel
    self.unit = unit
    self.allowsView = allowsView
  }

  /// Reads the options of a table in the settings file.
  /// - Throws: ``JobError`` `bad_field`.
  package init(_ table: TableName, _ fields: inout Fields) throws {
    self.init(table: table)
    for option in TableOption.all { try option.read(&fields, &self) }
  }

  /// These options, with the values of `other` where these are nil.
  package func over(_ other: TableOptions?) -> TableOptions {
    var options = self
    if let other { for option in TableOption.all { option.inherit(&options, other) } }
    return options
  }

  /// Reads one entry of `BACKUP_TABLES` or of a request's `table`: `schema.table`, or `schema.table:time_column`.
  /// - Throws: ``JobError`` `bad_field`, `table_without_schema`.
  package init(parsing text: String, field: String) throws {
    var quoted = false
    let colon = text.unicodeScalars.firstIndex { character in
      if character == "\"" { quoted.toggle() }
      return character == ":" && !quoted
    }
    guard let colon else {
      self.init(table: try TableName(text, field: field))
      return
    }
    var column = String(text.unicodeScalars[colon...].dropFirst()).trimmingUnicodeWhitespace()
    let scalars = column.unicodeScalars
    if scalars.count >= 2, scalars.first == "\"", scalars.last == "\"" {
      let inner = scalars.dropFirst().dropLast()
      column = String(String.UnicodeScalarView(inner.replacing("\"\"".unicodeScalars, with: "\"".unicodeScalars)))
    }
    guard !column.isEmpty else {
      throw JobError.badField(
        field, "a time column after the colon, such as events.clicks:received_at", got: .string(text))
    }
    let name = String(text.unicodeScalars[..<colon]).trimmingUnicodeWhitespace()
    self.init(table: try TableName(name, field: field), timeColumn: column)
  }

  /// Reads entries separated by commas. Commas within double quotes are a part of a name.
  /// - Throws: ``JobError`` `bad_field`, `table_without_schema`.
  package static func list(_ text: String, field: String) throws -> [TableOptions] {
    try entries(text).map { try TableOptions(parsing: $0, field: field) }
  }

  /// The entries of such a text.
  static func entries(_ text: String) -> [String] {
    var entries: [String.UnicodeScalarView] = [.init()]
    var quoted = false
    for character in text.unicodeScalars {
      if character == "\"" { quoted.toggle() }
      if character == ",", !quoted {
        entries.append(.init())
      } else {
        entries[entries.count - 1].append(character)
      }
    }
    return entries.map { String($0).trimmingUnicodeWhitespace() }.filter { !$0.isEmpty }
  }

  /// Refuses a table that is named twice, since its two entries may have different options.
  /// - Throws: ``JobError`` `bad_field`.
  package static func refuseTwice(_ tables: [TableOptions], field: String) throws {
    var seen: Set<TableName> = []
    guard let twice = tables.first(where: { !seen.insert($0.table).inserted }) else { return }
    throw JobError(.badField, "\(twice.table) is named twice; name it once", field: field)
  }
}
