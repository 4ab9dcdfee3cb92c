package import Archive
package import Foundation
package import Lake
import Reporting
import TableDays

/// Makes a ``Coverage`` of what the lake, the settings and the operations tell.
package struct CoverageReading: Sendable {
  let lake: any LakeStore
  let manifests: ManifestCache
  let known: @Sendable (_ database: String) async -> Coverage.Known

  package init(
    lake: any LakeStore, manifests: ManifestCache = ManifestCache(),
    known: @escaping @Sendable (_ database: String) async -> Coverage.Known = { _ in Coverage.Known() }
  ) {
    self.lake = lake
    self.manifests = manifests
    self.known = known
  }

  /// What became of the days of `database`.
  /// - Parameter backup: its tables count as expected.
  /// - Throws: `LakeError`.
  package func coverage(of database: String, _ backup: BackupOptions, now: Date) async throws -> Coverage {
    async let known = known(database)
    // What reads the history itself tells that it cannot be read.
    async let history = try? DrillHistory.read(of: database, in: lake)
    async let withoutRows = daysWithoutRows(of: database)
    let inventory = try await ArchiveCatalog(lake).inventory(of: database, manifests)
    var all = await known
    for failure in await history?.failed(in: inventory) ?? []
    where failure.verdict == DrillReport.Verdict.damaged.rawValue {
      all.damaged[failure.table, default: []].insert(failure.date)
    }
    all.withoutRows.merge(await withoutRows.empty(in: inventory)) { $0.union($1) }
    return Coverage(
      inventory, configured: backup.configuredTables(now: now),
      lastDay: Day(now, in: backup.timeZone).adding(days: -1), known: all)
  }

  /// Without the list, its days show as missing, and the log says why.
  private func daysWithoutRows(of database: String) async -> DaysWithoutRows {
    do {
      return try await DaysWithoutRows.read(of: database, in: lake)
    } catch {
      if !Task.isCancelled {
        Log.write(
          .warning, "the list of days without rows was not read, and they show as missing",
          ["database": database, "reason": JobError(cause: error).message])
      }
      return DaysWithoutRows()
    }
  }
}
