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
    /// An error; the archive is left.
    case failed
  }

  package var status: Status
  package let table: TableName
  package let date: Day
  package let path: String
  package let bytes: Int
  /// `last_copy`: rows of it are no longer in the table. `on_hold`: a hold touches the day. `locked`: a run that drops or proves has kept it.
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
    guard rules.schema.isCurrent else { throw rules.schema.isEarlier }
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
      try Task.checkCancellation()
      results += await remove(
        Rule(
          policy: policy, schema: rules.schema, target: target, isDryRun: dryRun,
          isForced: forced.contains(policy.table)),
        old.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }
    return results
  }

  /// What decides about the archives of one table.
  private struct Rule: Sendable {
    let policy: RetentionSchema.Policy
    let schema: RetentionSchema
    let target: PostgresTarget
    let isDryRun: Bool
    let isForced: Bool
  }

  /// Removes those of a table's old archives that may go. The audit chain is told of them all by one write before, and of what became
  /// of them by one after.
  private func remove(_ rule: Rule, _ old: [(day: Day, entry: LakeEntry)]) async -> [ArchiveRetentionResult] {
    var results: [ArchiveRetentionResult] = []
    for (day, entry) in old {
      var result = ArchiveRetentionResult(
        status: .kept, table: rule.policy.table, date: day, path: "\(entry.path)", bytes: entry.length)
      await judge(rule, entry, &result)
      results.append(result)
    }
    let chosen = rule.isDryRun ? [] : results.indices.filter { results[$0].status == .removable }
    let changes = chosen.map { change(rule, results[$0]) }
    if !changes.isEmpty {
      do {
        try Task.checkCancellation()
        try await context.begin(changes)
        for index in chosen { await remove(rule, old[index].entry, &results[index]) }
        let ended = zip(changes, chosen).map { change, index in
          (change, [AuditEntry.outcome: JSONValue.string(results[index].status.rawValue)])
        }
        if let warning = await context.end(ended) {
          for index in chosen { results[index].warnings.append(warning) }
        }
      } catch {
        for index in chosen {
          results[index].status = .failed
          results[index].error = .ofTableDay(error)
        }
      }
    }
    for result in results {
      Log.write(
        result.status == .failed ? Log.failureLevel : .info, "archive \(result.status.rawValue)",
        ["archive": result.path, "reason": result.error?.message ?? result.reason ?? ""])
    }
    return results
  }

  private func change(_ rule: Rule, _ result: ArchiveRetentionResult) -> AuditedChange {
    AuditedChange(
      action: .removeArchive, table: result.table, database: rule.target.database,
      details: [
        "date": .string("\(result.date)"), "path": .string(result.path), "bytes": .integer(result.bytes),
        "forced": .bool(rule.isForced), "keep_archives": .string(rule.policy.keepArchives ?? ""),
      ])
  }

  /// Removes an archive, if what has let it go still holds.
  private func remove(_ rule: Rule, _ entry: LakeEntry, _ result: inout ArchiveRetentionResult) async {
    // The chain was written since, and other archives were removed.
    await judge(rule, entry, &result)
    guard result.status == .removable else { return }
    let (day, table) = (result.date, result.table)
    do {
      let kept = try await context.sessions.pools.withConnection(to: rule.target) { connection in
        try await rule.schema.withoutProof(of: day, of: table, on: connection) {
          try await removeUnused(rule, entry, table, on: connection)
        }
      }
      result.status = kept == nil ? .removed : .kept
      (result.reason, result.detail) = (kept?.reason, kept?.detail)
    } catch let error as JobError where error.code == .locked && !Task.isCancelled {
      result.status = .kept
      (result.reason, result.detail) = ("locked", error.message)
    } catch {
      result.status = .failed
      result.error = .ofTableDay(error)
    }
    guard result.status == .removed else { return }
    do {
      try await context.lake.delete(ArchiveLayout.manifestPath(beside: entry.path))
    } catch {
      result.warnings.append("its manifest is left in the lake; remove it by hand: \(JobError(cause: error).message)")
    }
  }

  /// Why an archive stays after all.
  private struct Kept: Sendable {
    var reason: String?
    var detail: String
  }

  /// Removes an archive because of which nothing can be dropped any more, unless something was since it was compared.
  /// - Returns: nil where it was removed.
  private func removeUnused(
    _ rule: Rule, _ entry: LakeEntry, _ table: TableName, on connection: PostgresConnection
  ) async throws -> Kept? {
    if !rule.isForced {
      let manifest = try await ArchiveManifest.find(for: entry, in: context.lake).manifest
      let isUnused =
        if let manifest { try await !rule.schema.wasUsed(sha256: manifest.sha256, on: connection) } else { false }
      if !isUnused, let loss = try await loss(entry, table, on: connection) {
        return Kept(reason: "last_copy", detail: loss)
      }
    }
    guard try await context.lake.properties(of: entry.path)?.etag == entry.etag else {
      return Kept(detail: "it was replaced or removed meanwhile")
    }
    try await context.lake.delete(entry.path)
    return nil
  }

  /// Says whether an archive may go.
  private func judge(_ rule: Rule, _ entry: LakeEntry, _ result: inout ArchiveRetentionResult) async {
    let (day, table, schema) = (result.date, result.table, rule.schema)
    result.status = .kept
    do {
      let manifest = try await ArchiveManifest.find(for: entry, in: context.lake).manifest
      let span = manifest.map { (start: $0.window.start, end: $0.window.end) }
      if let hold = try await context.sessions.pools.withConnection(
        to: rule.target, { try await schema.held(table, day, span, on: $0) })
      {
        result.reason = "on_hold"
        result.detail = hold
        return
      }
      let loss = try await context.sessions.pools.withConnection(to: rule.target) {
        try await self.loss(entry, table, on: $0)
      }
      if let loss, !rule.isForced {
        result.reason = "last_copy"
        result.detail = loss
        return
      }
      guard try await context.lake.properties(of: entry.path)?.etag == entry.etag else {
        result.detail = "it was replaced or removed meanwhile"
        return
      }
      result.status = .removable
    } catch {
      result.status = .failed
      result.error = .ofTableDay(error)
    }
  }

  /// What would be lost with an archive; nil where the table has exactly its rows.
  private func loss(_ entry: LakeEntry, _ table: TableName, on connection: PostgresConnection) async throws -> String? {
    guard let manifest = try await ArchiveManifest.find(for: entry, in: context.lake).manifest else {
      return "it has no manifest that tells what it holds"
    }
    guard manifest.rows > 0 else { return nil }
    guard let hash = manifest.rowsHash else { return "its manifest has no hash of the rows; sluice verify writes it" }
    let live = LiveRows(manifest: manifest, table: table, allowsView: false)
    let found: LiveRows.Found
    do {
      found = try await live.read(on: connection)
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
