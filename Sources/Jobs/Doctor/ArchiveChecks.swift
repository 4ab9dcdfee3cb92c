import Archive
package import Foundation
package import Lake
import Reporting
import TableDays

/// Whether the days that should be archived are, and whether an archive has come back lately.
package struct ArchiveChecks: Sendable {
  let backup: BackupOptions
  let database: String?
  let now: Date
  let lake: @Sendable () async throws -> any LakeStore

  /// - Parameter database: `PG_DATABASE`.
  package init(
    _ backup: BackupOptions, database: String?, now: Date, lake: @escaping @Sendable () async throws -> any LakeStore
  ) {
    self.backup = backup
    self.database = database
    self.now = now
    self.lake = lake
  }

  /// Days after which a drill is old.
  private static let drillDays = 8

  package func run() async -> [DoctorCheck] {
    guard let database else { return skipped("PG_DATABASE is not set") }
    do {
      let store = try await lake()
      let operations = OperationStore(lake: store)
      let coverage = try await CoverageReading(lake: store) { await operations.knownDays(of: $0) }.coverage(
        of: database, backup, now: now)
      return [coverageCheck(coverage), drillCheck(coverage)]
    } catch {
      return skipped("the lake cannot be read: \(JobError(cause: error).message)")
    }
  }

  private func skipped(_ why: String) -> [DoctorCheck] {
    [DoctorCheck(.archivesCoverage, .skipped, why), DoctorCheck(.archivesDrill, .skipped, why)]
  }

  private func coverageCheck(_ coverage: Coverage) -> DoctorCheck {
    let unread = (coverage.problems ?? []).map { "; \($0)" }.joined()
    let remedy = unread.isEmpty ? nil : "SLUICE_LOG_LEVEL=debug sluice archives tells why"
    guard !backup.tables.isEmpty else {
      return DoctorCheck(
        .archivesCoverage, unread.isEmpty ? .skipped : .warning,
        "BACKUP_TABLES is empty: no days are expected\(unread)", remedy: remedy)
    }
    let tables = backup.tables.map(\.table)
    let summaries = coverage.summaries().filter { $0.table.map(tables.contains) ?? false }
    let total = Coverage.total(summaries)
    let missing = total.count(\.isGap)
    let damaged = total.count { $0 == .damaged }
    guard missing + damaged > 0 else {
      let last = coverage.lastWholeDay(of: tables).map { ", to \($0)" } ?? ""
      return DoctorCheck(
        .archivesCoverage, unread.isEmpty ? .ok : .warning,
        "every day that is over of the \(tables.count) tables of BACKUP_TABLES is archived\(last)\(unread)",
        remedy: remedy)
    }
    let words = [
      damaged > 0 ? "damaged archives: \(damaged)" : nil, missing > 0 ? "days without an archive: \(missing)" : nil,
    ]
    return DoctorCheck(
      .archivesCoverage, damaged > 0 ? .failed : .warning, words.compactMap(\.self).joined(separator: ", ") + unread,
      remedy: damaged > 0
        ? "sluice archives --status damaged" : "sluice backup; sluice archives --missing lists what is left")
  }

  private func drillCheck(_ coverage: Coverage) -> DoctorCheck {
    guard let history = coverage.known.drills else {
      return DoctorCheck(.archivesDrill, .failed, "the history of drills could not be read: see archives.coverage")
    }
    let failed = history.failed(in: coverage.inventory)
    if let failure = failed.first {
      let more = failed.count > 1 ? ", and of \(failed.count - 1) others" : ""
      return DoctorCheck(
        .archivesDrill, .failed,
        "the last drill of \(failure.table) \(failure.date)\(more) failed: \(failure.verdict.replacing("_", with: " "))",
        remedy: failure.command)
    }
    guard let last = history.last else {
      guard !coverage.inventory.archives.isEmpty else {
        return DoctorCheck(.archivesDrill, .skipped, "there is no archive yet that a drill could restore")
      }
      return DoctorCheck(.archivesDrill, .warning, "no archive was ever drilled", remedy: "sluice drill")
    }
    let words = "\(last.table) \(last.date) came back as it was archived at \(last.at.formatted(.iso8601))"
    guard now.timeIntervalSince(last.at) > TimeInterval(Self.drillDays) * 86_400 else {
      return DoctorCheck(.archivesDrill, .ok, words)
    }
    return DoctorCheck(
      .archivesDrill, .warning, "the last drill is older than \(Self.drillDays) days: \(words)",
      remedy: "sluice drill; the timer nightly_drill does it every night")
  }
}
