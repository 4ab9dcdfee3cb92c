import Archive
import Database
import Essentials
import Lake
import Postgres
import Reporting
import TableDays

/// Archives one table-day, from the database session to the published archive.
struct TableDayBackup: Sendable {
  let context: JobContext
  let options: BackupOptions
  let progress: JobProgress
  let place: Admission.Place
  let unit: BackupPlan.Unit

  private static let timeColumnRemedy: ErrorText = "as \(field: "time_column") in the request"

  private var window: DayWindow { DayWindow(unit.tableDay.day, in: options.timeZone) }

  /// The values of `column` that belong to the day.
  private func span(of column: TimeColumn) -> DaySpan { DaySpan(window, kind: column.kind) }

  /// - Throws: ``JobError`` and the errors of the lake, the database and the compressor; nothing was then published.
  func run() async throws -> BackupResult {
    let session = TableSession(
      unit.tableDay, for: .read, at: try context.server.target(database: unit.tableDay.database), in: context.sessions,
      progress: progress, turn: .init(place)
    ) { try await rowsToRead(on: $0) }
    let holder = UnpublishedFile.Holder()
    do {
      return try await session.run { _ in
        unit.overwrite ? nil : try await existing()
      } work: { connection, begun in
        // A row security policy that hides rows from this role would make an incomplete archive; with `off` it is an
        // error.
        try await connection.query("SET LOCAL row_security = off")
        // With this search_path, values that are names (`regclass`) are written with their schema.
        try await connection.query("SET LOCAL search_path = pg_catalog, pg_temp")
        return try await archive(on: connection, begun, holder)
      } finish: { _, archived in
        // The transaction has ended: a failure of the session no longer affects the archive.
        try await publish(archived)
      }
    } catch {
      throw JobError.adding(await holder.discard(), to: error)
    }
  }

  /// A SELECT of no rows of the unit's day, which locks what the COPY reads.
  private func rowsToRead(on connection: PostgresConnection) async throws -> String {
    let facts = try await TableFacts.read(unit.tableDay.table, for: .read, on: connection)
    let column = try timeColumn(facts)
    let condition = try await column.condition(for: span(of: column), on: connection)
    return "SELECT FROM \(try await connection.quoted(facts.table)) WHERE \(condition) LIMIT 0"
  }

  private func timeColumn(_ facts: TableFacts) throws -> TimeColumn {
    try facts.timeColumn(named: unit.timeColumn, remedy: Self.timeColumnRemedy)
  }

  /// The result where an archive exists already; it needs no lock on the table.
  private func existing() async throws -> BackupResult? {
    let path = try unit.tableDay.archivePath
    guard let existing = try await context.lake.properties(of: path) else { return nil }
    var result = BackupResult(unit.tableDay, .skipped)
    result.path = "\(path)"
    result.skipped = "exists"
    result.gzipBytes = existing.length
    let manifest = try await trustedManifest(of: existing)
    result.rows = manifest?.rows
    result.sha256 = manifest?.sha256
    return result
  }

  /// A proven file at its temporary path.
  private struct Archived: Sendable {
    let file: UnpublishedFile
    let proof: ArchiveProof
    let description: ArchiveManifest.Description
    /// The archive to replace.
    let existing: LakeEntry?
  }

  private func archive(
    on connection: PostgresConnection, _ begun: Flag, _ holder: UnpublishedFile.Holder
  ) async throws -> Archived {
    let facts = try await TableFacts.read(unit.tableDay.table, for: .read, on: connection)
    let timeColumn = try timeColumn(facts)
    // Without `overwrite` the run has checked under the advisory lock that no archive exists.
    let existing = unit.overwrite ? try await context.lake.properties(of: unit.tableDay.archivePath) : nil
    begun.set()
    let file = try await UnpublishedFile(at: unit.tableDay.newTemporaryPath, in: context.lake)
    holder.hold(file)
    let encoding = ArchiveEncoding(ofServer: await connection.serverEncoding)
    let proof = try await copy(facts, timeColumn, encoding, to: file, on: connection)
    let description = try await describe(facts, timeColumn, encoding, on: connection)
    return Archived(file: file, proof: proof, description: description, existing: existing)
  }

  /// Copies the day's rows into the file and proves that the file holds them.
  private func copy(
    _ facts: TableFacts, _ timeColumn: TimeColumn, _ encoding: ArchiveEncoding, to file: UnpublishedFile,
    on connection: PostgresConnection
  ) async throws -> ArchiveProof {
    let files = try await TableFiles.read(facts, on: connection)
    let names = try await connection.quoted(facts.storedColumns.map(\.name))
    let condition = try await timeColumn.condition(for: span(of: timeColumn), on: connection)
    let select = "SELECT \(names) FROM \(try await connection.quoted(facts.table)) WHERE \(condition)"
    let estimate = try await connection.estimatedRows(select)
    let copy = try await connection.copyOut(
      "COPY (\(select)) TO STDOUT WITH (FORMAT csv, HEADER true, ENCODING '\(encoding.rawValue)')")
    let writer = ArchiveWriter(to: file, level: unit.level, progress: progress, estimatedRows: estimate)
    let written = try await writer.write { try await copy.next().map { .init(bytes: $0.bytes, rows: $0.rows) } }
    guard try await TableFiles.read(facts, on: connection) == files else { throw TableFiles.changed(facts.table) }
    return try await ArchiveProof(
      closing: file, written: written, reportedRows: copy.reportedRows())
  }

  /// The manifest's content beside the proof.
  private func describe(
    _ facts: TableFacts, _ timeColumn: TimeColumn, _ encoding: ArchiveEncoding, on connection: PostgresConnection
  ) async throws -> ArchiveManifest.Description {
    let snapshot = try await connection.query(
      "SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text AS snapshot, "
        + "pg_catalog.current_setting('server_version') AS version"
    ).rows[0]
    return ArchiveManifest.Description(
      unit.tableDay, window: .init(window, timeColumn: timeColumn.name.text, span: span(of: timeColumn)),
      columns: facts.storedColumns.map { .init(name: $0.name.text, type: $0.type, kind: $0.kind) }, encoding: encoding,
      serverVersion: try snapshot.decode("version"), snapshot: try snapshot.decode("snapshot"),
      programVersion: Program.version, createdAt: context.now())
  }

  private func publish(_ archived: Archived) async throws -> BackupResult {
    var result = BackupResult(unit.tableDay, .ok)
    result.path = "\(try unit.tableDay.archivePath)"
    if let existing = archived.existing, !unit.force {
      try await refuseFewerRows(existing, rows: archived.proof.rows, &result)
    }
    let outcome = try await ArchivePublication(
      unit.tableDay, file: archived.file, proof: archived.proof, description: archived.description,
      replacing: archived.existing, in: context.lake
    ).perform()
    result.warnings += outcome.warnings
    if let doubt = outcome.doubt {
      result.status = .unconfirmed
      result.error = JobError(cause: doubt)
    }
    result.rows = archived.proof.rows
    result.csvBytes = archived.proof.csvBytes
    result.gzipBytes = archived.proof.gzipBytes
    result.sha256 = archived.proof.sha256.description
    return result
  }

  /// The manifest of an existing archive; nil when there is none, it cannot be read, or it describes another file.
  private func trustedManifest(of existing: LakeEntry) async throws -> ArchiveManifest? {
    do {
      return try await ArchiveManifest.find(for: existing, in: context.lake).manifest
    } catch let error as JobError where error.code == .manifestUnreadable {
      return nil
    }
  }

  /// Refuses to replace an archive by one with fewer rows: it may be the only copy of rows that were dropped meanwhile.
  private func refuseFewerRows(_ existing: LakeEntry, rows: Int, _ result: inout BackupResult) async throws {
    let old: Int
    if let manifest = try await trustedManifest(of: existing) {
      old = manifest.rows
    } else {
      do {
        old = try await ArchiveRows.count(in: existing.path, of: context.lake)
      } catch let error as JobError where error.code.kind == .unprocessable {
        result.warnings.append("the existing archive could not be read, so its rows were not counted: \(error.message)")
        return
      }
    }
    guard rows < old else { return }
    throw JobError(
      .fewerRows,
      "the archive of \(unit.tableDay.table) \(unit.tableDay.day) holds \(old) rows, but the table only \(rows); the "
        + "archive was not replaced. Pass \(field: "force") to replace it anyway",
      details: ["archive_rows": .integer(old), "table_rows": .integer(rows)])
  }
}
