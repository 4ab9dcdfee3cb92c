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
      let isWhole = try await delete(listed.rows, rule, on: connection)
      // Each file is a change of its own.
      if listed.archive != nil, let warning = await endChange("ok") {
        tally.update { $0.result.warnings.append(warning) }
      }
      guard !isWhole || tally.now.result.rows > before else { return }
    }
  }

  /// Deletes what was listed, batch by batch; at least one of them, however long the list has taken.
  /// - Returns: false where a relation was rewritten, so that its rows must be listed anew.
  private func delete(
    _ listing: DeletionRule.Listing, _ rule: DeletionRule, on connection: PostgresConnection
  ) async throws -> Bool {
    var isFirst = true
    for batch in rule.batches(listing.rows, limit: task.batchRows) {
      if isFirst { try Task.checkCancellation() } else { try await checkLimits(on: connection) }
      isFirst = false
      do {
        let gone = try await attempt(rule.table, on: connection) {
          try await rule.delete(batch, of: listing, on: $0)
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
  ) async throws -> (rows: DeletionRule.Listing, archive: MaintenanceResult.Archive?) {
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
      guard let (file, proof) = written else { return (rows, nil) }
      guard proof.rows == rows.rows.count else {
        throw JobError(
          .rowCountMismatch,
          "\(rows.rows.count) rows were listed and \(proof.rows) are in their file; nothing was deleted. Run the task again"
        )
      }
      let place = try await DeletedRows(of: rule.table, in: target.database, at: context.now(), lake: context.lake)
      try await place.publish(
        file, proof,
        [
          "task": .string(task.name), "task_kind": .string(task.kind.name.rawValue),
          "created_at": .string(context.now().formatted(.iso8601)), "program_version": .string(Program.version),
          "columns": .array(
            rule.columns.map { .object(["name": .string($0.name.text), "type": .string($0.type)]) }),
        ])
      return (rows, .init(path: "\(place.path)", rows: proof.rows, sha256: "\(proof.sha256)"))
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
