import Essentials

/// What the settings say about one table.
public struct TableSetting: Sendable, Equatable {
  /// The table.
  public var table: TableName
  /// The column that tells a row's day; nil is "find it".
  public var timeColumn: String?
  /// Gzip level for its archives, 1...9; nil is `BACKUP_GZIP_LEVEL`.
  public var compressionLevel: Int?

  /// Reads one entry of `BACKUP_TABLES`: `schema.table`, or `schema.table:time_column`.
  init(parsing text: String, field: String) throws {
    var quoted = false
    let colon = text.unicodeScalars.firstIndex { character in
      if character == "\"" { quoted.toggle() }
      return character == ":" && !quoted
    }
    guard let colon else {
      self.init(table: try TableName(parsing: text, field: field))
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
    self.init(table: try TableName(parsing: name, field: field), timeColumn: column)
  }

  /// The entry as `BACKUP_TABLES` spells it.
  var spelling: String {
    guard let timeColumn else { return "\(table)" }
    return "\(table):\(timeColumn.inDoubleQuotes)"
  }

  /// Made from its parts.
  public init(table: TableName, timeColumn: String? = nil, compressionLevel: Int? = nil) {
    self.table = table
    self.timeColumn = timeColumn
    self.compressionLevel = compressionLevel
  }

  /// Reads `BACKUP_TABLES`: entries separated by commas; commas within double quotes belong to a name.
  static func list(_ text: String, field: String) throws -> [TableSetting] {
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
    return try entries.map { String($0).trimmingUnicodeWhitespace() }.filter { !$0.isEmpty }
      .map { try TableSetting(parsing: $0, field: field) }
  }
}
