import Essentials
import Foundation
package import Postgres
import Reporting
package import TableDays

/// A partition that is to be made like the one beside it.
package struct NewPartition: Sendable {
  /// The table that gets it.
  package let parent: TableName
  let parentOID: Int
  let kind: DaySpan.Kind
  let key: ColumnName
  /// Its first value, and the first one after it.
  package let low, high: String
  /// The zone by whose clock its range begins.
  let zone: String
  /// The partition beside it, which it is made like.
  let model: PartitionRanges.Neighbour
  /// Another one, by which the pattern of names is told.
  let second: PartitionRanges.Neighbour?
  /// The default partition that takes the rows of its range without it.
  let takenBy: TableName?

  /// Makes it, empty, in the transaction in progress: a table of its own, which is then attached.
  ///
  /// ATTACH PARTITION takes a SHARE UPDATE EXCLUSIVE lock on the parent, beside which others read and write, where CREATE
  /// TABLE … PARTITION OF takes ACCESS EXCLUSIVE; a default partition is locked entirely by both (PostgreSQL documentation,
  /// ALTER TABLE). Rows are loaded through the parent afterwards, so that its triggers and checks see them.
  /// - Returns: its name, and warnings.
  /// - Throws: ``JobError`` `partition_not_made`, `permission_denied`.
  package func create(on connection: PostgresConnection) async throws -> (table: TableName, warnings: [String]) {
    let (name, model) = try await check(on: connection)
    let user = try await connection.currentRole()
    let table = try await connection.quoted(name)
    let parent = try await connection.quoted(parent)
    let persistence: String = try model.decode("persistence")
    let clauses = try ["method", "options", "tablespace"].compactMap { try model.decodeIfPresent($0, as: String.self) }
    // ATTACH makes the indexes, foreign keys, triggers and identity; LIKE has compression from version 14.
    let compression = await connection.serverVersion >= 140_000 ? " INCLUDING COMPRESSION" : ""
    try await connection.query(
      "CREATE \(persistence)TABLE \(table) (LIKE \(parent) INCLUDING COMMENTS INCLUDING CONSTRAINTS INCLUDING DEFAULTS "
        + "INCLUDING GENERATED INCLUDING STORAGE\(compression)) \(clauses.joined(separator: " "))")
    var warnings: [String] = []
    for grant in try JSONDecoder().decode([String].self, from: Data(model.decode("grants", as: String.self).utf8)) {
      try await connection.query(grant.replacing("%s", with: table, maxReplacements: 1))
    }
    if try model.decode("has_full_identity", as: Bool.self) {
      try await connection.query("ALTER TABLE \(table) REPLICA IDENTITY FULL")
    }
    let from = try await connection.quoteLiteral(low)
    let to = try await connection.quoteLiteral(high)
    try await connection.query("ALTER TABLE \(parent) ATTACH PARTITION \(table) FOR VALUES FROM (\(from)) TO (\(to))")
    if try !model.decode("is_own", as: Bool.self) {
      let owner: String = try model.decode("owner")
      try await connection.query("SAVEPOINT sluice_owner")
      do {
        try await connection.query("ALTER TABLE \(table) OWNER TO \(owner)")
      } catch PostgresError.server(let error) where !error.isFatal {
        try await connection.query("ROLLBACK TO SAVEPOINT sluice_owner")
        warnings.append(
          "the partition \(name) belongs to \(user), since that role may not give it to \(owner) as those beside it; run: "
            + "ALTER TABLE \(table) OWNER TO \(owner)")
      }
    }
    return (name, warnings)
  }

  /// Refuses, without making it, a partition that cannot be made.
  /// - Returns: its name, and what the catalog says of the partition that it is made like.
  /// - Throws: ``JobError`` `partition_not_made`, `permission_denied`.
  @discardableResult package func check(
    on connection: PostgresConnection
  ) async throws -> (name: TableName, model: PostgresRow) {
    try await refuseRowsInDefault(on: connection)
    let name = try await name(on: connection)
    let model = try await connection.query(SQL.partitionModel, [String(model.oid)]).rows[0]
    guard try model.decode("may_create", as: Bool.self) else {
      throw TableFacts.denied("CREATE", on: "SCHEMA \(SQL.identifier(name.schema))", try await connection.currentRole())
    }
    return (name, model)
  }

  /// Rows of the range in the default partition forbid the partition (PostgreSQL documentation, "Table Partitioning").
  private func refuseRowsInDefault(on connection: PostgresConnection) async throws {
    guard let takenBy else { return }
    let table = try await connection.quoted(takenBy)
    let span = DaySpan(kind: kind, start: low, end: high)
    let condition = try await TimeColumn(name: key, kind: kind).condition(for: span, on: connection)
    let rows: Int = try await connection.queryRows("SELECT pg_catalog.count(*) AS n FROM \(table) WHERE \(condition)")
      .rows[0].decode("n")
    guard rows > 0 else { return }
    var error = JobError.partitionNotMade(
      "a partition of \(parent) from \(low) to \(high) cannot be made while the default partition \(takenBy) holds "
        + "\(rows) rows of that range. Move them out of it (into a table that is then attached), or load without "
        + "create_partition: the default partition then takes the archive's rows too")
    error.details["rows"] = .integer(rows)
    throw error
  }
}
