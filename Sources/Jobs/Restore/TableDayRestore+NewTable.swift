import Archive
import Database
import Postgres
import Reporting
import TableDays

extension TableDayRestore {
  /// Makes the target table from the manifest where it is missing and the request says so, in the load's transaction.
  /// - Returns: warnings.
  /// - Throws: ``JobError`` `table_not_made`, `permission_denied`.
  func createTable(_ manifest: ArchiveManifest?, on connection: PostgresConnection) async throws -> [String] {
    try await newTable(manifest, on: connection)?.create(on: connection) ?? []
  }

  /// The table that is to be made; nil where it is there, or the request does not ask for it.
  /// - Throws: ``JobError`` `table_not_made`.
  func newTable(_ manifest: ArchiveManifest?, on connection: PostgresConnection) async throws -> NewTable? {
    guard request.destination.createsTable, try await !NewTable.isThere(table, on: connection) else { return nil }
    guard let manifest else { throw notMade }
    let mapping = request.copy.mapping
    func target(_ name: String) -> ColumnName { mapping.target(of: ColumnName(name)) }
    let columns = manifest.columns.filter { !mapping.ignored.contains(ColumnName($0.name)) }
    return NewTable(
      table,
      columns: columns.map { .init(name: target($0.name), type: $0.type, isNotNull: $0.notNull ?? false) },
      chunks: manifest.hypertable.map { hypertable in
        .init(
          dimension: target(hypertable.dimension), interval: hypertable.interval,
          space: hypertable.spacePartitions.map { (target($0.column), $0.partitions) })
      }
    )
  }

  /// The error for an archive that does not tell the table's columns.
  private var notMade: JobError {
    JobError(
      .tableNotMade,
      "the table \(table) is missing, and the archive has no manifest that tells its columns; create the table. Nothing was loaded",
      field: "destination.create_table")
  }
}
