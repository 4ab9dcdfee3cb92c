import Archive
import Database
import Essentials
import Postgres
import Reporting
import TableDays

extension TableDayRestore {
  /// Sees to it, before a row is sent, that the archive's rows have partitions: with `create_partition` missing ones are made in the
  /// load's transaction. Without it a day that has none at all is refused; where it has some, or a default one, the rows decide.
  /// - Throws: ``JobError`` `no_partition`, `partition_not_made`, `permission_denied`.
  func preparePartitions(
    _ plan: RestorePlan, _ facts: TableFacts, _ manifest: ArchiveManifest?, on connection: PostgresConnection,
    _ result: inout RestoreResult
  ) async throws {
    guard let table = facts.partitions else {
      return steps.skip(.createPartition, "\(facts.table) is not partitioned by range of a time column")
    }
    guard let span = try partitionSpan(plan, table) else { return steps.skip(.createPartition, "not asked for") }
    let found = try await table.partitions(in: span, on: connection)
    let needed = try await partitionsNeeded(found, table, rows: manifest?.rows, on: connection)
    if let why = needed.none {
      if needed.leavesGaps { warn(of: found, &result) }
      return steps.skip(.createPartition, why)
    }
    let made = try await steps.run(.createPartition) {
      var made: [(name: String, warnings: [String])] = []
      for partition in try await PartitionRanges(of: table, zone: plan.span.zone).missing(in: found, on: connection) {
        let (name, warnings) = try await partition.create(on: connection)
        made.append(("\(name) from \(partition.low) to \(partition.high)", warnings))
      }
      return made
    }
    steps.change(.createPartition) { $0.touched = made.map(\.name) }
    result.warnings += made.flatMap(\.warnings)
  }

  /// Whether partitions are to be made before a row is sent.
  struct PartitionsNeeded: Sendable {
    /// Why none is.
    var none: String?
    /// Rows of ranges without a partition may end the load.
    var leavesGaps = false
  }

  /// Decides whether missing partitions are made.
  /// - Parameter rows: the rows of the file, by its manifest.
  /// - Throws: ``JobError`` `no_partition`, `permission_denied`.
  func partitionsNeeded(
    _ found: PartitionsOfSpan, _ table: PartitionedTable, rows: Int?, on connection: PostgresConnection
  ) async throws -> PartitionsNeeded {
    guard !found.isCovered else { return .init(none: "the day has its partitions") }
    guard rows != 0 else { return .init(none: "the archive has no rows") }
    guard request.destination.createsPartition else {
      if let gap = found.refused.first, found.isEmpty { throw noPartition(gap) }
      return .init(none: "create_partition is not asked for", leavesGaps: true)
    }
    guard table.isOwner else {
      let role = try await connection.currentRole()
      throw JobError(
        .permissionDenied,
        "the role \(role) may not attach partitions to \(self.table): it is neither \(table.owner), its owner, nor "
          + "inherits that role's rights; run GRANT \(SQL.identifier(table.owner)) TO \(SQL.identifier(role)), or make the partition as "
          + "its owner. Nothing was loaded", field: "destination.create_partition")
    }
    return .init()
  }

  private func warn(of found: PartitionsOfSpan, _ result: inout RestoreResult) {
    for gap in found.gaps {
      guard let taker = gap.takenBy else {
        result.warnings.append(
          "\(gap.parent) has no partition from \(gap.start) to \(gap.end); a row of that range would have ended the load"
        )
        continue
      }
      result.warnings.append(
        "\(gap.parent) has no partition from \(gap.start) to \(gap.end); its default partition \(taker) takes rows of that range, "
          + "and while it holds them the partition cannot be made")
    }
  }

  /// The span in values of the partition key; nil where it is not known in them, and no partition is asked for: rows by another
  /// column than the key lie in partitions that the day does not tell.
  /// - Throws: ``JobError`` `partition_not_made`.
  func partitionSpan(_ plan: RestorePlan, _ table: PartitionedTable) throws -> DaySpan? {
    if plan.rows.map({ $0.timeColumn.name == table.key }) ?? true,
      let span = plan.span.values(of: plan.rows?.timeColumn ?? TimeColumn(name: table.key, kind: table.kind))
    {
      return span
    }
    guard request.destination.createsPartition else { return nil }
    throw JobError(
      .partitionNotMade,
      "\(self.table) is partitioned by \(table.key), and the archive's day is one of another column, so that the partitions "
        + "of its rows are not known; make them yourself. Nothing was loaded", field: "destination.create_partition")
  }

  /// The error for a day that has no partition.
  func noPartition(_ gap: PartitionsOfSpan.Gap) -> JobError {
    JobError(
      .noPartition,
      "\(gap.parent) has no partition for rows of \(source.path) (from \(gap.start) to \(gap.end)), and no default one; "
        + "nothing was loaded. Make it, or pass \(field: "destination.create_partition")",
      field: request.destination.targetTable == nil ? nil : "destination.target_table",
      details: ["start": .string(gap.start), "end": .string(gap.end)])
  }
}
