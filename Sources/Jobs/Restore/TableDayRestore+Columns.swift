import Archive
import Database
import Postgres
import TableDays

extension TableDayRestore {
  /// The comparison of the file's columns with the table's. The request's defaults are checked with it.
  /// - Throws: ``JobError`` `bad_field`.
  func drift(
    _ fileColumns: [ColumnName], _ facts: TableFacts, _ manifest: ArchiveManifest?, on connection: PostgresConnection
  ) async throws -> ColumnDrift {
    let columns = (manifest?.columns ?? []).map { (ColumnName($0.name), $0.type) }
    let drift = try await ColumnDrift.read(
      fileColumns: fileColumns, types: Dictionary(columns) { first, _ in first }, facts: facts,
      mapping: request.copy.mapping,
      on: connection)
    try await ColumnDrift.checkDefaults(request.copy.mapping, of: facts, on: connection)
    return drift
  }
}

extension CSVOptions {
  /// The options with the names of COPY's column list: in a COPY directly into the table a mapped column has the table's name.
  func named(as plan: RestorePlan) -> CSVOptions {
    let names = Dictionary(
      zip(plan.columns.fileColumns, plan.columns.copyColumns(staged: plan.usesStaging))
    ) { first, _ in first }
    var options = self
    options.forceNull = forceNull.map { names[$0] ?? $0 }
    options.forceNotNull = forceNotNull.map { names[$0] ?? $0 }
    return options
  }
}
