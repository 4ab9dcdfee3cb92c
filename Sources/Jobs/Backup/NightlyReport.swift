package import TableDays

/// The report of a nightly run: the backups, and what the run has seen of its tables beside them.
package struct NightlyReport: Sendable, Encodable {
  /// Days of a table that lie before `BACKUP_LOOKBACK_DAYS` and were never archived, from its first row or archive to its
  /// last one: no nightly run archives them.
  package struct Unarchived: Sendable, Encodable, Equatable {
    package let table: TableName
    /// The first of several days in sequence.
    package let from: Day
    /// The last one, included.
    package let to: Day
  }

  /// A day that was archived before the run and has another number of rows now.
  package struct Changed: Sendable, Encodable, Equatable {
    package let table: TableName
    package let date: Day
    package let archiveRows: Int
    package let tableRows: Int
    /// The run has archived the day again, since the table has more rows of it; nil, and absent, otherwise.
    package var archivedAgain: Bool?

    /// The table has none of the day's rows any more: that is what archives are for.
    var isDropped: Bool { tableRows == 0 }

    enum CodingKeys: String, CodingKey {
      case table, date
      case archiveRows = "archive_rows"
      case tableRows = "table_rows"
      case archivedAgain = "archived_again"
    }
  }

  /// The backups, in the plan's order.
  package var backup: BackupReport
  package var unarchived: [Unarchived] = []
  package var changed: [Changed] = []
  /// The tables whose `unarchived` and `changed` days were not looked for, since the time was over or the database did not
  /// answer.
  package var unreviewed: [TableName] = []

  /// That of the backups; `partial` also where days were never archived, or were not looked for.
  package var status: JobStatus {
    backup.status == .ok && !(unarchived.isEmpty && unreviewed.isEmpty) ? .partial : backup.status
  }

  enum CodingKeys: CodingKey {
    case lake, status, summary, results, unarchived, changed, unreviewed
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(backup.lake, forKey: .lake)
    try container.encode(status, forKey: .status)
    try container.encode(summary, forKey: .summary)
    try container.encode(backup.results, forKey: .results)
    try container.encode(unarchived, forKey: .unarchived)
    try container.encode(changed, forKey: .changed)
    try container.encode(unreviewed, forKey: .unreviewed)
  }
}
