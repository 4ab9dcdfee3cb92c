package import TableDays

extension Coverage {
  /// What became of the days of one table, or of all, in numbers.
  package struct Summary: Sendable, Equatable, Encodable {
    /// Nil for the sum of all tables.
    package var table: TableName?
    /// The first day; nil where there are none.
    package var from: Day?
    /// The last day, included.
    package var to: Day?
    /// The last day that is archived.
    package var lastArchived: Day?
    /// Days by status; a status that no day has is absent.
    package var days: [Status: Int] = [:]
    /// The rows of the archives with a readable manifest.
    package var rows = 0
    /// The bytes of the archives.
    package var gzipBytes = 0

    package init(table: TableName? = nil, from: Day? = nil, to: Day? = nil) {
      self.table = table
      self.from = from
      self.to = to
    }

    /// Days with one of these statuses.
    package func count(_ isCounted: (Status) -> Bool) -> Int {
      days.reduce(0) { $0 + (isCounted($1.key) ? $1.value : 0) }
    }

    /// Whether a day is missing or damaged.
    package var needsAttention: Bool { days.contains { $0.value > 0 && $0.key.needsAttention } }

    enum CodingKeys: String, CodingKey {
      case table, from, to, days, rows
      case lastArchived = "last_archived"
      case gzipBytes = "gzip_bytes"
    }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encodeIfPresent(table, forKey: .table)
      try container.encodeIfPresent(from, forKey: .from)
      try container.encodeIfPresent(to, forKey: .to)
      try container.encodeIfPresent(lastArchived, forKey: .lastArchived)
      let named = days.filter { $0.value > 0 }.map { ($0.key.rawValue, $0.value) }
      try container.encode(Dictionary(uniqueKeysWithValues: named), forKey: .days)
      try container.encode(rows, forKey: .rows)
      try container.encode(gzipBytes, forKey: .gzipBytes)
    }

    mutating func add(_ other: Summary) {
      from = [from, other.from].compactMap(\.self).min()
      to = [to, other.to].compactMap(\.self).max()
      lastArchived = [lastArchived, other.lastArchived].compactMap(\.self).max()
      days.merge(other.days) { $0 + $1 }
      rows += other.rows
      gzipBytes += other.gzipBytes
    }
  }

  /// The summaries of the tables that have days within `bounds`, in order.
  package func summaries(in bounds: ArchiveCatalog.Bounds = ArchiveCatalog.Bounds()) -> [Summary] {
    tables.compactMap { table in days(of: table, in: bounds).map { summary(of: table, $0) } }
  }

  /// The sum of `summaries`.
  package static func total(_ summaries: [Summary]) -> Summary {
    var total = Summary()
    for summary in summaries { total.add(summary) }
    return total
  }

  /// Days without anything known of them are counted as a whole: a span may begin centuries before the first archive.
  private func summary(of table: TableName, _ days: ClosedRange<Day>) -> Summary {
    var summary = Summary(table: table, from: days.lowerBound, to: days.upperBound)
    var counted = 0
    func count(_ day: Day) {
      summary.days[status(of: table, day), default: 0] += 1
      counted += 1
    }
    let archives = inventory.archives[table] ?? [:]
    for (day, archive) in archives where days.contains(day) {
      count(day)
      summary.rows += archive.rows ?? 0
      summary.gzipBytes += archive.gzipBytes
      summary.lastArchived = max(summary.lastArchived ?? day, day)
    }
    let others = [known.running, known.failed, known.withoutRows, inventory.manifestsAlone].reduce(into: Set<Day>()) {
      $0.formUnion($1[table] ?? [])
    }
    for day in others where days.contains(day) && archives[day] == nil { count(day) }
    let rest = days.lowerBound.count(through: days.upperBound) - counted
    if rest > 0 {
      summary.days[wasArchived(table) || !isConfigured(table) ? .missing : .expected, default: 0] += rest
    }
    return summary
  }
}
