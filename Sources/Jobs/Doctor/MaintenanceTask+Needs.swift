package import Database
import TableDays

extension MaintenanceTask {
  /// The privileges that the task needs on the tables that it names. Those that a pattern finds are told by the run.
  package var needs: [TableNeed] {
    let job = "the maintenance task \(name)"
    func all(_ table: TableName, _ privileges: [String]) -> [TableNeed] {
      privileges.map { TableNeed(table, $0, job: job) }
    }
    return switch kind {
    case .deleteOlderThan(let own): all(own.table, ["SELECT", "DELETE"])
    case .deduplicate(let own):
      // The row that stays is locked, which takes UPDATE on a column.
      all(own.table, ["SELECT", "DELETE"])
        + own.key.prefix(1).map { TableNeed(own.table, "UPDATE", column: $0, job: job) }
    case .deleteOrphans(let own):
      // An orphan is locked before it goes.
      all(own.child, ["SELECT", "DELETE"])
        + own.columns.prefix(1).map { TableNeed(own.child, "UPDATE", column: $0, job: job) }
        + all(own.parent, ["SELECT"])
    case .vacuum(let own): own.relations.tables.flatMap { all($0, [TableNeed.maintain]) }
    case .analyze(let own): own.relations.tables.flatMap { all($0, [TableNeed.maintain]) }
    case .reindex(let own): own.relations.tables.flatMap { all($0, [TableNeed.maintain]) }
    case .sql: []
    }
  }
}
