import Archive
import Database
import Lake
import Postgres
import Reporting
import TableDays

/// Verifies the archive of one table-day.
struct TableDayVerify: Sendable {
  let context: JobContext
  let options: BackupOptions
  let request: VerifyRequest
  let progress: JobProgress
  let tableDay: TableDay
  let archive: LakeEntry

  /// - Throws: ``JobError``, `LakeError`, `PostgresError`: the verification failed, which says nothing of the archive.
  func run() async throws -> VerifyResult {
    var result = VerifyResult(tableDay, .verified)
    result.path = "\(archive.path)"
    let verification = ArchiveVerification(tableDay, archive, in: context.lake)
    switch try await find(verification) {
    case .damaged(let damage):
      result.status = .damaged
      result.damage = damage
      result.warnings += await withdraw(verification)
    case .undescribed(let proof, let columns):
      result.rows = proof?.rows
      try await undescribed(verification, proof, columns, &result)
    case .verified(let manifest, let proof, let place):
      result.rows = manifest.rows
      result.verifiedAt = manifest.verifiedAt
      result.depth = proof == nil ? .manifest : .full
      if request.depth == .database {
        try await compare(with: manifest, rowsHash: proof?.rowsHash.description ?? manifest.rowsHash, &result)
      }
      if let proof { await record(verification, manifest, proof, place, &result) }
    }
    return result
  }

  private func find(_ verification: ArchiveVerification) async throws -> ArchiveVerification.Finding {
    try await verification.perform(readsFile: request.depth != .manifest) { bytes in
      progress.update { $0.gzipBytes += bytes }
    }
  }

  /// Nothing is dropped any more because of what was found earlier.
  /// - Returns: warnings where that could not be written.
  private func withdraw(_ verification: ArchiveVerification) async -> [String] {
    var warnings: [String] = []
    do {
      try await verification.withdraw()
    } catch let error as JobError where error.code == .manifestUnreadable {
      // Then it says nothing.
    } catch {
      warnings.append("the manifest still says that the archive was verified: \(JobError(cause: error).message)")
    }
    guard tableDay.database == context.server.database, let target = try? context.server.target() else {
      return warnings
    }
    do {
      try await context.sessions.pools.withConnection(to: target) { connection in
        guard let schema = try await RetentionSchema.find(context.retention.schema, on: connection), schema.mayRecord
        else { return }
        try await schema.doubt(tableDay.day, of: tableDay.table, on: connection)
      }
    } catch {
      Log.write(
        .warning, "the database was not told of a damaged archive",
        ["archive": tableDay, "reason": JobError(cause: error).message])
    }
    return warnings
  }

  /// Compares the rows that the table has now.
  private func compare(with manifest: ArchiveManifest, rowsHash: String?, _ result: inout VerifyResult) async throws {
    let live = LiveRows(
      manifest: manifest, table: tableDay.table, allowsView: options.options(of: tableDay.table).allowsView ?? false)
    let target = try context.server.target(database: tableDay.database)
    let found: LiveRows.Found
    do {
      found = try await context.sessions.pools.withConnection(to: target) { try await live.read(on: $0) }
    } catch let error as JobError where error.code == .tableNotFound {
      result.depth = .database
      result.status = manifest.rows == 0 ? .verified : .fewerRows
      result.liveRows = 0
      if manifest.rows > 0 {
        result.fewerRows = manifest.rows
        result.dropped = true
      }
      result.warnings.append("the table \(tableDay.table) is gone")
      return
    }
    result.depth = .database
    result.liveRows = found.rows
    if !found.archivedOnly.isEmpty {
      result.warnings.append("the table lacks archived columns: \(found.archivedOnly.joined(separator: ", "))")
    }
    if !found.tableOnly.isEmpty {
      result.warnings.append("the archive lacks columns of the table: \(found.tableOnly.joined(separator: ", "))")
    }
    switch found.difference(fromRows: manifest.rows, hash: rowsHash) {
    case .late(let count):
      result.status = .lateRows
      result.lateRows = count
    case .fewer(let count):
      result.status = .fewerRows
      result.fewerRows = count
      if found.rows == 0 { result.dropped = true }
    case .changed: result.status = .changedRows
    case nil: break
    }
  }

  /// An archive without a manifest, which may be adopted.
  private func undescribed(
    _ verification: ArchiveVerification, _ proof: ArchiveProof?, _ columns: [String], _ result: inout VerifyResult
  ) async throws {
    result.status = .unverifiable
    guard let proof else {
      result.warnings.append("the archive has no manifest; `adopt` reads it whole and writes one")
      return
    }
    result.depth = .full
    guard request.adopts else {
      result.warnings.append(
        "the archive has no manifest; it can be read to its end, and `adopt` writes a manifest that says what it holds now"
      )
      return
    }
    let description: ArchiveManifest.Description
    do {
      description = try await adoption(of: columns, proof)
    } catch let damage as ArchiveDamage {
      result.status = .damaged
      result.damage = damage
      return
    }
    try await verification.adopt(
      description, proof, at: context.now(), by: Program.version)
    result.status = .verified
    result.adopted = true
    result.verifiedAt = context.now()
    if request.depth == .database {
      try await compare(
        with: ArchiveManifest(description, proof: proof), rowsHash: proof.rowsHash.description, &result)
    }
  }

  /// Writes the verification into the manifest. Where that fails the archive is verified all the same.
  private func record(
    _ verification: ArchiveVerification, _ manifest: ArchiveManifest, _ proof: ArchiveProof, _ place: LakeEntry?,
    _ result: inout VerifyResult
  ) async {
    let depth: ArchiveVerification.Depth =
      result.depth == .database && result.status == .verified ? .database : .full
    let now = context.now()
    do {
      try await verification.record(
        manifest, proof, replacing: place, depth: depth, at: now, by: Program.version)
      result.verifiedAt = now
    } catch {
      result.warnings.append(
        "the verification was not written into the manifest: \(JobError(cause: error).message)")
    }
  }
}
