package import TableDays

/// A maintenance task, as `sluice.json` declares it.
package struct MaintenanceTask: Sendable, Equatable {
  /// What a task does, with the fields of that kind alone.
  package enum Kind: Sendable, Equatable {
    case deleteOlderThan(OlderThan)
    case deduplicate(Duplicates)
    case deleteOrphans(Orphans)
    case vacuum(Vacuum)
    case analyze(Analyze)
    case reindex(Reindex)
    case sql(Statement)

    /// As `sluice.json` names it.
    package var name: Name {
      switch self {
      case .deleteOlderThan: .deleteOlderThan
      case .deduplicate: .deduplicate
      case .deleteOrphans: .deleteOrphans
      case .vacuum: .vacuum
      case .analyze: .analyze
      case .reindex: .reindex
      case .sql: .sql
      }
    }
  }

  /// The names of the kinds.
  package enum Name: String, Sendable, CaseIterable, Encodable {
    case deleteOlderThan = "delete_older_than"
    case deduplicate
    case deleteOrphans = "delete_orphans"
    case vacuum, analyze, reindex, sql
  }

  /// Rows whose time lies before now minus `keep`.
  package struct OlderThan: Sendable, Equatable {
    package var table: TableName
    package var column: ColumnName
    /// An interval, as PostgreSQL reads it.
    package var keep: String
    /// Only rows of days that an archive is proven to hold.
    package var requiresArchive: Bool
  }

  /// All rows of a key but one.
  package struct Duplicates: Sendable, Equatable {
    package enum Keep: String, Sendable, CaseIterable {
      case newest, oldest
    }

    package enum NullKeys: String, Sendable, CaseIterable {
      /// A row with a NULL in its key is no duplicate.
      case apart
      /// NULLs are equal.
      case together
    }

    package var table: TableName
    package var key: [ColumnName]
    package var keep: Keep
    /// The column that tells which row is newer.
    package var by: ColumnName
    package var nullKeys: NullKeys
  }

  /// Rows whose parent is missing.
  package struct Orphans: Sendable, Equatable {
    package var child: TableName
    package var columns: [ColumnName]
    package var parent: TableName
    package var parentColumns: [ColumnName]
    /// Rows whose time lies within an interval before now are left.
    package var grace: Grace?
  }

  /// A time column of the child, and how long its rows wait for their parent.
  package struct Grace: Sendable, Equatable {
    package var column: ColumnName
    package var interval: String
  }

  /// Which tables.
  package struct Relations: Sendable, Equatable {
    package var tables: [TableName] = []
    /// Of `schema.table`, with `*` and `?`.
    package var patterns: [String] = []
    /// All tables of the database that the system does not own.
    package var all = false
  }

  package struct Vacuum: Sendable, Equatable {
    package var relations: Relations
    package var analyze: Bool
    package var freeze: Bool
    /// Rewrites the table under a lock that keeps everybody out.
    package var full: Bool
    /// Only tables with more dead rows than this share, from 0 to 1; 0.2 where none is said.
    package var minimumDeadShare: Double?
  }

  package struct Analyze: Sendable, Equatable {
    package var relations: Relations
    /// Only tables of which more than this share was changed since the last ANALYZE; 0.1 where none is said.
    package var minimumChangedShare: Double?
  }

  package struct Reindex: Sendable, Equatable {
    package var relations: Relations
    /// Only indexes of which more than this share is estimated to be empty; 0.3 where none is said.
    package var minimumBloatShare: Double?
  }

  package struct Statement: Sendable, Equatable {
    package var text: String
    package var timeout: Duration
  }

  package var name: String
  package var kind: Kind
  package var schedule: MaintenanceSchedule
  /// Tasks run in this order; those of the same number in that of the file.
  package var order: Int
  /// The most rows of one batch.
  package var batchRows: Int
  /// How long a statement waits for a lock.
  package var lockTimeout: Duration
  /// Between two batches.
  package var pause: Duration
  /// How long the task may run; nil is without a limit.
  package var budget: Duration?
  package var maximumReplicationLag: Duration?
  package var maximumActiveSessions: Int?
  /// The rows go to the lake before they are deleted.
  package var archives: Bool

  /// The tables that it deletes from; nil for a kind that deletes nothing of its own.
  package var deletesFrom: TableName? {
    switch kind {
    case .deleteOlderThan(let task): task.table
    case .deduplicate(let task): task.table
    case .deleteOrphans(let task): task.child
    case .vacuum, .analyze, .reindex, .sql: nil
    }
  }

  /// It runs a statement of one's own, of which nothing is known.
  var isStatement: Bool {
    if case .sql = kind { true } else { false }
  }
}
