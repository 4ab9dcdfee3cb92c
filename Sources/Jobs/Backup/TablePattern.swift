import Essentials
import Reporting
package import TableDays

/// A pattern over the tables of `BACKUP_TABLES`: `events.*`, `*.clicks`. `*` stands for any characters, `?` for one.
package struct TablePattern: Sendable, Equatable {
  package let text: String
  private let schema, name: String

  /// Whether the text of a table is a pattern.
  static func isOne(_ text: String) -> Bool { !text.contains("\"") && text.contains { $0 == "*" || $0 == "?" } }

  /// - Throws: ``JobError`` `bad_field`.
  init(_ text: String, field: String) throws {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }), !text.contains(":") else {
      throw JobError.badField(field, "a pattern of schema and table, such as events.*", got: .string(text))
    }
    self.text = text
    schema = String(parts[0])
    name = String(parts[1])
  }

  package func matches(_ table: TableName) -> Bool {
    Wildcards.matches(schema, table.schema) && Wildcards.matches(name, table.name)
  }
}

extension BackupRequest {
  /// The tables that the request names, those of its patterns included.
  /// - Throws: ``JobError`` `bad_field` for a pattern that no table of `BACKUP_TABLES` matches.
  func allTables(_ options: BackupOptions) throws -> [TableOptions] {
    var all = tables
    for pattern in patterns {
      let found = options.tables.filter { pattern.matches($0.table) }
      guard !found.isEmpty else {
        let known = options.tables.map { "\($0.table)" }.joined(separator: ", ")
        throw JobError(
          .badField,
          "no table of BACKUP_TABLES matches \(pattern.text); \(known.isEmpty ? "it is not set" : "it has \(known)")",
          field: "tables")
      }
      for table in found where !all.contains(where: { $0.table == table.table }) {
        all.append(TableOptions(table: table.table))
      }
    }
    return all
  }
}
