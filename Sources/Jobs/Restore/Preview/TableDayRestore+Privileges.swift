import Database
import Postgres
import Reporting
import TableDays

extension TableDayRestore {
  /// The rights that lack, where the table's facts are known.
  func privileges(
    _ facts: TableFacts, _ plan: RestorePlan, _ policies: [TimescalePolicy], _ preview: inout RestorePreview,
    on connection: PostgresConnection
  ) async throws {
    try await privilegesByName(&preview, on: connection)
    let user = SQL.identifier(try await connection.currentRole())
    let row = try await connection.query(
      "SELECT pg_catalog.has_table_privilege($1::pg_catalog.int8::pg_catalog.oid, 'SELECT') AS may_select, "
        + "pg_catalog.has_table_privilege($1::pg_catalog.int8::pg_catalog.oid, 'DELETE') AS may_delete",
      [String(facts.oid)]
    ).rows[0]
    func lacks(_ privilege: String, _ on: String, _ remedy: String) {
      preview.privilegesMissing.append(.init(privilege: privilege, on: on, remedy: remedy))
    }
    let table = try await connection.quoted(facts.table)
    // A right to the time column alone is enough to look for rows, but not for all that a replacement asks.
    let isSelectNeeded =
      preview.isDenied || (plan.rows.flatMap { facts.column($0.timeColumn.name) }.map { !$0.maySelect } ?? true)
    if plan.existing != .keep, isSelectNeeded, try !row.decode("may_select", as: Bool.self) {
      lacks("SELECT", "\(facts.table)", "GRANT SELECT ON \(table) TO \(user)")
    }
    if case .delete = plan.existing, try !row.decode("may_delete", as: Bool.self) {
      lacks("DELETE", "\(facts.table)", "GRANT DELETE ON \(table) TO \(user)")
    }
    if let hypertable = facts.hypertable, !hypertable.isOwned,
      preview.chunks.contains(where: { $0.state != "uncompressed" })
    {
      lacks("ownership", "\(facts.table)", "GRANT \(SQL.identifier(hypertable.owner)) TO \(user)")
    }
    if let partitioned = facts.partitions, !partitioned.isOwner,
      preview.partitions.contains(where: { $0.steps == ["create"] })
    {
      lacks("ownership", "\(facts.table)", "GRANT \(SQL.identifier(partitioned.owner)) TO \(user)")
    }
    // What is to be compressed again is kept there.
    if request.key == nil, preview.chunks.contains(where: { !$0.steps.isEmpty }),
      try await !RestoreLog.isWithinReach(on: connection)
    {
      lacks("use", "sluice.restore_log", try await RestoreLog.remedy(on: connection))
    }
    if request.timescale.pauseJobs {
      for job in policies where job.kind == .retention && job.isOwn && job.isScheduled && !job.isOwned {
        lacks("ownership", "job \(job.id)", "GRANT \(SQL.identifier(job.owner)) TO \(user)")
      }
    }
  }

  /// The rights that lack, whatever is known of the table.
  func privilegesByName(_ preview: inout RestorePreview, on connection: PostgresConnection) async throws {
    let role = try await connection.currentRole()
    let user = SQL.identifier(role)
    func lacks(_ privilege: String, _ on: String, _ remedy: String) {
      preview.privilegesMissing.append(.init(privilege: privilege, on: on, remedy: remedy))
    }
    if preview.problems.contains(where: { $0.code == .holdNotKept }) {
      lacks("use", "sluice.hold", try await Hold.remedy(on: connection))
    }
    if request.key != nil || preview.problems.contains(where: { $0.code == .restoreLogNeeded }),
      try await !RestoreLog.isWithinReach(on: connection)
    {
      lacks("use", "sluice.restore_log", try await RestoreLog.remedy(on: connection))
    }
    guard preview.isDenied else { return }
    let row = try await connection.query(
      """
      SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') AS may_use, pg_catalog.has_schema_privilege(n.oid, 'CREATE') AS may_create,
        pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY') AS may_use_temporary,
        c.oid IS NOT NULL AS is_there, COALESCE(pg_catalog.has_table_privilege(c.oid, 'INSERT'), true) AS may_insert,
        COALESCE(pg_catalog.row_security_active(c.oid), false) AS has_row_security
      FROM pg_catalog.pg_namespace n LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = $2
      WHERE n.nspname = $1
      """, [table.schema, table.name]
    ).rows.first
    guard let row else { return }
    let schema = try await connection.quoteIdentifier(table.schema)
    let name = try await connection.quoted(table)
    func has(_ right: String) throws -> Bool { try row.decode(right) }
    if try !has("may_use") { lacks("USAGE", "SCHEMA \(table.schema)", "GRANT USAGE ON SCHEMA \(schema) TO \(user)") }
    if try !has("may_insert") { lacks("INSERT", "\(table)", "GRANT INSERT ON \(name) TO \(user)") }
    if try has("has_row_security") {
      lacks("BYPASSRLS", "\(table)", TableFacts.rowSecurityRemedy(for: role))
    }
    let makesRelation =
      try !has("is_there") || preview.partitions.contains { $0.steps.contains("create") }
    if makesRelation, try !has("may_create") {
      lacks("CREATE", "SCHEMA \(table.schema)", "GRANT CREATE ON SCHEMA \(schema) TO \(user)")
    }
    if preview.usesStaging, try !has("may_use_temporary") && !has("may_create") {
      let database = connection.target.database
      lacks(
        "TEMPORARY", "DATABASE \(database)",
        "GRANT TEMPORARY ON DATABASE \(SQL.identifier(database)) TO \(user)")
    }
  }
}
