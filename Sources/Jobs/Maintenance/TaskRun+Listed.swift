import Archive
import Database
import Essentials
import Foundation
import Lake
import Postgres
import Reporting
import TableDays

extension TaskRun {
  /// The batches that are listed first where the time is limited; then twice as many, and so on.
  private static let firstBatches = 20

  /// Deletes rows that were listed in one snapshot, and, of a task that archives, are in a file of the lake by then: round after round.
  func deleteListed(_ old: DeletionRule, on connection: PostgresConnection) async throws {
    // Within a limit of time, what is listed first can be deleted.
    var limit = ends == nil ? job.listedRows : min(job.listedRows, task.batchRows * Self.firstBatches)
    var wholeRounds = 0
    while true {
      try await checkLimits(on: connection)
      let rule = try await old.current(on: connection)
      let listed = try await list(rule, limit, on: connection)
      limit = min(job.listedRows, limit * 2)
      guard !listed.rows.rows.isEmpty else { return }
      var details: [String: JSONValue] = [:]
      if let archive = listed.archive {
        tally.update { $0.result.archives.append(archive) }
        details = [
          "path": .string(archive.path), "sha256": .string(archive.sha256), "archived_rows": .integer(archive.rows),
        ]
        // One that a broken connection has left without an end.
        if let warning = await endChange("stopped") { tally.update { $0.result.warnings.append(warning) } }
      }
      try await beginChange(rule, details)
      let before = tally.now.result.rows
      let isWhole: Bool
      do {
        isWhole = try await delete(listed, rule, on: connection)
      } catch {
        if Self.isRefusal(error), tally.now.result.rows == before { await discard(listed) }
        throw error
      }
      let isUseless = tally.now.result.rows == before
      if isUseless { await discard(listed) }
      // Each file is a change of its own.
      if listed.archive != nil, let warning = await endChange(isUseless ? "nothing" : "ok") {
        tally.update { $0.result.warnings.append(warning) }
      }
      guard isWhole else { continue }
      let count = listed.rows.rows.count
      if count < listed.limit {
        // Those that were changed meanwhile are looked at once more. What others add is the next run's.
        wholeRounds += 1
        if wholeRounds == 2 || tally.now.result.rows == before + count { return }
      } else if isUseless, listed.limit == job.listedRows {
        return
      }
    }
  }

  /// Whether the server has refused the batch: after anything else, such as a broken connection, rows may be gone that are in the file alone.
  private static func isRefusal(_ error: any Error) -> Bool {
    if let error = error as? PostgresError { return !error.isConnectionFailure }
    return error is TaskStopped
  }

  /// Removes a file none of whose rows was deleted.
  private func discard(_ listed: Listed) async {
    guard let archive = listed.archive, let place = listed.place else { return }
    do {
      try await place.remove()
      tally.update { state in state.result.archives.removeAll { $0 == archive } }
    } catch {
      tally.update { state in
        state.result.warnings.append(
          "none of the rows in \(archive.path) was deleted, and the file could not be removed: \(JobError(cause: error).message)"
        )
      }
    }
  }

  /// Rows that were listed, at most so many, and their file.
  private struct Listed: Sendable {
    let rows: DeletionRule.Listing
    let limit: Int
    var archive: MaintenanceResult.Archive?
    var place: DeletedRows?
    /// The file's.
    var etag: String?
  }

  /// How long the file is believed to be there.
  private static let look = Duration.seconds(1)

  /// - Throws: ``TaskKept`` where the file of the rows is gone from the lake: it would be their only copy.
  private func refuseRemoved(_ listed: Listed) async throws {
    guard let place = listed.place else { return }
    guard try await context.lake.properties(of: place.path)?.etag == listed.etag else {
      throw TaskKept(
        reason: "no_archive",
        detail:
          "\(place.path), which has the rows, was replaced or removed from the lake meanwhile; the rest of them stays")
    }
  }

  /// Deletes what was listed, batch by batch; at least one of them, however long the list has taken.
  /// - Returns: false where a relation was rewritten, so that its rows must be listed anew.
  private func delete(
    _ listed: Listed, _ rule: DeletionRule, on connection: PostgresConnection
  ) async throws -> Bool {
    var isFirst = true
    var looked = ContinuousClock.now
    for batch in rule.batches(listed.rows.rows, limit: task.batchRows) {
      if isFirst { try Task.checkCancellation() } else { try await checkLimits(on: connection) }
      isFirst = false
      if looked.duration(to: .now) > Self.look {
        try await refuseRemoved(listed)
        looked = .now
      }
      do {
        let gone = try await attempt(rule.table, on: connection) {
          try await rule.delete(batch, of: listed.rows, on: $0)
        }
        if gone > 0 { tally.add(rows: gone) }
        job.progress.update { $0.rows += gone }
      } catch let away as DeletionRule.Away {
        try await tell(away, rule, on: connection)
      } catch is DeletionRule.Rewritten {
        return false
      }
      await note(relation: batch[0].relation, block: 0)
      try await Task.sleep(for: task.pause)
    }
    return true
  }

  private func list(
    _ rule: DeletionRule, _ limit: Int, on connection: PostgresConnection
  ) async throws -> Listed {
    let holder = UnpublishedFile.Holder()
    do {
      let (rows, written) = try await connection.withTransaction(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
      ) { connection in
        try await connection.query("SET LOCAL row_security = off")
        let rows = try await rule.list(limit, on: connection)
        guard task.archives, !rows.rows.isEmpty else { return (rows, nil as (UnpublishedFile, ArchiveProof)?) }
        return (rows, try await write(rule, limit, holder, on: connection))
      }
      guard let (file, proof) = written else { return Listed(rows: rows, limit: limit) }
      guard proof.rows == rows.rows.count else {
        throw JobError(
          .rowCountMismatch,
          "\(rows.rows.count) rows were listed and \(proof.rows) are in their file; nothing was deleted. Run the task again"
        )
      }
      let place = try await DeletedRows(of: rule.table, in: target.database, at: context.now(), lake: context.lake)
      let etag = try await place.publish(
        file, proof,
        [
          "task": .string(task.name), "task_kind": .string(task.kind.name.rawValue),
          "created_at": .string(context.now().formatted(.iso8601)), "program_version": .string(Program.version),
          "columns": .array(
            rule.columns.map { .object(["name": .string($0.name.text), "type": .string($0.type)]) }),
        ])
      return Listed(
        rows: rows, limit: limit, archive: .init(path: "\(place.path)", rows: proof.rows, sha256: "\(proof.sha256)"),
        place: place, etag: etag)
    } catch {
      throw JobError.adding(await holder.discard(), to: error)
    }
  }

  private func write(
    _ rule: DeletionRule, _ limit: Int, _ holder: UnpublishedFile.Holder, on connection: PostgresConnection
  ) async throws -> (UnpublishedFile, ArchiveProof) {
    let place = try await DeletedRows(of: rule.table, in: target.database, at: context.now(), lake: context.lake)
    let file = try await place.file()
    holder.hold(file)
    let encoding = ArchiveEncoding(ofServer: await connection.serverEncoding)
    let copy = try await rule.copy(limit, encoding: encoding.rawValue, on: connection)
    let level = job.backup.options(of: rule.table).compressionLevel ?? job.backup.gzipLevel
    let writer = ArchiveWriter(to: file, level: level, progress: JobProgress(), estimatedRows: nil)
    let written = try await writer.write {
      try await copy.next().map { .init(bytes: $0.bytes, rowEnds: $0.rowEnds) }
    }
    return (file, try await ArchiveProof(closing: file, written: written, reportedRows: copy.reportedRows()))
  }
}
