import Archive
import Database
import Lake
import Postgres
import Reporting
import TableDays

extension TableDayVerify {
  /// What the manifest of an adopted archive says beside what was read: the columns' types and the span by the table's time
  /// column, in which all rows must lie: the day in the file's name may be another one.
  /// - Throws: ``ArchiveDamage`` for rows of another day; ``JobError`` `archive_differs` for a column that the table lacks, and those of
  ///   a backup, where the time column is not known among them.
  func adoption(of columns: [String], _ proof: ArchiveProof) async throws -> ArchiveManifest.Description {
    let table = options.options(of: tableDay.table)
    let target = try context.server.target(database: tableDay.database)
    let names = columns.map { ColumnName($0) }
    return try await context.sessions.pools.withConnection(to: target) { connection in
      let facts = try await TableFacts.read(
        tableDay.table, for: .read, allowsView: table.allowsView ?? false, on: connection)
      let column = try await facts.timeColumn(
        named: table.timeColumn.map { ColumnName($0) }, unit: table.unit, remedy: "in the settings file"
      ).resolved(in: facts, on: connection).column
      let stored = Dictionary(facts.storedColumns.map { ($0.name, $0) }) { first, _ in first }
      if let unknown = names.first(where: { stored[$0] == nil }) {
        throw JobError(
          .archiveDiffers,
          "the archive of \(tableDay) has the column \(unknown), which the table lacks; its type is not known. Add the "
            + "column, or restore the archive into a table that has it", field: "adopt")
      }
      guard let place = names.firstIndex(of: column.name) else {
        throw JobError(
          .archiveDiffers, "the archive of \(tableDay) lacks the time column \(column.name)", field: "adopt")
      }
      let zone = column.kind.tellsInstants ? options.timeZone : table.clock ?? options.timeZone
      let window = DayWindow(tableDay.day, in: zone)
      let span = try column.span(of: window)
      try await refuseOtherDay(column, place, span, rows: proof.rows, on: connection)
      let version = try await connection.query(
        "SELECT pg_catalog.current_setting('server_version') AS version"
      ).rows[0].decode("version", as: String.self)
      return ArchiveManifest.Description(
        tableDay, window: .init(window, timeColumn: column.name.text, span: span),
        columns: names.compactMap { stored[$0] }.map {
          .init(name: $0.name.text, type: $0.type, kind: $0.kind, notNull: $0.isNotNull ? true : nil)
        }, encoding: ArchiveEncoding(ofServer: await connection.serverEncoding), serverVersion: version, snapshot: "",
        programVersion: Program.version, createdAt: archive.modified, requestKey: nil)
    }
  }

  /// Reads the time column of the file, and refuses rows that are not of the day.
  /// - Throws: ``ArchiveDamage``; ``JobError`` `archive_differs`, `archive_changed`.
  private func refuseOtherDay(
    _ column: TimeColumn, _ place: Int, _ span: DaySpan, rows: Int, on connection: PostgresConnection
  ) async throws {
    var outside = 0
    do {
      try await ArchiveColumn.read(place, of: archive, in: context.lake) { values in
        outside += try await column.count(of: values, outside: span, on: connection)
      }
    } catch PostgresError.server(let error) where error.sqlState.hasPrefix("22") {
      // The server's message quotes the value.
      throw JobError(
        .archiveDiffers,
        "the archive of \(tableDay) has values of \(column.name) that its type \(column.kind.rawValue) cannot read (SQLSTATE "
          + "\(error.sqlState)); it was not adopted", field: "adopt")
    }
    guard outside > 0 else { return }
    throw ArchiveDamage(
      .day,
      "\(outside) of its \(rows) rows are not of \(tableDay.day), the day in the file's name: their \(column.name) is not from "
        + "\(span.start) to before \(span.end). Give the file the name of its day; it was not adopted")
  }
}
