import Gzip
import Reporting

/// One option of a table: its key in the settings file, its form and its purpose. Reading, precedence and the table in
/// docs/configuration.md use this declaration.
package struct TableOption: Sendable {
  /// The key below `tables.<schema.table>` in the settings file.
  package let name: String
  /// The form in words.
  package let form: String
  /// One sentence without its full stop.
  package let purpose: String
  let read: @Sendable (inout Fields, inout TableOptions) throws -> Void
  let inherit: @Sendable (inout TableOptions, TableOptions) -> Void

  private init<Value>(
    _ name: String, form: String, _ purpose: String, into target: any WritableKeyPath<TableOptions, Value?> & Sendable,
    _ value: @escaping @Sendable (inout Fields) throws -> Value?
  ) {
    self.name = name
    self.form = form
    self.purpose = purpose
    read = { fields, options in options[keyPath: target] = try value(&fields) }
    inherit = { options, other in options[keyPath: target] = options[keyPath: target] ?? other[keyPath: target] }
  }

  /// All options of a table.
  package static let all = [
    TableOption("time_column", form: "a column's name", "the column that determines a row's day", into: \.timeColumn) {
      try $0.string("time_column", "a column's name")
    },
    TableOption(
      "compression_level", form: "a whole number from 1 to 9", "the gzip level of the table's archives",
      into: \.compressionLevel
    ) {
      try $0.integer("compression_level", in: GzipCompressor.levels)
    },
  ]
}
