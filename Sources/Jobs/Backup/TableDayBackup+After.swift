import Archive
import Database
import Essentials
import Lake
import Postgres
import Reporting
import TableDays

/// What is written elsewhere.
extension TableDayBackup {
  /// Tells the audit chain that an archive is about to be replaced.
  /// - Returns: nil where there is none.
  /// - Throws: ``JobError`` of the lake; the archive then stays.
  func beginOverwrite(_ archived: Archived) async throws -> AuditedChange? {
    guard let replaced = archived.existing else { return nil }
    var line: [String: JSONValue] = [
      "date": .string("\(unit.tableDay.day)"), "path": .string("\(try unit.tableDay.archivePath)"),
      "replaced_path": .string("\(replaced.entry.path)"),
    ]
    if let manifest = replaced.manifest {
      line["replaced_rows"] = .integer(manifest.rows)
      line["replaced_sha256"] = .string(manifest.sha256)
    }
    let change = AuditedChange(
      action: .overwrite, table: unit.tableDay.table, database: unit.tableDay.database, details: line)
    try await context.begin([change])
    return change
  }

  /// What became of an archive that is in its place, or of the one that it was to replace.
  enum Replacement: Sendable {
    case published(ArchivePublication.Outcome)
    case kept(BackupResult)
  }

  /// Publishes the archive. Where it replaces one, nothing is dropped because of that from here on, whether or not the table has a policy now.
  /// - Throws: ``JobError`` `locked`, `permission_denied` where the database may know of the archive and cannot be told; those of
  ///   `publication`. The archive then stays.
  func replace(
    _ archived: Archived, by publication: ArchivePublication, on connection: PostgresConnection
  ) async throws -> Replacement {
    guard let existing = archived.existing else { return .published(try await publication.perform()) }
    let schema: RetentionSchema?
    do {
      schema = try await RetentionSchema.find(context.retention.schema, on: connection)
    } catch let error as JobError where error.code == .permissionDenied && unit.force {
      schema = nil
    }
    guard let schema, schema.mayRecord || !unit.force else { return .published(try await publication.perform()) }
    return try await schema.withoutProof(of: unit.tableDay.day, of: unit.tableDay.table, on: connection) {
      if !unit.force, let kept = try await keepUsed(existing, archived, on: connection) { return .kept(kept) }
      return .published(try await publication.perform())
    }
  }

  /// Writes what the archive holds into the database, where the table has a retention policy.
  /// - Parameter entry: the archive as it was published; nil where the lake did not tell.
  /// - Returns: warnings where it could not be written; the archive is in its place all the same.
  func prove(_ archived: Archived, _ entry: LakeEntry?, on connection: PostgresConnection) async -> [String] {
    let window = archived.description.window
    guard !Task.isCancelled, let kind = window.kind, let entry,
      let span = ArchiveManifest(archived.description, proof: archived.proof).span(of: kind),
      let path = try? unit.tableDay.archivePath
    else { return [] }
    do {
      guard let schema = try await RetentionSchema.find(context.retention.schema, on: connection), schema.mayRecord
      else { return [] }
      let day = RetentionSchema.ArchivedDay(
        day: unit.tableDay.day, timeColumn: ColumnName(window.timeColumn), span: span, rows: archived.proof.rows,
        rowsHash: archived.proof.rowsHash.description, sha256: archived.proof.sha256.description, path: "\(path)",
        verifiedAt: context.now(),
        since: archived.description.snapshot.split(separator: ":").first.map { String($0) }, tableOID: archived.oid)
      return try await schema.proving([day.day], of: unit.tableDay.table, on: connection) { connection in
        guard try await schema.policies(on: connection).contains(where: { $0.table == unit.tableDay.table }) else {
          return []
        }
        guard schema.isCurrent else { throw schema.isEarlier }
        guard try await context.lake.properties(of: entry.path)?.etag == entry.etag else {
          return [
            "another run has replaced or removed the archive already; what it holds was not written into the database"
          ]
        }
        try await schema.record([day], of: unit.tableDay.table, on: connection)
        return []
      }
    } catch let error as JobError where error.code == .permissionDenied {
      // The schema is not for this role.
      return []
    } catch {
      let reason = JobError(cause: error).message
      return ["what the archive holds was not written into \(context.retention.schema).archived_day: \(reason)"]
    }
  }
}
