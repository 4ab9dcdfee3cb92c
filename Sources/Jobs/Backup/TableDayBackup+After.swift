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

  /// Writes what the archive holds into the database, where the table has a retention policy.
  /// - Returns: warnings where it could not be written; the archive is in its place all the same.
  func prove(_ archived: Archived, on connection: PostgresConnection) async -> [String] {
    let window = archived.description.window
    guard !Task.isCancelled, let kind = window.kind,
      let span = ArchiveManifest(archived.description, proof: archived.proof).span(of: kind),
      let path = try? unit.tableDay.archivePath
    else { return [] }
    do {
      guard let schema = try await RetentionSchema.find(context.retention.schema, on: connection), schema.mayRecord,
        try await schema.policies(on: connection).contains(where: { $0.table == unit.tableDay.table })
      else { return [] }
      let day = RetentionSchema.ArchivedDay(
        day: unit.tableDay.day, timeColumn: ColumnName(window.timeColumn), span: span, rows: archived.proof.rows,
        rowsHash: archived.proof.rowsHash.description, sha256: archived.proof.sha256.description, path: "\(path)",
        verifiedAt: context.now(),
        since: archived.description.snapshot.split(separator: ":").first.map { String($0) })
      try await schema.record([day], of: unit.tableDay.table, on: connection)
      return []
    } catch let error as JobError where error.code == .permissionDenied {
      // The schema is not for this role.
      return []
    } catch {
      let reason = JobError(cause: error).message
      return ["what the archive holds was not written into \(context.retention.schema).archived_day: \(reason)"]
    }
  }
}
