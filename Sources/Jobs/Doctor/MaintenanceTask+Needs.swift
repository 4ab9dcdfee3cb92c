package import Database
import TableDays

extension MaintenanceTask {
  /// The privileges that the task needs on the tables that it names. Those that a pattern finds are told by the run.
  package var needs: [TableNeed] {
    let job = "the maintenance task \(name)"
    func all(_ table: TableName, _ privileges: [String]) -> [TableNeed] {
      privileges.map { TableNeed(table, $0, job: job) }
    }
    // A batch names the partition of its rows.
    func deletion(_ table: TableName, lockedBy column: ColumnName? = nil) -> [TableNeed] {
      ["SELECT", "DELETE"].map { TableNeed(table, $0, job: job, ofParts: true) }
        + [column].compactMap(\.self).map { TableNeed(table, "UPDATE", column: $0, job: job, ofParts: true) }
    }
    return switch kind {
    case .deleteOlderThan(let own): deletion(own.table)
    // The row that stays is locked, which takes UPDATE on a column.
    case .deduplicate(let own): deletion(own.table, lockedBy: own.key.first)
    // An orphan is locked before it goes.
    case .deleteOrphans(let own): deletion(own.child, lockedBy: own.columns.first) + all(own.parent, ["SELECT"])
    case .vacuum(let own): own.relations.tables.flatMap { all($0, [TableNeed.maintain]) }
    case .analyze(let own): own.relations.tables.flatMap { all($0, [TableNeed.maintain]) }
    case .reindex(let own): own.relations.tables.flatMap { all($0, [TableNeed.maintain]) }
    case .sql: []
    }
  }
}
