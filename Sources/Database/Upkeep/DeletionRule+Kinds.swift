import Essentials
package import Foundation
package import Postgres
import Reporting
package import TableDays

extension DeletionRule {
  /// Rows older than `keep`. Infinite times are no age.
  /// - Parameters:
  ///   - zone: of the clock that a column without a time zone shows.
  ///   - days: whole days of that zone alone; nil is to the instant.
  /// - Throws: ``JobError``.
  package static func olderThan(
    _ keep: String, of table: TableName, by column: ColumnName, clock zone: TimeZone, days: TimeZone? = nil,
    on connection: PostgresConnection
  ) async throws -> DeletionRule {
    let facts = try await TableFacts.read(table, for: .read, on: connection)
    let name = try await quoted(column, of: table, facts.columns, field: "column", on: connection)
    return try await DeletionRule(
      table,
      condition: try await older(
        name, try facts.timeColumn(named: column, remedy: "in the task", field: "column"), keep, zone, days,
        on: connection),
      on: connection)
  }

  /// `name < now - keep`, with the value that is now.
  private static func older(
    _ name: String, _ column: TimeColumn, _ keep: String, _ zone: TimeZone, _ days: TimeZone? = nil,
    on connection: PostgresConnection
  ) async throws -> String {
    guard column.kind.integers == nil else {
      throw JobError(
        .badTimeColumn,
        "column \(column.name) holds integers, and an interval is no age of theirs; drop what is old by the retention, which knows their unit, or name another column",
        field: "column")
    }
    let now =
      column.kind.tellsInstants
      ? "pg_catalog.now()"
      : "pg_catalog.timezone(\(try await connection.quoteLiteral(zone.identifier)), pg_catalog.now())"
    var end = "(\(now) - $1::pg_catalog.interval)"
    if let days {
      let clock = try await connection.quoteLiteral(zone.identifier)
      let instant = column.kind.tellsInstants ? end : "pg_catalog.timezone(\(clock), \(end))"
      let start = "pg_catalog.date_trunc('day', \(instant), \(try await connection.quoteLiteral(days.identifier)))"
      end = column.kind.tellsInstants ? start : "pg_catalog.timezone(\(clock), \(start))"
    }
    let limit: String = try await connection.query(
      "SELECT (\(end))::\(column.kind.sqlType)::pg_catalog.text AS before", [keep]
    ).rows[0].decode("before")
    return
      "pg_catalog.isfinite(\(name)) AND \(name) < \(try await connection.quoteLiteral(limit))::\(column.kind.sqlType)"
  }

  /// The rows of a day that were compared with its archive, as they were then.
  /// - Parameters:
  ///   - since: the oldest transaction that may not have ended when they were compared (`pg_snapshot_xmin`).
  ///   - relations: the OIDs of those that the table had then: one that came later brings old rows that nobody has compared.
  package static func proven(
    _ span: DaySpan, of table: TableName, by column: TimeColumn, since: String, in relations: [Int],
    on connection: PostgresConnection
  ) async throws -> DeletionRule {
    let old =
      "pg_catalog.age(x.xmin) > pg_catalog.age((\(try await connection.quoteLiteral(since))::pg_catalog.xid8)::pg_catalog.xid)"
    return try await DeletionRule(
      table, condition: "\(try await column.condition(for: span, on: connection)) AND \(old)", on: connection
    ).limited(to: relations)
  }

  /// The server's timeline, in hexadecimal digits: the head of the name of its WAL file.
  package static func timeline(on connection: PostgresConnection) async throws -> String {
    try await connection.query(
      "SELECT pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8) AS timeline"
    ).rows[0].decode("timeline")
  }

  /// Whether a proof of that transaction still tells: `xmin` has 32 bits. On a server that was set back to an earlier time the transaction may be
  /// still to come.
  package static func isCurrent(since: String, on connection: PostgresConnection) async throws -> Bool {
    try await connection.query(
      "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::pg_catalog.text::pg_catalog.numeric - $1::pg_catalog.numeric BETWEEN 0 AND 2147000000 AS young",
      [since]
    ).rows[0].decode("young")
  }

  /// Rows whose columns name no row of `parent`; one with a NULL among them names none on purpose.
  /// - Throws: ``JobError``.
  package static func orphans(
    of table: TableName, _ columns: [ColumnName], without parent: TableName, _ parentColumns: [ColumnName],
    grace: (column: ColumnName, interval: String)?, clock zone: TimeZone, on connection: PostgresConnection
  ) async throws -> DeletionRule {
    let child = try await TableFacts.read(table, for: .read, on: connection)
    let parents = try await TableFacts.read(parent, for: .read, on: connection)
    // A parent that is hidden would make its children orphans.
    try await parents.refuseRowSecurity(on: connection)
    var own: [String] = []
    for column in columns {
      own.append(try await quoted(column, of: table, child.columns, field: "columns", on: connection))
    }
    var same: [String] = []
    for (name, column) in zip(own, parentColumns) {
      let other = try await quoted(column, of: parent, parents.columns, field: "parent_columns", on: connection)
      same.append("q\(other.dropFirst()) = \(name)")
    }
    var conditions = own.map { "\($0) IS NOT NULL" }
    conditions.append(
      "NOT EXISTS (SELECT FROM \(try await connection.quoted(parent)) AS q WHERE \(same.joined(separator: " AND ")))")
    if let grace {
      let name = try await quoted(grace.column, of: table, child.columns, field: "grace_column", on: connection)
      let column = try child.timeColumn(named: grace.column, remedy: "in the task", field: "grace_column")
      conditions.insert(try await older(name, column, grace.interval, zone, on: connection), at: 0)
    }
    var rule = try await DeletionRule(table, condition: conditions.joined(separator: " AND "), on: connection)
    rule.locksFirst = true
    try await rule.refuseWithoutLock(columns[0], on: connection)
    if try await !isIndexed(parentColumns, of: parents.oid, on: connection) {
      rule.warnings.append(
        "\(parent) has no index that begins with \(parentColumns.map(\.text).joined(separator: ", ")): every row of \(table) reads the whole table"
      )
    }
    return rule
  }

  /// All rows of a key but the newest, or oldest. Of rows of the same time the first by place stays; one without a time goes before any other.
  /// - Throws: ``JobError``.
  package static func duplicates(
    of table: TableName, key: [ColumnName], by column: ColumnName, keepsNewest: Bool, nullsAreEqual: Bool,
    on connection: PostgresConnection
  ) async throws -> DeletionRule {
    let facts = try await TableFacts.read(table, for: .read, on: connection)
    var names: [String] = []
    for column in key {
      names.append(try await quoted(column, of: table, facts.columns, field: "key", on: connection))
    }
    let order = try await quoted(column, of: table, facts.columns, field: "by", on: connection)
    var rule = try await DeletionRule(
      table, condition: nullsAreEqual ? "true" : names.map { "\($0) IS NOT NULL" }.joined(separator: " AND "),
      keys: key,
      on: connection)
    rule.duplicates = Duplicates(
      partition: names.joined(separator: ", "), order: "\(order) \(keepsNewest ? "DESC" : "ASC") NULLS LAST")
    guard rule.closed.isEmpty else {
      throw JobError(
        .chunkNotReadable,
        "\(rule.closed.count) chunks of \(table) are compressed or frozen, and their rows have no place by which a duplicate could be told; nothing was deleted. Decompress them first, or drop the duplicates before they are compressed",
        field: "table")
    }
    try await rule.refuseWithoutLock(key[0], on: connection)
    return rule
  }

  /// A row is locked before others go because of it, or before it goes: FOR SHARE and FOR UPDATE need UPDATE on a column.
  private func refuseWithoutLock(_ column: ColumnName, on connection: PostgresConnection) async throws {
    guard let refused = leaves.first(where: { !$0.mayLock }) else { return }
    throw TableFacts.denied(
      "UPDATE (\(SQL.identifier(column.text)))", on: SQL.name(refused.name), try await connection.currentRole())
  }
}
