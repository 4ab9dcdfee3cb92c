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
  /// - Throws: `LakeError` where the lake cannot be listed; a file of notes that cannot be read is one of its problems.
  package func coverage(of database: String, _ backup: BackupOptions, now: Date) async throws -> Coverage {
    async let known = known(database)
    async let history = DrillHistory.read(of: database, in: lake)
    async let withoutRows = DaysWithoutRows.read(of: database, in: lake)
    let inventory = try await ArchiveCatalog(lake).inventory(of: database, manifests)
    var all = await known
    do {
      let history = try await history
      for failure in history.failed(in: inventory) where failure.verdict == DrillReport.Verdict.damaged.rawValue {
        all.damaged[failure.table, default: []].insert(failure.date)
      }
      all.drills = history
    } catch {
      let path = try DrillHistory.path(database: database)
      all.problems.append(
        try UnreadPart.told(
          "the history of drills (\(path))", "what they found damaged does not show", error, mayGo: true))
    }
    do {
      all.withoutRows.merge(try await withoutRows.empty(in: inventory)) { $0.union($1) }
    } catch {
      let path = try DaysWithoutRows.path(database: database)
      all.problems.append(
        try UnreadPart.told(
          "the list of days without rows (\(path))", "they show as days without an archive", error, mayGo: true))
    }
    if let manifest = inventory.unreadManifests.min() {
      let error = JobError(.manifestUnreadable, "\(inventory.unreadManifests.count) in all")
      all.problems.append(
        try UnreadPart.told(
          "manifests (\(inventory.unreadManifests.count), such as \(manifest); sluice verify says what to do about each)",
          "their archives show without rows or not at all, and not as damaged or verified", error))
    }
    return Coverage(
      inventory, configured: backup.configuredTables(now: now),
      lastDay: Day(now, in: backup.timeZone).adding(days: -1), known: all)
  }
}

/// A part of what a report tells that could not be read.
enum UnreadPart {
  /// Logs it, and tells it for the report.
  ///
  /// The report gets the code alone: the text of an error names hosts and roles.
  /// - Parameters:
  ///   - what: such as `the operations`.
  ///   - effect: how the report shows what depends on it.
  ///   - mayGo: a file that is begun anew where it is removed, which is told where its content is the trouble.
  /// - Throws: `CancellationError` where the task was cancelled.
  static func told(_ what: String, _ effect: String, _ cause: any Error, mayGo: Bool = false) throws -> String {
    try Task.checkCancellation()
    let error = JobError(cause: cause)
    let words = "\(what) could not be read, and \(effect)"
    Log.write(.warning, words, ["code": error.code.rawValue, "reason": error.message])
    let remedy =
      mayGo && cause is JobError ? "; remove the file to begin a new one, unless a newer version wrote it" : ""
    return "\(words): \(error.code.rawValue)\(remedy)"
  }
}
