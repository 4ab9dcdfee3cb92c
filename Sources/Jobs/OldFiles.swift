import Archive
import Database
import Essentials
package import Foundation
import Lake
import Postgres
import Reporting

/// Removes old files from the lake: temporary files of processes that were killed, and documents of ended operations.
package struct OldFiles: Sendable {
  /// The age at which a temporary file is an orphan: no job writes a file for a day.
  package static let temporaryLife: TimeInterval = 86_400

  /// The age in days at which a load's mark is removed from `sluice.restore_log`: no request is retried for so long.
  package static let markDays = 90

  private let context: JobContext

  package init(_ context: JobContext) {
    self.context = context
  }

  /// Removes the old files of `database` and of the lake's own folder. A failure is logged and does not fail the job. Where the lake
  /// does not answer, nothing else is asked of it.
  package func remove(database: String) async {
    let now = context.now()
    func remove(
      _ what: String, olderThan age: TimeInterval, under folder: () throws -> LakePath,
      keeping keeps: (LakePath) async throws -> Bool = { _ in false }
    ) async -> Bool {
      do {
        let removed = try await context.lake.removeFiles(
          under: folder(), olderThan: now.addingTimeInterval(-age), keeping: keeps)
        if removed > 0 { Log.write(.info, "old files removed", ["what": what, "files": removed]) }
      } catch is CancellationError {
        // The job reports its cancellation itself.
      } catch {
        Log.write(.warning, "old files were not removed", ["what": what, "reason": error])
        return isThere(error)
      }
      return true
    }
    let operationsAge = TimeInterval(context.operationsDays) * 86_400
    if await remove(
      "temporary files", olderThan: Self.temporaryLife,
      under: { try ArchiveLayout.temporaryFolder(database: database) }),
      await remove(
        "temporary files of the lake", olderThan: Self.temporaryLife, under: { try ArchiveLayout.temporaryFolder() }),
      await settleManifests(database: database, now),
      // A running operation rewrites its document every few seconds.
      await remove(
        "operations", olderThan: operationsAge, under: { try ArchiveLayout.operationsFolder },
        keeping: { try await hasProofs($0) })
    {
      _ = await remove("keys of calls", olderThan: operationsAge, under: { try ArchiveLayout.keysFolder })
    }
    await removeMarks(database: database)
  }

  /// Whether the lake was there when `error` came.
  private func isThere(_ error: any Error) -> Bool { JobError(cause: error).code != .lakeUnavailable }

  /// Whether the document has proofs of days that maintenance has left half deleted: without them the rest of a day cannot go.
  private func hasProofs(_ path: LakePath) async throws -> Bool {
    let bytes = try await context.lake.readAll(path, limit: OperationStore.maximumBytes)
    guard let operation = try? Operation(file: bytes),
      [MaintenanceNotebook.kind, "maintenance"].contains(operation.kind)
    else { return false }
    return operation.state.written != .succeeded && operation.progress.object?["proofs"]?.object?.isEmpty == false
  }

  /// Puts the manifests of publications that were cut off in their places.
  /// - Returns: whether the lake answers.
  private func settleManifests(database: String, _ now: Date) async -> Bool {
    do {
      let settled = try await PendingManifest.settleAll(
        database: database, olderThan: now.addingTimeInterval(-Self.temporaryLife), in: context.lake)
      guard !settled.isEmpty else { return true }
      func count(_ end: PendingManifest.Settled) -> Int { settled.count { $0 == end } }
      Log.write(
        count(.unreadable) > 0 ? .warning : .info, "pending manifests of publications that were cut off",
        [
          "database": database, "put_in_place": count(.published), "removed": count(.removed),
          "unreadable": count(.unreadable),
        ])
    } catch is CancellationError {
      // The job reports its cancellation itself.
    } catch {
      Log.write(.warning, "pending manifests were not put in place", ["database": database, "reason": error])
      return isThere(error)
    }
    return true
  }

  private func removeMarks(database: String) async {
    do {
      let removed = try await context.sessions.pools.withQuestion(to: context.server.target(database: database)) {
        try await RestoreLog.removeOld(days: Self.markDays, on: $0)
      }
      if removed > 0 { Log.write(.info, "old marks of loads removed", ["database": database, "marks": removed]) }
    } catch is CancellationError {
      // The job reports its cancellation itself.
    } catch {
      Log.write(.warning, "old marks of loads were not removed", ["database": database, "reason": error])
    }
  }
}
