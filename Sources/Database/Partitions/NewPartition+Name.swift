import Postgres
import Reporting
import TableDays

extension NewPartition {
  /// The name after the pattern of the partitions beside it, where they show their first values in their names; else the parent's
  /// name with `_pYYYYMMDD`.
  /// - Throws: ``JobError`` `partition_not_made` when the name is taken or too long.
  func name(on connection: PostgresConnection) async throws -> TableName {
    let text = kind.integers == nil ? try await textOfTime(on: connection) : textOfInteger
    let name = TableName(schema: model.table.schema, name: text)
    guard name.name.utf8.count <= TableName.maximumBytes else {
      throw JobError.partitionNotMade(
        "the name \(name.name) of the partition to be made is longer than \(TableName.maximumBytes) bytes; make the partition "
          + "yourself")
    }
    let isTaken: Bool = try await connection.query(
      "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        + "WHERE n.nspname = $1 AND c.relname = $2) AS is_taken", [name.schema, name.name]
    ).rows[0].decode("is_taken")
    guard !isTaken else {
      throw JobError.partitionNotMade(
        "the name \(name) of the partition of \(parent) from \(low) to \(high) is taken, perhaps by a partition that was "
          + "detached; attach that one, or rename it")
    }
    return name
  }

  private func textOfTime(on connection: PostgresConnection) async throws -> String {
    let rows = try await connection.query(
      SQL.partitionNames, [model.low, second?.low, low, zone, String(kind == .instant)]
    ).rows
    var best: (length: Int, name: String)?
    for row in rows.dropLast() {
      let first: String = try row.decode("first")
      let new: String = try row.decode("new")
      guard first.count > best?.length ?? 0, first != new, model.table.name.ranges(of: first).count == 1 else {
        continue
      }
      // The other partition must follow the pattern too.
      if let second, let other: String = try row.decodeIfPresent("second"),
        model.table.name.replacing(first, with: other) != second.table.name
      {
        continue
      }
      best = (first.count, model.table.name.replacing(first, with: new))
    }
    let day: String = try rows[rows.count - 1].decode("new")
    let plain = "\(parent.name)_p\(day)\(try await time(on: connection))"
    return best?.name ?? plain
  }

  /// A name that shows the integers themselves: those that count time units often do.
  private var textOfInteger: String {
    if let first = model.low, model.table.name.ranges(of: first).count == 1 {
      return model.table.name.replacing(first, with: low)
    }
    return "\(parent.name)_p\(low)"
  }

  /// `_HH24MI` for a range that does not begin at midnight; else nothing.
  private func time(on connection: PostgresConnection) async throws -> String {
    let row = try await connection.query(
      "SELECT pg_catalog.to_char(CASE WHEN $3::pg_catalog.bool THEN pg_catalog.timezone($2, $1::pg_catalog.timestamptz) "
        + "ELSE $1::pg_catalog.timestamp END, '_HH24MI') AS time", [low, zone, String(kind == .instant)]
    ).rows[0]
    let time: String = try row.decode("time")
    return time == "_0000" ? "" : time
  }
}
