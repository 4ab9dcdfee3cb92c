package import TableDays

/// What a request says about the columns of its file: `copy.map`, `copy.ignore`, `copy.defaults`.
package struct ColumnMapping: Sendable, Equatable {
  /// A value for a column of the table that the file lacks.
  package struct Default: Sendable, Equatable {
    package let column: ColumnName
    /// The value as text, which the server reads as the column's type; nil is NULL.
    package let value: String?

    package init(column: ColumnName, value: String?) {
      self.column = column
      self.value = value
    }
  }

  /// The table's column for a file's column of another name.
  package var names: [ColumnName: ColumnName] = [:]
  /// Columns of the file that are left out.
  package var ignored: [ColumnName] = []
  package var defaults: [Default] = []

  package init() {}

  /// The table's column that a column of the file is meant for.
  package func target(of name: ColumnName) -> ColumnName { names[name] ?? name }
}
