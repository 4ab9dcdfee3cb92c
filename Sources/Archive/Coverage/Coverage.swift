package import TableDays

/// What became of each day of each table: a value, made of facts without I/O.
package struct Coverage: Sendable {
  /// What is known of one day of a table. The first that applies counts, in the order of `status(of:_:)`.
  package enum Status: String, Sendable, CaseIterable, Encodable {
    /// Archived, and the whole file was read back since.
    case verified
    /// Archived.
    case archived
    /// Archived, and the table has more rows of the day since.
    case lateRows = "late_rows"
    /// The file has another length than its manifest says, or none that a gzip file can have.
    case damaged
    /// The day has no rows.
    case empty
    /// There is no archive.
    case missing
    /// A job works on the day.
    case running
    /// There is no archive, and the last attempt to make one failed.
    case failed
    /// There is no archive of the table at all, although it is in `BACKUP_TABLES`.
    case expected

    /// The day's rows are in no archive, as far as that is known.
    package var isGap: Bool { self == .missing || self == .failed || self == .expected }
    /// Someone should look at it.
    package var needsAttention: Bool { isGap || self == .damaged }
  }

  /// A table of `BACKUP_TABLES`.
  package struct Configured: Sendable, Equatable {
    package let table: TableName
    /// The first day that a nightly run looks at.
    package let lookbackStart: Day
    /// The last day that is over on the clock which the table's time column shows.
    package let lastDay: Day

    package init(table: TableName, lookbackStart: Day, lastDay: Day) {
      self.table = table
      self.lookbackStart = lookbackStart
      self.lastDay = lastDay
    }
  }

  /// What others know of days; the lake does not tell it.
  package struct Known: Sendable, Equatable {
    /// Days that a job works on.
    package var running: [TableName: Set<Day>] = [:]
    /// Days whose last backup failed.
    package var failed: [TableName: Set<Day>] = [:]
    /// Days of which the table had more rows than the archive, with the rows of the archive: one that has others now was made since.
    package var lateRows: [TableName: [Day: Int]] = [:]
    /// Days whose archive a drill has found to be damaged.
    package var damaged: [TableName: Set<Day>] = [:]
    /// Days that have no archive because the table has no rows of them.
    package var withoutRows: [TableName: Set<Day>] = [:]
    /// The last drill of each archive; nil where that could not be read.
    package var drills: DrillHistory?
    /// What could not be read, so that days may show otherwise than they are, each with how they show.
    package var problems: [String] = []

    package init() {}
  }

  package let inventory: LakeInventory
  /// The tables that are archived or in `BACKUP_TABLES`, in order.
  package let tables: [TableName]
  package let known: Known
  private let configured: [TableName: Configured]
  /// The last day that is over for the tables that are not in `BACKUP_TABLES`.
  private let lastDay: Day

  /// - Parameters:
  ///   - lastDay: the last day that is over for the tables that are not in `configured`.
  ///   - known: what running jobs and operations tell.
  package init(_ inventory: LakeInventory, configured: [Configured], lastDay: Day, known: Known = Known()) {
    self.inventory = inventory
    self.configured = Dictionary(configured.map { ($0.table, $0) }, uniquingKeysWith: { first, _ in first })
    self.lastDay = lastDay
    self.known = known
    tables = Set(inventory.archives.keys).union(inventory.manifestsAlone.keys).union(self.configured.keys).sorted()
  }

  /// Why days may show otherwise than they are; nil where all could be read.
  package var problems: [String]? { known.problems.isEmpty ? nil : known.problems }

  /// Whether `table` is in `BACKUP_TABLES`.
  package func isConfigured(_ table: TableName) -> Bool { configured[table] != nil }

  /// What is known of a day of a table.
  package func status(of table: TableName, _ day: Day) -> Status {
    if known.running[table]?.contains(day) == true { return .running }
    let archives = inventory.archives[table]
    guard let archive = archives?[day] else {
      // A manifest tells that there was an archive.
      if inventory.manifestsAlone[table]?.contains(day) == true { return .missing }
      if known.failed[table]?.contains(day) == true { return .failed }
      if known.withoutRows[table]?.contains(day) == true { return .empty }
      return wasArchived(table) || !isConfigured(table) ? .missing : .expected
    }
    if archive.isDamaged || known.damaged[table]?.contains(day) == true { return .damaged }
    if let rows = known.lateRows[table]?[day], rows == archive.rows { return .lateRows }
    if archive.rows == 0 { return .empty }
    return archive.verifiedAt == nil ? .archived : .verified
  }

  /// The days of `table` within `bounds`, to the last one that is over; nil where there are none.
  ///
  /// Without bounds they begin with the first archive, and end with the last one where the table is not in `BACKUP_TABLES`.
  /// A table that was never archived has the days that a nightly run looks at.
  package func days(of table: TableName, in bounds: ArchiveCatalog.Bounds) -> ClosedRange<Day>? {
    guard bounds.table == nil || bounds.table == table else { return nil }
    let alone = inventory.manifestsAlone[table] ?? []
    let archives = inventory.archives[table] ?? [:]
    let settings = configured[table]
    let first = [archives.keys.min(), alone.min()].compactMap(\.self).min()
    let start = bounds.from ?? first ?? settings?.lookbackStart
    var end = [archives.keys.filter { bounds.contains($0) }.max(), alone.filter { bounds.contains($0) }.max()]
      .compactMap(\.self).max()
    if settings != nil || bounds.to != nil {
      let over = settings?.lastDay ?? lastDay
      let last = bounds.to.map { min($0, over) } ?? over
      end = end.map { max($0, last) } ?? last
    }
    guard let start, let end, start <= end else { return nil }
    return start...end
  }

  /// Whether any day of the table was ever archived, as far as the lake tells.
  func wasArchived(_ table: TableName) -> Bool {
    inventory.archives[table] != nil || inventory.manifestsAlone[table] != nil
  }

  /// The first day that a nightly run looks at; nil where the table is not in `BACKUP_TABLES`.
  func lookbackStart(of table: TableName) -> Day? { configured[table]?.lookbackStart }

  /// The last day that is over on the table's clock.
  package func lastDay(of table: TableName) -> Day { configured[table]?.lastDay ?? lastDay }
}

extension LakeInventory.Archive {
  /// The bytes of the shortest gzip file: a header, an empty block and a trailer (RFC 1952).
  private static let shortestGzip = 20

  /// Whether its length is not what the manifest says, or not that of a gzip file.
  package var isDamaged: Bool { expectedBytes != nil || gzipBytes < Self.shortestGzip }
}

extension ArchiveCatalog.Bounds {
  func contains(_ day: Day) -> Bool { from.map { day >= $0 } ?? true && to.map { day <= $0 } ?? true }
}
