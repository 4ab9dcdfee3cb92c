import Archive
import Database
import Essentials
import Foundation
import Lake
import Postgres
package import Reporting
package import TableDays

/// What became of an archive that is past its own keep time (`keep_archives`).
package struct ArchiveRetentionResult: Sendable, Encodable, Equatable {
  package enum Status: String, Sendable, Encodable, CaseIterable {
    case removed
    /// A dry run: it would be removed.
    case removable
    /// It stays; ``ArchiveRetentionResult/reason`` says why.
    case kept
    /// An error; the archive, or its manifest, may be left.
    case failed
  }

  package var status: Status
  package let table: TableName
  package let date: Day
  package let path: String
  package let bytes: Int
  /// `last_copy`: rows of it are no longer in the table. `on_hold`: a hold touches the day.
  package var reason: String?
  package var detail: String?
  package var warnings: [String] = []
  package var error: JobError?
}

/// Removes archives that are past their own keep time: those whose rows are all in the table still, and, where it is forced, the others.
package struct ArchiveRetention: Sendable {
  private let job: RetentionJob
  private var context: JobContext { job.context }

  package init(_ job: RetentionJob) {
    self.job = job
  }

  /// - Parameters:
  ///   - tables: empty is every table with a policy that limits the time of archives.
  ///   - forced: the tables whose archives are removed also where they are the last copy.
  /// - Throws: ``JobError`` `not_configured`; `LakeError` where the lake cannot be listed.
  package func run(
    _ tables: [TableName] = [], dryRun: Bool, forced: Set<TableName> = []
  ) async throws -> [ArchiveRetentionResult] {
    let target = try context.server.target()
    let rules = try await context.sessions.pools.withConnection(to: target) { try await job.rules(on: $0) }
    let policies = rules.policies.filter { policy in
      policy.isEnabled && policy.archivesKeptFrom != nil && (tables.isEmpty || tables.contains(policy.table))
    }
    guard !policies.isEmpty else { return [] }
    let archives = try await ArchiveCatalog(context.lake).archives(
      of: Set(policies.map(\.table)), database: target.database)
    var results: [ArchiveRetentionResult] = []
    for policy in policies {
      let zone = TimeZone(identifier: policy.clock) ?? .gmt
      let old = (archives[policy.table] ?? [:]).filter { day, _ in
        // The later of the two ends of the day counts.
        let ends = [DayWindow(day, in: zone).end, DayWindow(day, in: job.backup.timeZone).end]
        return policy.archivesKeptFrom.map { limit in ends.allSatisfy { $0 <= limit } } ?? false
      }
      for (day, entry) in old.sorted(by: { $0.key < $1.key }) {
        try Task.checkCancellation()
        results.append(
          await result(
            of: day, entry, policy, rules.schema, target, dryRun: dryRun, isForced: forced.contains(policy.table)))
      }
    }
    return results
  }

  private func result(
    of day: Day, _ entry: LakeEntry, _ policy: RetentionSchema.Policy, _ schema: RetentionSchema,
    _ target: PostgresTarget,
    dryRun: Bool, isForced: Bool
  ) async -> ArchiveRetentionResult {
    var result = ArchiveRetentionResult(
      status: .kept, table: policy.table, date: day, path: "\(entry.path)", bytes: entry.length)
    do {
      if let hold = try await context.sessions.pools.withConnection(
        to: target, { try await schema.held(policy.table, DayWindow(day, in: job.backup.timeZone), on: $0) })
      {
        result.reason = "on_hold"
        result.detail = hold
        return result
      }
      // From here on nothing is dropped because of it.
      if !dryRun {
        try await context.sessions.pools.withConnection(to: target) {
          try await schema.forget(day, of: policy.table, on: $0)
        }
      }
      if let loss = try await loss(entry, policy.table, target), !isForced {
        result.reason = "last_copy"
        result.detail = loss
        return result
      }
      result.status = .removable
      guard !dryRun else { return result }
      guard try await context.lake.properties(of: entry.path)?.etag == entry.etag else {
        result.status = .kept
        result.detail = "it was replaced or removed meanwhile"
        return result
      }
      try await context.lake.delete(entry.path)
      try await context.lake.delete(ArchiveLayout.manifestPath(beside: entry.path))
      result.status = .removed
      let line: [String: JSONValue] = [
        "date": .string("\(day)"), "path": .string(result.path), "bytes": .integer(result.bytes),
        "forced": .bool(isForced),
        "keep_archives": .string(policy.keepArchives ?? ""),
      ]
      result.warnings += [
        await context.audit(.removeArchive, policy.table, in: target.database, by: nil, line)
      ].compactMap(\.self)
    } catch {
      result.status = .failed
      result.error = .ofTableDay(error)
    }
    Log.write(
      result.status == .failed ? Log.failureLevel : .info, "archive \(result.status.rawValue)",
      ["archive": result.path, "reason": result.error?.message ?? result.reason ?? ""])
    return result
  }

  /// What would be lost with an archive; nil where the table has exactly its rows.
  private func loss(_ entry: LakeEntry, _ table: TableName, _ target: PostgresTarget) async throws -> String? {
    guard let manifest = try await ArchiveManifest.find(for: entry, in: context.lake).manifest else {
      return "it has no manifest that tells what it holds"
    }
    guard manifest.rows > 0 else { return nil }
    guard let hash = manifest.rowsHash else { return "its manifest has no hash of the rows; sluice verify writes it" }
    let live = LiveRows(manifest: manifest, table: table, allowsView: false)
    let found: LiveRows.Found
    do {
      found = try await context.sessions.pools.withConnection(to: target) { try await live.read(on: $0) }
    } catch let error as JobError where error.code == .tableNotFound {
      return "the table is gone"
    }
    switch found.difference(fromRows: manifest.rows, hash: hash) {
    case nil: return nil
    case .fewer(let count): return "\(count) of its \(manifest.rows) rows are not in the table"
    case .late, .changed: return "the table has other rows of the day"
    }
  }
}
