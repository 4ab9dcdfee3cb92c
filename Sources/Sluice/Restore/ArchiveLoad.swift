import Foundation
import Lake
import Postgres

/// The load of one archive, within one transaction: it is all there after the commit, or nothing is.
struct ArchiveLoad: Sendable {
  let context: JobContext
  let progress: JobProgress
  let source: RestoreSource
  let request: RestoreRequest

  private var table: TableName { request.destination.targetTable ?? source.archive.table }

  func run(on connection: PostgresConnection, _ blank: RestoreResult) async throws -> RestoreResult {
    let reader = try await ArchiveReader(source.path, in: context.lake)
    do {
      let result = try await load(reader, on: connection, blank)
      await reader.close()
      return result
    } catch {
      await reader.close()
      throw error
    }
  }

  private func load(
    _ reader: ArchiveReader, on connection: PostgresConnection, _ blank: RestoreResult
  ) async throws -> RestoreResult {
    var result = blank
    let manifest = try await manifest(reader)
    let window = self.window(manifest)
    (result.dateWindow.start, result.dateWindow.end) = window.texts
    if request.copy.synchronousCommitOff { try await connection.query("SET LOCAL synchronous_commit = off") }
    try await JobContext.lock(
      ArchiveName(database: connection.target.database, table: table, day: source.archive.day), on: connection)
    let facts = try await TableFacts.read(table, for: .write, on: connection)

    var loader = ArchiveLoader(reader: reader, progress: progress)
    let columns = try await fileColumns(&loader, on: connection)
    let plan = try LoadPlan(
      fileColumns: columns, facts: facts, columnsMissing: request.destination.columnsMissing,
      role: connection.target.user)
    result.warnings += plan.warnings
    result.columnsLoaded = plan.loadedColumns

    guard try await makeRoom(facts, manifest, window, on: connection, &result) else {
      result.status = .skipped
      result.columnsLoaded = []
      return result
    }
    let fileRows: Int
    if request.destination.mode == .staging || plan.needsStaging {
      fileRows = try await loadThroughStaging(loader, plan, facts, on: connection, &result)
    } else {
      let copy = try await connection.copyIn(copyStatement(into: connection.quoted(table), plan, on: connection))
      fileRows = try await loader.load(copy)
      result.rowsLoaded = fileRows
    }
    result.csvBytes = await reader.csvBytes
    result.gzipBytes = await reader.gzipBytes
    try await check(reader, against: manifest, rows: fileRows)
    return result
  }

  /// The archive's manifest, if it has one and is in its place in the lake.
  private func manifest(_ reader: ArchiveReader) async throws -> ArchiveManifest? {
    guard try source.path == source.archive.path,
      let manifest = try await ArchiveManifest.read(of: source.archive, in: context.lake)
    else { return nil }
    guard manifest.gzipBytes == reader.entry.length else {
      throw corrupt("it has \(reader.entry.length) bytes, its manifest says \(manifest.gzipBytes)")
    }
    return manifest
  }

  private func window(_ manifest: ArchiveManifest?) -> DayWindow {
    let zone = manifest.flatMap { TimeZone(identifier: $0.window.timeZone) }
    return DayWindow(source.archive.day, in: zone ?? context.settings.timeZone)
  }

  /// The file is what its manifest says, or the load is rolled back.
  private func check(_ reader: ArchiveReader, against manifest: ArchiveManifest?, rows: Int) async throws {
    guard let manifest else { return }
    let digest = await reader.digest().hex
    guard digest == manifest.sha256 else {
      throw corrupt("its SHA-256 is \(digest), its manifest says \(manifest.sha256)")
    }
    guard rows == manifest.rows else {
      throw corrupt("it holds \(rows) rows, its manifest says \(manifest.rows)")
    }
  }

  private func corrupt(_ reason: String) -> JobError {
    JobError(
      .unprocessable, code: "archive_corrupt",
      "\(source.path): \(reason); nothing was loaded. Take another copy of the file, or back the day up again")
  }

  /// The file's columns: the header's, or those that the request names in their place.
  private func fileColumns(_ loader: inout ArchiveLoader, on connection: PostgresConnection) async throws -> [String] {
    var columns = request.copy.columns ?? []
    if request.copy.options.hasHeader {
      let header = try await loader.readHeader(request.copy.options.format)
      if request.copy.columns == nil {
        for name in header { columns.append(try await decode(name, on: connection)) }
      } else if columns.count != header.count {
        throw JobError(
          .unprocessable, code: "bad_header",
          "copy.columns names \(columns.count) columns, the file's header has \(header.count)", field: "copy.columns")
      }
    }
    for (option, names) in [
      ("FORCE_NULL", request.copy.options.forceNull), ("FORCE_NOT_NULL", request.copy.options.forceNotNull),
    ] {
      guard let unknown = names.first(where: { !columns.contains($0) }) else { continue }
      throw JobError(
        .unprocessable, code: "unknown_columns",
        "copy.csv_options.\(option): the file has no column \(JSONValue.string(unknown).brief)",
        field: "copy.csv_options.\(option)")
    }
    return columns
  }

  /// A name of the header as text. The server knows every encoding that `ENCODING` may name.
  private func decode(_ name: [UInt8], on connection: PostgresConnection) async throws -> String {
    if let encoding = request.copy.options.encoding {
      let hex = name.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
      return try await connection.query(
        "SELECT pg_catalog.convert_from($1::pg_catalog.bytea, $2::pg_catalog.name) AS name", ["\\x\(hex)", encoding]
      ).rows[0].decode("name")
    }
    guard let text = String(validating: name, as: UTF8.self) else {
      throw JobError(
        .unprocessable, code: "bad_header",
        "the header is not UTF-8; pass the file's encoding as copy.csv_options.ENCODING",
        field: "copy.csv_options.ENCODING")
    }
    return text
  }

  /// Deals with rows that lie in the window already. False: leave all as it is.
  private func makeRoom(
    _ facts: TableFacts, _ manifest: ArchiveManifest?, _ window: DayWindow, on connection: PostgresConnection,
    _ result: inout RestoreResult
  ) async throws -> Bool {
    let destination = request.destination
    // A unique index makes ON CONFLICT DO NOTHING skip what is there; without one it stops nothing.
    if destination.mode == .staging, facts.hasUniqueIndex { return true }
    if destination.onExisting == .append { return true }
    let inManifest = manifest?.window.timeColumn
    let known = facts.columns.contains { $0.name == inManifest } ? inManifest : nil
    let column = try facts.timeColumn(
      named: known ?? context.settings.setting(for: table).timeColumn
        ?? context.settings.setting(for: source.archive.table).timeColumn,
      remedy: "pass destination.on_existing \"append\" to load without looking for rows that are there already")
    let condition = try await column.condition(for: window, on: connection)
    let name = try await connection.quoted(table)
    if destination.onExisting == .replace {
      let deleted = try await connection.query("DELETE FROM \(name) WHERE \(condition)").affectedRows
      if deleted > 0 { result.warnings.append("\(deleted) rows of the window were replaced") }
      return true
    }
    let count: Int = try await connection.query("SELECT pg_catalog.count(*) AS n FROM \(name) WHERE \(condition)")
      .rows[0].decode("n")
    if count == 0 { return true }
    if destination.onExisting == .skip {
      result.warnings.append("\(count) rows are in the window already; nothing was loaded")
      return false
    }
    let without = destination.mode == .staging ? "; \(table) has no unique index that would tell them apart" : ""
    throw JobError(
      .conflict, code: "rows_exist",
      "\(table) holds \(count) rows of \(window.day) already\(without); nothing was loaded. Pass destination.on_existing: "
        + "append, replace or skip", field: "destination.on_existing", details: ["rows": .number(Double(count))])
  }

  private func copyStatement(
    into table: String, _ plan: LoadPlan, on connection: PostgresConnection
  ) async throws -> String {
    let columns = try await connection.quoted(plan.fileColumns)
    return "COPY \(table) (\(columns)) FROM STDIN WITH (\(try await request.copy.options.sql(on: connection)))"
  }

  /// COPY into a table of the file's columns, then INSERT what belongs into the target. The staging table is made in the
  /// load's own transaction: whatever happens, it goes with it.
  private func loadThroughStaging(
    _ loader: ArchiveLoader, _ plan: LoadPlan, _ facts: TableFacts, on connection: PostgresConnection,
    _ result: inout RestoreResult
  ) async throws -> Int {
    let like = request.destination.stagingLike
    let model = if let like { try await TableFacts.read(like, for: .read, on: connection) } else { facts }
    let suffix = UUID().uuidString.lowercased().prefix(8)
    let staging = try await connection.quoted(TableName(schema: table.schema, name: "_sluice_staging_\(suffix)"))
    var columns: [String] = []
    for name in plan.fileColumns {
      let quoted = try await connection.quoteIdentifier(name)
      let isKnown = model.columns.contains { $0.name == name }
      columns.append(isKnown ? quoted : "NULL::pg_catalog.text AS \(quoted)")
    }
    // The columns' types without constraints and defaults: what the file lacks, the target's own defaults fill in.
    try await connection.query(
      "CREATE UNLOGGED TABLE \(staging) AS SELECT \(columns.joined(separator: ", ")) "
        + "FROM \(try await connection.quoted(model.table)) WITH NO DATA")
    let copy = try await connection.copyIn(copyStatement(into: staging, plan, on: connection))
    let staged = try await loader.load(copy)
    let loaded = try await connection.quoted(plan.loadedColumns)
    let conflict = request.destination.mode == .staging ? " ON CONFLICT DO NOTHING" : ""
    // Identity columns take the file's values, as they do in a COPY.
    let inserted = try await connection.query(
      "INSERT INTO \(try await connection.quoted(table)) (\(loaded)) OVERRIDING SYSTEM VALUE "
        + "SELECT \(loaded) FROM \(staging)\(conflict)")
    try await connection.query("DROP TABLE \(staging)")
    result.rowsLoaded = inserted.affectedRows
    result.rowsSkipped = staged - inserted.affectedRows
    return staged
  }
}
