package import Archive
import Database
import Essentials
package import Foundation
import Reporting
package import TableDays

/// How things stand: the services that jobs need, the tables' archives, and the jobs. `GET /api/status` and `sluice status`.
package struct StatusReport: Sendable, Encodable {
  package enum Status: String, Sendable, Encodable {
    /// Nothing is to be done.
    case ok
    /// A day of a table is missing or damaged, or has rows that its archive lacks, or an archive did not come back in its last drill.
    case attention
    /// A service that jobs need does not answer, or a part of the report could not be read.
    case failed
  }

  /// The archives of one table of `BACKUP_TABLES`.
  package struct Table: Sendable, Encodable, Equatable {
    package let table: TableName
    /// Days that should be there, from the first archive to yesterday.
    package let expected: Int
    /// Days of them that have an archive, or no rows.
    package let present: Int
    package let missing: Int
    package let damaged: Int
    package let lateRows: Int
    /// The last day that is archived.
    package let lastArchived: Day?

    enum CodingKeys: String, CodingKey {
      case table, expected, present, missing, damaged
      case lateRows = "late_rows"
      case lastArchived = "last_archived"
    }

    init(_ table: TableName, _ summary: Coverage.Summary) {
      self.table = table
      expected = summary.count { _ in true }
      missing = summary.count(\.isGap)
      damaged = summary.count { $0 == .damaged }
      lateRows = summary.count { $0 == .lateRows }
      present = summary.count { !$0.isGap && $0 != .running && $0 != .damaged }
      lastArchived = summary.lastArchived
    }

    /// What mends the table's gaps.
    var advice: [String] {
      var advice: [String] = []
      func list(_ option: String) -> String { ShellText.command("sluice archives --table", table, option) }
      let again = ShellText.command("sluice backup --table", table, "--date DAY --overwrite")
      if missing > 0 {
        advice.append(
          "\(table): days without an archive: \(missing); sluice backup archives those of BACKUP_LOOKBACK_DAYS, and "
            + "\(list("--missing")) lists all")
      }
      if damaged > 0 {
        advice.append(
          "\(table): damaged archives: \(damaged); \(list("--status damaged")) lists them, and \(again) makes one anew while "
            + "the table has its rows")
      }
      if lateRows > 0 {
        advice.append(
          "\(table): days with rows that their archives lack: \(lateRows); \(list("--status late_rows")) lists them, and \(again) "
            + "archives one again")
      }
      return advice
    }
  }

  package let status: Status
  package let version: String
  package let at: Date
  /// The lake, as an operator writes it.
  package let lake: String
  package let database: String?
  /// By name: `postgres`, `lake`, and `token` where one is needed.
  package let checks: [String: Readiness.Check]
  /// The tables of `BACKUP_TABLES`; absent where the lake could not be listed.
  package let tables: [Table]?
  /// The last day that every table of `BACKUP_TABLES` has; absent where there is none.
  package let lastGoodNight: Day?
  /// The last drill of all; absent before the first one.
  package let lastDrill: DrillHistory.Entry?
  package let operations: OperationsOverview?
  /// What is to be done, each with its command; empty where nothing is.
  package let advice: [String]
  /// Why a part is absent, or may tell otherwise than it is.
  package let problems: [String]

  enum CodingKeys: String, CodingKey {
    case status, version, at, lake, database, checks, tables, operations, advice, problems
    case lastDrill = "last_drill"
    case lastGoodNight = "last_good_night"
  }
}

/// Makes a ``StatusReport``. A part that cannot be read is told, and the others are there all the same.
package struct StatusJob: Sendable {
  let context: JobContext
  let backup: BackupOptions
  let readiness: ReadinessProbe
  let operations: @Sendable () async throws -> OperationsOverview

  /// - Parameter operations: tells the jobs that run and those that failed last.
  package init(
    _ context: JobContext, _ backup: BackupOptions, readiness: ReadinessProbe,
    operations: @escaping @Sendable () async throws -> OperationsOverview
  ) {
    self.context = context
    self.backup = backup
    self.readiness = readiness
    self.operations = operations
  }

  package func report() async throws -> StatusReport {
    async let checked = readiness.readiness()
    var problems: [String] = []
    var tables: [StatusReport.Table]?
    var lastGoodNight: Day?
    var lastDrill: DrillHistory.Entry?
    var advice: [String] = []
    if let database = context.server.database {
      do {
        let coverage = try await CoverageReading(
          lake: context.lake, manifests: context.manifests, known: context.knownDays
        ).coverage(of: database, backup, now: context.now())
        tables = backup.tables.map(\.table).map { table in
          let summary = coverage.summaries(in: .init(table: table)).first ?? Coverage.Summary()
          return StatusReport.Table(table, summary)
        }
        problems += coverage.problems ?? []
        lastGoodNight = coverage.lastWholeDay(of: backup.tables.map(\.table))
        advice = (tables ?? []).flatMap(\.advice)
        lastDrill = coverage.known.drills?.last
        advice += coverage.known.drills?.failed(in: coverage.inventory).map(\.advice) ?? []
      } catch {
        problems.append(try UnreadPart.told("the lake", "the tables are absent", error))
      }
    } else {
      problems.append("PG_DATABASE is not set: the archives of no database were looked for")
    }
    var overview: OperationsOverview?
    do {
      overview = try await operations()
      if let problem = overview?.problem { problems.append(problem) }
    } catch {
      problems.append(try OperationPage.problem(error))
    }
    // What the coverage and the overview both read is told once.
    var told: Set<String> = []
    problems = problems.filter { told.insert($0).inserted }
    let readiness = await checked
    let hasFailed = readiness.status != "ok" || !problems.isEmpty
    return StatusReport(
      status: hasFailed ? .failed : advice.isEmpty ? .ok : .attention, version: Program.version, at: context.now(),
      lake: context.lakeURL, database: context.server.database, checks: readiness.checks ?? [:], tables: tables,
      lastGoodNight: lastGoodNight, lastDrill: lastDrill, operations: overview, advice: advice, problems: problems)
  }
}

extension DrillHistory.Entry {
  /// What is to be done about an archive that did not come back.
  var advice: String {
    "\(table) \(date): its last drill failed (\(verdict)); \(command) tells why"
  }

  /// What drills the archive again.
  var command: String {
    ShellText.command("sluice drill --table", table, "--date \(date)")
  }
}

extension Coverage {
  /// The last day that is archived, or has no rows, of each of `tables`; nil where there is none.
  package func lastWholeDay(of tables: [TableName]) -> Day? {
    var common: Set<Day>?
    for table in tables {
      let days = (inventory.archives[table] ?? [:]).keys.filter { !status(of: table, $0).needsAttention }
      let present = Set(days).union(known.withoutRows[table] ?? [])
      common = common?.intersection(present) ?? present
    }
    return common?.max()
  }
}
