import Database
package import Foundation
import Reporting
import TableDays

extension MaintenanceTask {
  /// The task as one statement that pg_cron runs by itself. Its schedule is that of the cron job; its progress is not noted, and the audit chain
  /// is not told of what it deletes.
  /// - Parameters:
  ///   - zone: of the clock that a column without a time zone shows.
  ///   - retentionSchema: whose holds are obeyed, where it is there.
  /// - Throws: ``JobError`` `bad_field` with the field that needs the program.
  package func cronStatement(
    in zone: TimeZone = .gmt, retentionSchema: String = RetentionOptions.defaultSchema
  ) throws -> String {
    func refuse(_ field: String, _ why: ErrorText) throws {
      throw JobError(
        .badField, "\(why), which pg_cron alone cannot do; run the task \(ErrorText(name)) by the program", field: field
      )
    }
    if archives { try refuse("archive", "the rows go to the lake first") }
    if maximumReplicationLag != nil {
      try refuse("max_replication_lag", "the lag of replicas is looked at between batches")
    }
    if maximumActiveSessions != nil { try refuse("max_active_sessions", "sessions are counted between batches") }
    func deletion(_ table: TableName, _ rows: CronDeletion.Rows) -> String {
      CronDeletion(
        name, of: table, rows, batchRows: batchRows, lockTimeout: lockTimeout, pause: pause, budget: budget, zone: zone,
        retentionSchema: retentionSchema
      ).statement
    }
    func tables(_ relations: Relations) throws -> [TableName] {
      if relations.all { try refuse("all", "the tables are found when the task runs") }
      if !relations.patterns.isEmpty { try refuse("patterns", "the tables are found when the task runs") }
      return relations.tables
    }
    switch kind {
    case .deleteOlderThan(let own):
      if own.requiresArchive { try refuse("require_archive", "the archives are read, and compared with the rows") }
      return deletion(own.table, .olderThan(column: own.column, age: own.keep))
    case .deduplicate(let own):
      return deletion(
        own.table,
        .duplicates(
          key: own.key, by: own.by, keepsNewest: own.keep == .newest, nullsAreEqual: own.nullKeys == .together))
    case .deleteOrphans(let own):
      return deletion(
        own.child,
        .orphans(
          columns: own.columns, parent: own.parent, parentColumns: own.parentColumns,
          grace: own.grace.map { ($0.column, $0.interval) }))
    case .vacuum(let own):
      if own.minimumDeadShare != nil { try refuse("min_dead_share", "dead rows are counted first") }
      let options = [own.full ? "FULL" : nil, own.freeze ? "FREEZE" : nil, own.analyze ? "ANALYZE" : nil].compactMap(
        \.self)
      let list = options.isEmpty ? "" : " (\(options.joined(separator: ", ")))"
      return "VACUUM\(list) \(try tables(own.relations).map { SQL.name($0) }.joined(separator: ", "))"
    case .analyze(let own):
      if own.minimumChangedShare != nil { try refuse("min_changed_share", "changed rows are counted first") }
      return "ANALYZE \(try tables(own.relations).map { SQL.name($0) }.joined(separator: ", "))"
    case .reindex(let own):
      if own.minimumBloatShare != nil { try refuse("min_bloat_share", "the bloat of indexes is estimated first") }
      let names = try tables(own.relations)
      guard names.count == 1 else {
        throw JobError(
          .badField, "\(names.count) tables; one statement of pg_cron reindexes one, so name one", field: "tables")
      }
      return "REINDEX TABLE CONCURRENTLY \(SQL.name(names[0]))"
    case .sql(let own): return own.text
    }
  }
}
