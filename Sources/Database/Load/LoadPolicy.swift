package import TableDays

/// How rows are loaded into a table, and what happens to existing rows.
package struct LoadPolicy: Sendable, Equatable {
  /// `destination.mode`.
  package enum Mode: String, Sendable, CaseIterable, Encodable {
    /// COPY directly into the table.
    case direct
    /// COPY into an unlogged table, then `INSERT … ON CONFLICT DO NOTHING`.
    case staging
  }

  /// `destination.on_existing`: what happens when the table holds rows of the window already.
  package enum OnExisting: String, Sendable, CaseIterable {
    /// Fail, with the number of existing rows.
    case error
    /// Load in addition to them.
    case append
    /// Delete them in the transaction of the load.
    case replace
    /// Load nothing.
    case skip
  }

  /// `destination.columns_missing`: what happens to columns of the file that the table lacks.
  package enum ColumnsMissing: String, Sendable, CaseIterable {
    /// Fail, with their names.
    case error
    /// Leave them out.
    case ignore
  }

  package var mode = Mode.direct
  /// The table whose column types the staging table has; nil is the target.
  package var stagingLike: TableName?
  package var onExisting = OnExisting.error
  package var columnsMissing = ColumnsMissing.error
  /// `destination.force`: replace the rows of the window even by fewer, or by rows of fewer columns.
  package var force = false
  /// `destination.cascade`: replace rows although foreign keys or rules then delete or change other rows.
  package var cascade = false

  package init() {}
}
