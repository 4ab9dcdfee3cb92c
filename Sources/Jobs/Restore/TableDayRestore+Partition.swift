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
    let creates = request.destination.createsPartition
    guard let table = facts.partitions else {
      return steps.skip(.createPartition, "\(facts.table) is not partitioned by range of a time column")
    }
    // Rows by another column than the key lie in partitions that the day does not tell.
    guard let span = plan.span.values(of: TimeColumn(name: table.key, kind: table.kind)),
      plan.rows.map({ $0.timeColumn.name == table.key }) ?? true
    else {
      guard creates else { return steps.skip(.createPartition, "not asked for") }
      throw JobError(
        .partitionNotMade,
        "\(facts.table) is partitioned by \(table.key), and the archive's day is one of another column, so that the partitions "
          + "of its rows are not known; make them yourself. Nothing was loaded", field: "destination.create_partition")
    }
    let found = try await table.partitions(in: span, on: connection)
    guard !found.isCovered else {
      return steps.skip(.createPartition, "the day has its partitions")
    }
    guard manifest?.rows != 0 else {
      return steps.skip(.createPartition, "the archive has no rows")
    }
    guard creates else {
      try checkGaps(found, of: facts, &result)
      return steps.skip(.createPartition, "create_partition is not asked for")
    }
    guard table.isOwner else {
      throw JobError(
        .permissionDenied,
        "the role \(connection.target.user) may not attach partitions to \(facts.table): it is neither \(table.owner), its owner, nor "
          + "inherits that role's rights; run GRANT \(SQL.identifier(table.owner)) TO \(SQL.identifier(connection.target.user)), or make the partition as its "
          + "owner. Nothing was loaded", field: "destination.create_partition")
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

  private func checkGaps(_ found: PartitionsOfSpan, of facts: TableFacts, _ result: inout RestoreResult) throws {
    if let gap = found.refused.first, found.isEmpty {
      throw noPartition(gap)
    }
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

  /// The span in values of the partition key; nil where it is not known in them.
  func partitionSpan(_ plan: RestorePlan, _ table: PartitionedTable) -> DaySpan? {
    guard plan.rows.map({ $0.timeColumn.name == table.key }) ?? true else { return nil }
    return plan.span.values(of: plan.rows?.timeColumn ?? TimeColumn(name: table.key, kind: table.kind))
  }

  /// The error for a day that has no partition.
  func noPartition(_ gap: PartitionsOfSpan.Gap) -> JobError {
    JobError(
      .noPartition,
      "\(gap.parent) has no partition for rows of \(source.archive.day) (from \(gap.start) to \(gap.end)), and no default one; "
        + "nothing was loaded. Make it, or pass \(field: "destination.create_partition")",
      field: request.destination.targetTable == nil ? nil : "destination.target_table",
      details: ["start": .string(gap.start), "end": .string(gap.end)])
  }
}
