package import Foundation
package import Postgres
import Reporting
package import TableDays

/// The schema with the retention policies of a database, as the jobs use it. What drops is in its functions, which run as the owner of the
/// tables: see docs/retention.md, "In the database".
package struct RetentionSchema: Sendable {
  /// The name, quoted.
  let name: String
  /// The role may write what archives hold (`archived_day`).
  package let mayRecord: Bool
  /// It is of this version: what it knows of archives says of which relation they are.
  package let isCurrent: Bool

  /// The owner of the schema `name`, where it has a table of policies; nil where it has none.
  package static func owner(of name: String, on connection: PostgresConnection) async throws -> String? {
    let rows = try await connection.query(
      """
      SELECT o.rolname::pg_catalog.text AS owner FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_roles o ON o.oid = n.nspowner
      JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = 'retention_policy' AND c.relkind = 'r' WHERE n.nspname = $1
      """, [name]
    ).rows
    return try rows.first?.decode("owner")
  }

  /// Finds the schema.
  /// - Parameter name: `RETENTION_SCHEMA`.
  /// - Returns: nil where the database has none with policies.
  /// - Throws: ``JobError`` `permission_denied` where this role may not read it, or where others could have it run what they like.
  package static func find(_ name: String, on connection: PostgresConnection) async throws -> RetentionSchema? {
    guard let row = try await connection.query(SQL.retentionSchema, [name]).rows.first else { return nil }
    let quoted = try await connection.quoteIdentifier(name)
    guard try row.decode("is_trusted", as: Bool.self) else {
      throw JobError(
        .permissionDenied,
        "the schema \(quoted) is not used: something in it belongs to another role than its owner \(try row.decode("owner", as: String.self)), "
          + "or could run with this role's rights. Make it with sluice setup apply --part retention, or name another one",
        field: "RETENTION_SCHEMA")
    }
    guard try row.decode("may_read", as: Bool.self) else {
      throw TableFacts.denied("USAGE", on: "SCHEMA \(quoted)", try await connection.currentRole())
    }
    return RetentionSchema(
      name: quoted, mayRecord: try row.decode("may_record"), isCurrent: try row.decode("is_current"))
  }

  /// A chunk, a partition, or a day of a plain table.
  package struct Unit: Sendable, Equatable {
    package enum Place: Sendable, Equatable {
      /// - Parameter oid: the relation's OID.
      case part(oid: Int, TableName)
      case day(Day)
    }

    package let place: Place
    /// The first value of its range, and the first one after it, as the column's type shows them; nil where it is open.
    package let start, end: String?
  }

  /// The units of a table that are past their keep time, in order.
  /// - Parameter table: its OID.
  package func units(of table: Int, on connection: PostgresConnection) async throws -> [Unit] {
    let rows = try await connection.query(
      "SELECT u.unit::pg_catalog.oid::pg_catalog.int8 AS oid, n.nspname AS schema, c.relname AS name, u.day::pg_catalog.text AS day, "
        + "u.range_start, u.range_end FROM \(name).retention_units(\(Self.relation)) AS u "
        + "LEFT JOIN pg_catalog.pg_class c ON c.oid = u.unit LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace",
      [String(table)]
    ).rows
    let units: [Unit] = try rows.compactMap { row in
      let place: Unit.Place
      if let oid: Int = try row.decodeIfPresent("oid") {
        // A chunk that was dropped meanwhile has no name any more.
        guard let schema: String = try row.decodeIfPresent("schema") else { return nil }
        place = .part(oid: oid, TableName(schema: schema, name: try row.decode("name")))
      } else {
        guard let day = Day(try row.decode("day", as: String.self)) else { return nil }
        place = .day(day)
      }
      return Unit(
        place: place, start: try row.decodeIfPresent("range_start"), end: try row.decodeIfPresent("range_end"))
    }
    // Days with an archive come first.
    return units.sorted { first, second in
      guard case .day(let one) = first.place, case .day(let other) = second.place else { return false }
      return one < other
    }
  }

  /// What became of a unit, or would become of it.
  package struct Outcome: Sendable, Equatable {
    /// `dropped`, `droppable` (of a dry run), `kept`, `refused` or `failed`.
    package let outcome: String
    /// The verdict, such as `late_rows`; of what failed the SQLSTATE.
    package let reason: String?
    package let rows: Int?
    package let bytes: Int?
    package let detail: String?
  }

  /// The relation whose OID is $1: another one may have its name by now.
  private static let relation = "$1::pg_catalog.int8::pg_catalog.oid::pg_catalog.regclass"

  /// Drops a unit, in a transaction of its own, if every proof that the policy asks for is there.
  /// - Parameters:
  ///   - table: its OID.
  ///   - since: the oldest transaction that may not have ended when the unit's rows were compared with their archives: none of the rows may be
  ///     of it or a later one. Nil compares counts only.
  ///   - dryRun: only tell what would become of it; takes no lock.
  package func drop(
    _ unit: Unit, of table: Int, since: String?, dryRun: Bool, note: String, on connection: PostgresConnection
  ) async throws -> Outcome {
    let row: PostgresRow
    switch unit.place {
    case .part(let oid, _):
      row = try await connection.query(
        "SELECT * FROM \(name).drop_unit(\(Self.relation), $2::pg_catalog.int8::pg_catalog.oid::pg_catalog.regclass, "
          + "$3::pg_catalog.xid8, $4::pg_catalog.bool, $5)",
        [String(table), String(oid), since, dryRun ? "true" : "false", note]
      ).rows[0]
    case .day(let day):
      row = try await connection.query(
        "SELECT * FROM \(name).delete_rows(\(Self.relation), $2::pg_catalog.date, $3::pg_catalog.xid8, "
          + "$4::pg_catalog.bool, $5)",
        [String(table), "\(day)", since, dryRun ? "true" : "false", note]
      ).rows[0]
    }
    return Outcome(
      outcome: try row.decode("outcome"), reason: try row.decodeIfPresent("reason"),
      rows: try row.decodeIfPresent("rows"), bytes: try row.decodeIfPresent("bytes"),
      detail: try row.decodeIfPresent("detail"))
  }

  /// Why the functions touch nothing of a table, whatever its archives; nil where they do.
  package func refusal(of table: Int, on connection: PostgresConnection) async throws -> String? {
    let outcome = try await drop(
      Unit(place: .day(Day(Date(timeIntervalSince1970: 0), in: .gmt)), start: nil, end: nil), of: table, since: nil,
      dryRun: true,
      note: "", on: connection)
    let refusals = [
      "no_table", "schema_not_allowed", "schema_not_trusted", "not_owner", "no_time_column", "no_time_unit",
    ]
    return outcome.outcome == "refused" ? outcome.reason.flatMap { refusals.contains($0) ? $0 : nil } : nil
  }

  /// What the log says of an attempt to drop a unit; nil where it says nothing.
  /// - Parameter note: the attempt's note, which no other has.
  package func outcome(note: String, on connection: PostgresConnection) async throws -> Outcome? {
    let row = try await connection.query(
      "SELECT outcome, reason, rows, bytes, error FROM \(name).chunk_maintenance_log WHERE note = $1 ORDER BY id DESC LIMIT 1",
      [note]
    ).rows.first
    return try row.map {
      Outcome(
        outcome: try $0.decode("outcome"), reason: try $0.decodeIfPresent("reason"),
        rows: try $0.decodeIfPresent("rows"),
        bytes: try $0.decodeIfPresent("bytes"), detail: try $0.decodeIfPresent("error"))
    }
  }

  /// The days whose archives, as far as is known, hold values of a unit's range.
  package func days(
    of unit: Unit, of table: TableName, by column: TimeColumn, on connection: PostgresConnection
  ) async throws -> [Day] {
    if case .day(let day) = unit.place { return [day] }
    let type = column.kind.sqlType
    return try await connection.query(
      "SELECT day::pg_catalog.text FROM \(name).archived_day WHERE table_schema = $1 AND table_name = $2 AND time_column = $3 "
        + "AND ($4::pg_catalog.text IS NULL OR span_end::\(type) > $4::pg_catalog.text::\(type)) "
        + "AND ($5::pg_catalog.text IS NULL OR span_start::\(type) < $5::pg_catalog.text::\(type)) ORDER BY day",
      [table.schema, table.name, column.name.text, unit.start, unit.end]
    ).rows.compactMap { Day(try $0.decode("day", as: String.self)) }
  }

  /// What an archive is known to hold of a table.
  package struct ArchivedDay: Sendable, Equatable {
    package let day: Day
    package let timeColumn: ColumnName
    package let span: DaySpan
    package let rows: Int
    package let rowsHash: String?
    package let sha256: String
    package let path: String
    package let verifiedAt: Date?
    /// See ``drop(_:of:since:dryRun:note:on:)``.
    package var since: String?
    /// The OID of the relation whose rows were copied into it, or compared with it; nil where none was.
    package var tableOID: Int?

    /// The same, without when it was read.
    package var unread: ArchivedDay {
      ArchivedDay(
        day: day, timeColumn: timeColumn, span: span, rows: rows, rowsHash: rowsHash, sha256: sha256, path: path,
        verifiedAt: nil)
    }

    package init(
      day: Day, timeColumn: ColumnName, span: DaySpan, rows: Int, rowsHash: String?, sha256: String, path: String,
      verifiedAt: Date?,
      since: String? = nil, tableOID: Int? = nil
    ) {
      self.day = day
      self.timeColumn = timeColumn
      self.span = span
      self.rows = rows
      self.rowsHash = rowsHash
      self.sha256 = sha256
      self.path = path
      self.verifiedAt = verifiedAt
      self.since = since
      self.tableOID = tableOID
    }
  }

  /// Writes what is known of archives, in place of what was known of them.
  package func record(_ days: [ArchivedDay], of table: TableName, on connection: PostgresConnection) async throws {
    for day in days {
      try await connection.query(
        SQL.retentionRecord.replacing("/* SCHEMA */", with: name),
        [
          table.schema, table.name, "\(day.day)", day.timeColumn.text, day.span.start, day.span.end, String(day.rows),
          day.rowsHash,
          day.sha256, day.path, day.verifiedAt.map { $0.formatted(.iso8601) }, day.since,
          day.tableOID.map { String($0) },
        ])
    }
  }

  /// Takes down when the rows of archives were compared with the table's, where they are still the archives that are known.
  /// - Returns: whether all were.
  package func confirm(_ days: [ArchivedDay], of table: TableName, on connection: PostgresConnection) async throws
    -> Bool
  {
    var confirmed = 0
    for day in days {
      confirmed += try await connection.query(
        "UPDATE \(name).archived_day SET rows_hash = $6, verified_at = $7::pg_catalog.timestamptz, snapshot_xmin = $8::pg_catalog.xid8, "
          + "table_oid = $9::pg_catalog.int8::pg_catalog.oid "
          + "WHERE table_schema = $1 AND table_name = $2 AND day = $3::pg_catalog.date AND sha256 = $4 AND rows = $5::pg_catalog.int8",
        [
          table.schema, table.name, "\(day.day)", day.sha256, String(day.rows), day.rowsHash,
          day.verifiedAt.map { $0.formatted(.iso8601) }, day.since, day.tableOID.map { String($0) },
        ]
      ).affectedRows
    }
    return confirmed == days.count
  }

  /// Takes down that the archive of a day does not hold what it should.
  package func doubt(_ day: Day, of table: TableName, on connection: PostgresConnection) async throws {
    try await connection.query(
      "UPDATE \(name).archived_day SET verified_at = NULL WHERE table_schema = $1 AND table_name = $2 AND day = $3::pg_catalog.date",
      [table.schema, table.name, "\(day)"])
  }

  /// Whether anything is known of the archive of a day.
  func isKnown(_ day: Day, of table: TableName, on connection: PostgresConnection) async throws -> Bool {
    try await connection.query(
      "SELECT EXISTS (SELECT FROM \(name).archived_day WHERE table_schema = $1 AND table_name = $2 AND day = $3::pg_catalog.date) AS known",
      [table.schema, table.name, "\(day)"]
    ).rows[0].decode("known")
  }

  /// Forgets what was known of the archive of a day.
  package func forget(_ day: Day, of table: TableName, on connection: PostgresConnection) async throws {
    try await connection.query(
      "DELETE FROM \(name).archived_day WHERE table_schema = $1 AND table_name = $2 AND day = $3::pg_catalog.date",
      [table.schema, table.name, "\(day)"])
  }

  /// Forgets what was known of archives up to `last`, other than those of `days`.
  package func forgetAllBut(
    _ days: some Sequence<Day>, through last: Day, of table: TableName, on connection: PostgresConnection
  ) async throws {
    try await connection.query(
      "DELETE FROM \(name).archived_day WHERE table_schema = $1 AND table_name = $2 AND day <> ALL ($3::pg_catalog.date[]) "
        + "AND day <= $4::pg_catalog.date",
      [table.schema, table.name, "{\(days.map { "\($0)" }.joined(separator: ","))}", "\(last)"])
  }
}
