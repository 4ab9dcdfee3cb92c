import Archive
import Database
import Postgres
import Reporting
import TableDays

/// The rows that a table has now of the span of an archive: counted and hashed as they are copied, in the columns and the
/// encoding of the archive, so that the same rows have the same hash.
struct LiveRows: Sendable {
  let manifest: ArchiveManifest
  let table: TableName
  /// The table is a view that may be read.
  let allowsView: Bool

  /// What was found.
  struct Found: Sendable, Equatable {
    /// The OID of the relation that was read.
    let oid: Int
    var rows: Int
    /// Nil where the table lacks archived columns, so that the rows cannot be compared.
    var hash: RowsHash?
    /// The columns that only the archive has.
    var archivedOnly: [String] = []
    /// The columns that only the table has.
    var tableOnly: [String] = []
    /// The oldest transaction that may not have ended when the rows were read (`pg_snapshot_xmin`).
    var since = ""
    /// The OIDs of the table and of all below it.
    var relations: [Int] = []

    /// How the rows differ from those of the archive; nil where they are the same.
    /// - Parameter hash: the hash of the archived rows, as its manifest writes it.
    func difference(fromRows rows: Int, hash: String?) -> Difference? {
      if self.rows > rows { return .late(self.rows - rows) }
      if self.rows < rows { return .fewer(rows - self.rows) }
      guard rows > 0 else { return nil }
      return self.hash?.description == hash && tableOnly.isEmpty ? nil : .changed
    }
  }

  /// How the rows of a table differ from those of an archive.
  enum Difference: Sendable, Equatable {
    /// The table has so many more.
    case late(Int)
    /// The table has so many fewer.
    case fewer(Int)
    /// As many rows, but others; or columns that the archive lacks.
    case changed
  }

  /// The archived span of the table's time column.
  /// - Throws: ``JobError`` `bad_time_column`, `table_not_found`.
  private func condition(_ facts: TableFacts, on connection: PostgresConnection) async throws -> (
    String, DaySpan, TimeColumn
  ) {
    let column = try facts.timeColumn(
      named: ColumnName(manifest.window.timeColumn), unit: manifest.window.unit, remedy: "by renaming it back")
    guard let span = manifest.span(of: column.kind) else {
      throw JobError(
        .badTimeColumn,
        "\(column.name) of \(table) is of type \(column.kind.rawValue), and was of another one when the day was archived; "
          + "its rows cannot be found by the archived values")
    }
    return (try await column.condition(for: span, on: connection), span, column)
  }

  private func facts(on connection: PostgresConnection) async throws -> TableFacts {
    try await TableFacts.read(table, for: .read, allowsView: allowsView, on: connection)
  }

  /// How long a locked table is waited for.
  private static let patience = Duration.seconds(10)

  /// Counts and hashes the rows, in a transaction whose snapshot is younger than its lock on the table.
  /// - Throws: ``JobError`` `locked`, `table_changed` and those of a backup; `PostgresError`.
  func read(on connection: PostgresConnection) async throws -> Found {
    let (found, versions) = try await connection.reading(table, patience: Self.patience) { connection in
      try await copy(on: connection)
    }
    try await versions.refuseChanged(on: connection)
    return found
  }

  private func copy(on connection: PostgresConnection) async throws -> (Found, ChunkVersions) {
    // As in a backup, values that are names are written with their schema.
    try await connection.query("SET LOCAL search_path = pg_catalog, pg_temp")
    let facts = try await facts(on: connection)
    let (condition, span, column) = try await condition(facts, on: connection)
    try await facts.refuseUnreadableChunks(of: span, by: column, on: connection)
    let names = manifest.columns.map { ColumnName($0.name) }
    let stored = facts.storedColumns.map(\.name)
    var found = Found(oid: facts.oid, rows: 0)
    found.archivedOnly = names.filter { !stored.contains($0) }.map(\.text)
    found.tableOnly = stored.filter { !names.contains($0) }.map(\.text)
    let chunks = try await facts.chunks(of: span, by: column, on: connection)
    let versions = try await ChunkVersions.read(facts, chunks: chunks, on: connection)
    // The COPY's snapshot is this one or a younger one.
    found.since = try await connection.query(
      "SELECT pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())::pg_catalog.text AS since"
    ).rows[0].decode("since")
    found.relations = try await DeletionRule.relations(of: facts.oid, on: connection)
    let columns = try await connection.quoted(names.filter { stored.contains($0) })
    let encoding = manifest.encoding ?? .utf8
    let copy = try await connection.copyOut(
      "COPY (SELECT \(columns) FROM \(try await connection.quoted(table)) WHERE \(condition)) TO STDOUT WITH "
        + "(FORMAT csv, HEADER true, ENCODING '\(encoding.rawValue)')")
    var hasher = RowsHasher()
    while let chunk = try await copy.next() {
      hasher.add(chunk.bytes, rowEnds: chunk.rowEnds)
      found.rows += chunk.rowEnds.count
    }
    found.rows -= 1
    try await TableFiles.refuseOther(than: facts, on: connection)
    guard await copy.reportedRows() == found.rows else {
      throw JobError(
        .rowCountMismatch, "the server copied another number of rows of \(table) than arrived; run the job again")
    }
    if found.archivedOnly.isEmpty { found.hash = hasher.hash }
    return (found, versions)
  }
}
