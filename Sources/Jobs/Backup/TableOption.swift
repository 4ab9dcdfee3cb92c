import Essentials
import Foundation
import Reporting
import TableDays

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
    _ value: @escaping @Sendable (_ fields: inout Fields, _ name: String, _ form: ErrorText) throws -> Value?
  ) {
    self.name = name
    self.form = form
    self.purpose = purpose
    read = { fields, options in options[keyPath: target] = try value(&fields, name, ErrorText(form)) }
    inherit = { options, other in options[keyPath: target] = options[keyPath: target] ?? other[keyPath: target] }
  }

  /// All options of a table.
  package static let all = [
    TableOption("time_column", form: "a column's name", "the column that determines a row's day", into: \.timeColumn) {
      try $0.string($1, $2)
    },
    TableOption(
      "compression_level", form: Fields.form(of: BackupOptions.gzipLevels), "the gzip level of the table's archives",
      into: \.compressionLevel
    ) { fields, name, _ in
      try fields.integer(name, in: BackupOptions.gzipLevels)
    },
    TableOption(
      "clock", form: TimeZone.form,
      "the zone of the clock that a `timestamp` or `date` column shows, where it is not `BACKUP_TIMEZONE`: a day is over "
        + "when it is over there", into: \.clock
    ) { fields, name, form in
      guard let text = try fields.string(name, form) else { return nil }
      guard let zone = TimeZone(ianaName: text) else { throw JobError.badField(name, form, got: .string(text)) }
      return zone
    },
    TableOption(
      "unit", form: TimeUnit.form,
      "what an integer time column counts from 1970-01-01T00:00:00Z on; without it a backup guesses, and says so",
      into: \.unit
    ) { fields, name, _ in
      try fields.choice(name, TimeUnit.self)
    },
    TableOption(
      "allow_view", form: "true or false",
      "the rows of a view or materialized view may be archived; a continuous aggregate needs it not", into: \.allowsView
    ) { fields, name, _ in
      try fields.bool(name)
    },
  ]
}
