import Archive
import Database
import Essentials
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
  /// - Throws: ``JobError`` `table_not_made`, `bad_field`.
  func newTable(_ manifest: ArchiveManifest?, on connection: PostgresConnection) async throws -> NewTable? {
    guard request.destination.createsTable, try await !NewTable.isThere(table, on: connection) else { return nil }
    guard let manifest else { throw notMade }
    let mapping = request.copy.mapping
    func target(_ name: String) -> ColumnName { mapping.target(of: ColumnName(name)) }
    let columns = manifest.columns.filter { !mapping.ignored.contains(ColumnName($0.name)) }
    var sources: [ColumnName: String] = [:]
    for column in columns {
      let name = target(column.name)
      guard let other = sources.updateValue(column.name, forKey: name) else { continue }
      throw JobError(
        .badField,
        "the file's columns \(JSONValue.string(other).brief) and \(JSONValue.string(column.name).brief) are both meant for the column "
          + "\(JSONValue.string(name.text).brief) of \(table), which is to be made; leave one out by \(field: "copy.ignore")",
        field: "copy.map")
    }
    return NewTable(
      table,
      columns: columns.map { .init(name: target($0.name), type: $0.type, isNotNull: $0.notNull ?? false) },
      chunks: manifest.hypertable.map { hypertable in
        .init(
          dimension: target(hypertable.dimension), interval: hypertable.interval,
          space: hypertable.spacePartitions.map { (target($0.column), $0.partitions) })
      },
      scratchComment: request.destination.scratchComment)
  }

  /// What a load into the table that is to be made would refuse. It is empty: no rows are looked for.
  func preview(
    _ made: NewTable, _ reader: ArchiveReader, _ manifest: ArchiveManifest?, _ preview: inout RestorePreview,
    on connection: PostgresConnection
  ) async throws {
    preview.columns = manifest?.columns.map { .init(name: $0.name, type: $0.type, fate: "loaded") } ?? []
    preview.warnings.append("the table is missing and would be made from the manifest")
    try await made.check(on: connection)
    let facts = try await made.facts(on: connection)
    var pipeline = CopyPipeline(
      reader: reader, format: request.copy.options.format, countsRecords: false, progress: progress)
    let header = try await self.header(&pipeline, facts, manifest, on: connection)
    preview.tell(header.drift)
    let plan = try await restorePlan(header, facts, manifest, on: connection)
    preview.dateWindow = plan.span.window
    preview.warnings += plan.warnings
    preview.usesStaging = plan.usesStaging
    if case .named(let names) = request.timescale.refresh, let name = names.first {
      throw HypertablePlan.unknown(name, table, [])
    }
    _ = try plannedHold(plan, [])
    guard plan.usesStaging else { return }
    try await StagingTable(for: facts, plan.columns, policy: policy).check(
      part: plan.partRows, replaced: plan.unprovenRows, on: connection)
  }

  /// The error for an archive that does not tell the table's columns.
  private var notMade: JobError {
    JobError(
      .tableNotMade,
      "the table \(table) is missing, and the archive has no manifest that tells its columns; create the table. Nothing was loaded",
      field: "destination.create_table")
  }
}
