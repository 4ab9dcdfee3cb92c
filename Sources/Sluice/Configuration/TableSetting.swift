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
    let colon = text.firstIndex { character in
      if character == "\"" { quoted.toggle() }
      return character == ":" && !quoted
    }
    guard let colon else {
      self.init(table: try TableName(parsing: text, field: field))
      return
    }
    var column = String(text[text.index(after: colon)...]).trimmed
    if column.count >= 2, column.first == "\"", column.last == "\"" {
      column = String(column.dropFirst().dropLast()).replacing("\"\"", with: "\"")
    }
    guard !column.isEmpty else {
      throw JobError.badField(
        field, "a time column after the colon, such as events.clicks:received_at", got: .string(text))
    }
    self.init(table: try TableName(parsing: String(text[..<colon]).trimmed, field: field), timeColumn: column)
  }

  /// The entry as `BACKUP_TABLES` spells it.
  var spelling: String {
    guard let timeColumn else { return "\(table)" }
    return "\(table):\"\(timeColumn.replacing("\"", with: "\"\""))\""
  }

  /// Made from its parts.
  public init(table: TableName, timeColumn: String? = nil, compressionLevel: Int? = nil) {
    self.table = table
    self.timeColumn = timeColumn
    self.compressionLevel = compressionLevel
  }

  /// Reads `BACKUP_TABLES`: entries separated by commas; commas within double quotes belong to a name.
  static func list(_ text: String, field: String) throws -> [TableSetting] {
    var entries: [String] = [""]
    var quoted = false
    for character in text {
      if character == "\"" { quoted.toggle() }
      if character == ",", !quoted {
        entries.append("")
      } else {
        entries[entries.count - 1].append(character)
      }
    }
    return try entries.map(\.trimmed).filter { !$0.isEmpty }.map { try TableSetting(parsing: $0, field: field) }
  }
}

extension String {
  /// Without white space at both ends.
  var trimmed: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
