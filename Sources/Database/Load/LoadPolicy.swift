package import TableDays

/// How rows get into a table, and what is done about what is there.
package struct LoadPolicy: Sendable, Equatable {
  /// `destination.mode`.
  package enum Mode: String, Sendable, CaseIterable, Encodable {
    /// COPY straight into the table.
    case direct
    /// COPY into an unlogged table, then `INSERT … ON CONFLICT DO NOTHING`.
    case staging
  }

  /// `destination.on_existing`: rows that lie in the window already.
  package enum OnExisting: String, Sendable, CaseIterable {
    /// Refuse, with their number.
    case error
    /// Load beside them.
    case append
    /// Delete them in the same transaction.
    case replace
    /// Do nothing.
    case skip
  }

  /// `destination.columns_missing`: columns of the file that the table does not have.
  package enum ColumnsMissing: String, Sendable, CaseIterable {
    /// Refuse, with their names.
    case error
    /// Leave them out.
    case ignore
  }

  /// How the rows get there.
  package var mode = Mode.direct
  /// The table whose columns the staging table takes; else the target.
  package var stagingLike: TableName?
  /// Rows already in the window.
  package var onExisting = OnExisting.error
  /// Columns the table does not have.
  package var columnsMissing = ColumnsMissing.error

  package init() {}
}
