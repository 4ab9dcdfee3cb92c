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
  let counted: CountedTables

  /// The day, in the zone that gives a column of `kind` its instants.
  private func window(_ kind: DaySpan.Kind) -> DayWindow { unit.window(kind, in: options.timeZone) }

  /// The values of `column` that belong to the day.
  func span(of column: TimeColumn) throws -> DaySpan { try column.span(of: window(column.kind)) }

  /// - Throws: ``JobError`` and the errors of the lake, the database and the compressor; nothing was then published.
  func run() async throws -> BackupResult {
    let session = TableSession(
      .init(unit.tableDay), for: .read, at: try context.server.target(database: unit.tableDay.database),
      in: context.sessions,
      progress: progress, turn: .init(place)
    ) { try await rowsToRead(on: $0) }
    let holder = UnpublishedFile.Holder()
    do {
      return try await session.run { connection in
        try await existing(on: connection)
      } work: { connection, begun in
        // A row security policy that hides rows from this role would make an incomplete archive; with `off` it is an
        // error.
        try await connection.query("SET LOCAL row_security = off")
        // With this search_path, values that are names (`regclass`) are written with their schema.
        try await connection.query("SET LOCAL search_path = pg_catalog, pg_temp")
        return try await archive(on: connection, begun, holder)
      } finish: { connection, read in
        switch read {
        case .rows(let archived):
          try await archived.versions.refuseChanged(on: connection)
          return try await publish(archived, on: connection)
        case .missing(let missing, let existing, let hadEarlierRows):
          return result(of: missing, existing, hadEarlierRows: hadEarlierRows)
        }
      }
    } catch {
      // Another table-day of the table counts in its place.
      counted.forget(unit.tableDay.table)
      throw JobError.adding(await holder.discard(), to: error)
    }
  }

  /// A SELECT of no rows of the unit's day, which locks what the COPY reads.
  private func rowsToRead(on connection: PostgresConnection) async throws -> String {
    let facts = try await facts(on: connection)
    let column = try await timeColumn(facts, on: connection).column
    let condition = try await column.condition(for: span(of: column), on: connection)
    return "SELECT FROM \(try await connection.quoted(facts.table)) WHERE \(condition) LIMIT 0"
  }

  func facts(on connection: PostgresConnection) async throws -> TableFacts { try await unit.facts(on: connection) }

  func timeColumn(
    _ facts: TableFacts, on connection: PostgresConnection
  ) async throws -> TimeColumn.Resolved {
    try await unit.timeColumn(facts, on: connection)
  }

  /// The result where the archive exists that the request asks for: any without `overwrite`, and with it one that an earlier
  /// attempt of the same request has made. It needs no lock on the table.
  private func existing(on connection: PostgresConnection) async throws -> BackupResult? {
    guard !unit.overwrite || unit.key != nil else { return nil }
    guard let existing = try await ExistingArchive.find(unit.tableDay, in: context.lake) else { return nil }
    let window = window(.instant)
    if unit.overwrite {
      return unit.key.flatMap { existing.result(ofAttempt: $0, unit.tableDay, by: unit.timeColumn, window) }
    }
    return await tellingDropped(existing.kept(unit.tableDay, by: unit.timeColumn, window), existing, on: connection)
  }

  /// What the transaction has found.
  private enum Read: Sendable {
    case rows(Archived)
    /// No chunk or partition overlaps the day, beside the archive that the day has already.
    case missing(TableFacts.Missing, ExistingArchive?, hadEarlierRows: Bool)
  }

  /// A proven file at its temporary path.
  struct Archived: Sendable {
    /// The OID of the relation that was copied.
    let oid: Int
    let file: UnpublishedFile
    let proof: ArchiveProof
    let description: ArchiveManifest.Description
    let versions: ChunkVersions
    /// The archive to replace.
    let existing: ExistingArchive?
    let neighbours: NeighbourArchives
    /// For a day without rows: whether the table has rows before and after it.
    var around: TableRows.Around?
    var rowsWithoutADay: Int?
    /// What the job takes for granted of the time column.
    var timeColumnWarnings: [String] = []
  }

  private func archive(
    on connection: PostgresConnection, _ begun: Flag, _ holder: UnpublishedFile.Holder
  ) async throws -> Read {
    let facts = try await facts(on: connection)
    let resolved = try await timeColumn(facts, on: connection)
    let timeColumn = resolved.column
    // Without `overwrite` the run has checked under the advisory lock that no archive exists.
    let existing = unit.overwrite ? try await ExistingArchive.find(unit.tableDay, in: context.lake) : nil
    let span = try span(of: timeColumn)
    if let missing = try await facts.missing(of: span, by: timeColumn, on: connection) {
      let hadEarlierRows = try await hasEarlierParts(facts, timeColumn, before: span, on: connection)
      return .missing(missing, existing, hadEarlierRows: hadEarlierRows)
    }
    try await facts.refuseUnreadableChunks(of: span, by: timeColumn, on: connection)
    async let neighbours = NeighbourArchives.read(unit.tableDay, in: context.lake)
    begun.set()
    let file = try await UnpublishedFile(at: unit.tableDay.newTemporaryPath, in: context.lake)
    holder.hold(file)
    let encoding = ArchiveEncoding(ofServer: await connection.serverEncoding)
    let chunks = try await facts.chunks(of: span, by: timeColumn, on: connection)
    let versions = try await ChunkVersions.read(facts, chunks: chunks, on: connection)
    let start = ContinuousClock.now
    let proof = try await copy(
      facts, chunks, timeColumn, encoding, to: file, existing?.lengths(in: context.lake) ?? [], on: connection)
    var description = try await describe(facts, timeColumn, encoding, on: connection)
    description.seconds = start.duration(to: .now).secondsToMilliseconds
    let rows = TableRows(facts, by: timeColumn, on: connection)
    return .rows(
      Archived(
        oid: facts.oid, file: file, proof: proof, description: description, versions: versions, existing: existing,
        neighbours: try await neighbours, around: proof.rows == 0 ? try await rows.around(span) : nil,
        rowsWithoutADay: try await rowsWithoutADay(rows), timeColumnWarnings: warnings(resolved, facts)))
  }

  /// The number of rows that are in no day's archive, where the request asks for it or an index makes it cheap; counted
  /// once for each table of a job.
  private func rowsWithoutADay(_ rows: TableRows) async throws -> Int? {
    guard counted.begin(unit.tableDay.table) else { return nil }
    return try await rows.withoutADay(evenWithoutIndex: unit.countsRowsWithoutADay)
  }

  /// Copies the day's rows into the file and proves that the file holds them.
  private func copy(
    _ facts: TableFacts, _ chunks: [Chunk]?, _ timeColumn: TimeColumn, _ encoding: ArchiveEncoding,
    to file: UnpublishedFile, _ otherLengths: Set<Int>, on connection: PostgresConnection
  ) async throws -> ArchiveProof {
    let files = try await TableFiles.read(facts, chunks: chunks, on: connection)
    let names = try await connection.quoted(facts.storedColumns.map(\.name))
    let condition = try await timeColumn.condition(for: span(of: timeColumn), on: connection)
    let select = "SELECT \(names) FROM \(try await connection.quoted(facts.table)) WHERE \(condition)"
    let estimate = try await connection.estimatedRows(select)
    let copy = try await connection.copyOut(
      "COPY (\(select)) TO STDOUT WITH (FORMAT csv, HEADER true, ENCODING '\(encoding.rawValue)')")
    let writer = ArchiveWriter(
      to: file, level: unit.level, progress: progress, estimatedRows: estimate, otherLengths: otherLengths)
    let written = try await writer.write { try await copy.next().map { .init(bytes: $0.bytes, rowEnds: $0.rowEnds) } }
    guard try await TableFiles.read(facts, chunks: chunks, on: connection) == files else {
      throw TableFiles.changed(facts.table)
    }
    try await TableFiles.refuseOther(than: facts, on: connection)
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
      unit.tableDay,
      window: .init(window(timeColumn.kind), timeColumn: timeColumn.name.text, span: try span(of: timeColumn)),
      columns: facts.storedColumns.map {
        .init(name: $0.name.text, type: $0.type, kind: $0.kind, notNull: $0.isNotNull ? true : nil)
      }, encoding: encoding,
      serverVersion: try snapshot.decode("version"), snapshot: try snapshot.decode("snapshot"),
      programVersion: Program.version, createdAt: context.now(), requestKey: unit.key,
      hypertable: try await hypertable(facts, timeColumn, on: connection))
  }

  /// What makes another hypertable like the one that is archived; nil for another table.
  private func hypertable(
    _ facts: TableFacts, _ timeColumn: TimeColumn, on connection: PostgresConnection
  ) async throws -> ArchiveManifest.Hypertable? {
    guard let hypertable = facts.hypertable, !hypertable.isMaterialization, !hypertable.dimension.isComputed else {
      return nil
    }
    let chunks = try await facts.chunks(of: span(of: timeColumn), by: timeColumn, on: connection) ?? []
    return .init(
      dimension: hypertable.dimension.column.text, interval: hypertable.dimension.interval,
      spacePartitions: hypertable.spacePartitions.map { .init(column: $0.column, partitions: $0.partitions) },
      isCompressed: !chunks.isEmpty && chunks.allSatisfy(\.isCompressed))
  }

  private func publish(_ archived: Archived, on connection: PostgresConnection) async throws -> BackupResult {
    var result = BackupResult(unit.tableDay, .ok)
    result.rowsWithoutADay = archived.rowsWithoutADay
    result.warnings = archived.timeColumnWarnings + warnings(archived)
    if let around = archived.around, archived.existing == nil, !unit.archivesEmpty, !(around.before && around.after) {
      return await leaveOut(archived, result)
    }
    result.path = "\(try unit.tableDay.archivePath)"
    if let existing = archived.existing, !unit.force {
      if let kept = try await keepUsed(existing, archived, on: connection) { return kept }
      try await existing.refuseLoss(
        of: unit.tableDay, rows: archived.proof.rows,
        columns: archived.description.columns.map { ColumnName($0.name) }, archived.description.window, in: context.lake
      )
    }
    let isOlder = try archived.existing.map { try $0.entry.path != unit.tableDay.archivePath } ?? false
    let change = try await beginOverwrite(archived)
    let outcome: ArchivePublication.Outcome
    do {
      let publication = ArchivePublication(
        unit.tableDay, file: archived.file, proof: archived.proof, description: archived.description,
        replacing: isOlder ? nil : archived.existing?.entry, in: context.lake)
      switch try await replace(archived, by: publication, on: connection) {
      case .published(let done): outcome = done
      case .kept(var kept):
        if let change {
          kept.warnings += [await context.end([(change, [AuditEntry.outcome: .string(kept.status.rawValue)])])]
            .compactMap(\.self)
        }
        return kept
      }
    } catch {
      if let change { _ = await context.end([(change, [AuditEntry.outcome: "failed"])]) }
      throw error
    }
    result.warnings += outcome.warnings
    if isOlder, let older = archived.existing?.entry.path {
      result.warnings.append("the archive in the older layout, \(older), is still there; the new one counts before it")
    }
    if let doubt = outcome.doubt {
      result.status = .unconfirmed
      result.error = JobError(cause: doubt)
    }
    result.rows = archived.proof.rows
    if archived.proof.rows == 0 { result.empty = true }
    result.csvBytes = archived.proof.csvBytes
    result.gzipBytes = archived.proof.gzipBytes
    result.sha256 = archived.proof.sha256.description
    if let change {
      let ended: [String: JSONValue] = [
        AuditEntry.outcome: .string(result.status.rawValue), "rows": .integer(result.rows ?? 0),
        "sha256": .string(result.sha256 ?? ""),
      ]
      result.warnings += [await context.end([(change, ended)])].compactMap(\.self)
    }
    if result.status == .ok { result.warnings += await prove(archived, outcome.entry, on: connection) }
    return result
  }
}
