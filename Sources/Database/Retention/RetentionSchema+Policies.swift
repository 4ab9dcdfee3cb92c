package import Foundation
package import Postgres
import Reporting
package import TableDays

extension RetentionSchema {
  /// How long a table's rows are kept.
  package struct Policy: Sendable, Equatable, Encodable {
    package let table: TableName
    package let timeColumn: String?
    /// An ISO 8601 duration, such as `P30D`.
    package let keep: String
    /// What is older than this instant is past its keep time.
    package let keptFrom: Date
    package let minimumAge: String
    package let requiresArchive: Bool
    package let clock: String
    package let holdUntil: String?
    package let holdReason: String?
    package let keepArchives: String?
    /// Archives of days before this instant are past their own keep time.
    package let archivesKeptFrom: Date?
    package let isEnabled: Bool
    package let changedAt: String
    package let changedBy: String

    enum CodingKeys: String, CodingKey {
      case table, keep, clock
      case timeColumn = "time_column"
      case keptFrom = "kept_from"
      case minimumAge = "minimum_age"
      case requiresArchive = "require_archive"
      case holdUntil = "hold_until"
      case holdReason = "hold_reason"
      case keepArchives = "keep_archives"
      case archivesKeptFrom = "archives_kept_from"
      case isEnabled = "enabled"
      case changedAt = "changed_at"
      case changedBy = "changed_by"
    }
  }

  /// The policies, by table.
  package func policies(on connection: PostgresConnection) async throws -> [Policy] {
    try await connection.query(SQL.retentionPolicies.replacing("/* SCHEMA */", with: name)).rows.map { row in
      func date(_ column: String) throws -> Date? {
        try row.decodeIfPresent(column, as: Double.self).map { Date(timeIntervalSince1970: $0) }
      }
      return Policy(
        table: TableName(schema: try row.decode("table_schema"), name: try row.decode("table_name")),
        timeColumn: try row.decodeIfPresent("time_column"), keep: try row.decode("keep"),
        keptFrom: try date("kept_from") ?? .distantPast, minimumAge: try row.decode("minimum_age"),
        requiresArchive: try row.decode("require_archive"), clock: try row.decode("clock"),
        holdUntil: try row.decodeIfPresent("hold_until"), holdReason: try row.decodeIfPresent("hold_reason"),
        keepArchives: try row.decodeIfPresent("keep_archives"), archivesKeptFrom: try date("archives_kept_from"),
        isEnabled: try row.decode("enabled"), changedAt: try row.decode("changed_at"),
        changedBy: try row.decode("changed_by"))
    }
  }

  /// Rows that must stay.
  package struct Hold: Sendable, Equatable, Encodable {
    package let id: Int
    package let table: TableName
    /// Nil: without a limit.
    package let start, end: String?
    package let reason: String
    package let placedBy: String
    package let placedAt: String
    /// Nil: without an end.
    package let until: String?

    enum CodingKeys: String, CodingKey {
      case id, table, start, end, reason, until
      case placedBy = "placed_by"
      case placedAt = "placed_at"
    }
  }

  /// The holds that have not ended.
  package func holds(on connection: PostgresConnection) async throws -> [Hold] {
    try await holds(
      "\(name).hold AS h WHERE h.released_at IS NULL AND (h.until IS NULL OR h.until > pg_catalog.clock_timestamp())",
      on: connection)
  }

  /// Those of them that keep rows of a table: its own, and those of its partitions and of the tables that it is a partition of.
  /// - Throws: ``JobError`` `not_configured` where the schema is of an earlier version; `PostgresError`.
  package func holds(of table: TableName, on connection: PostgresConnection) async throws -> [Hold] {
    do {
      return try await holds(
        "\(name).holds_on($1::pg_catalog.name, $2::pg_catalog.name) AS h", [table.schema, table.name], on: connection)
    } catch PostgresError.server(let error) where error.sqlState == "42883" {
      throw isEarlier
    }
  }

  /// - Parameter source: a relation `h` with the columns of the table `hold`, and what to take of it.
  private func holds(
    _ source: String, _ values: [String?] = [], on connection: PostgresConnection
  ) async throws -> [Hold] {
    try await connection.query(SQL.retentionHolds.replacing("/* SOURCE */", with: source), values).rows.map { row in
      Hold(
        id: try row.decode("id"),
        table: TableName(schema: try row.decode("table_schema"), name: try row.decode("table_name")),
        start: try row.decodeIfPresent("range_start"), end: try row.decodeIfPresent("range_end"),
        reason: try row.decode("reason"),
        placedBy: try row.decode("placed_by"), placedAt: try row.decode("placed_at"),
        until: try row.decodeIfPresent("until"))
    }
  }

  /// The hold that keeps the archive of a day of a table, in words; nil where none does.
  /// - Parameter span: the archive's own first instant, and the first one after it, in ISO 8601; nil where it has no manifest that tells.
  /// - Throws: ``JobError`` `not_configured` where the schema is of an earlier version; `PostgresError`.
  package func held(
    _ table: TableName, _ day: Day, _ span: (start: String, end: String)?, on connection: PostgresConnection
  ) async throws -> String? {
    do {
      return try await connection.query(
        "SELECT \(name).held($1::pg_catalog.name, $2::pg_catalog.name, $3::pg_catalog.date, $4::pg_catalog.timestamptz, "
          + "$5::pg_catalog.timestamptz) AS words", [table.schema, table.name, "\(day)", span?.start, span?.end]
      ).rows[0].decodeIfPresent("words")
    } catch PostgresError.server(let error) where error.sqlState == "42883" {
      throw isEarlier
    }
  }

  /// What a policy is set to; nil leaves a value as it is, or at its default.
  package struct PolicyChange: Sendable, Equatable {
    /// What can be without a value again.
    package enum Clearable: String, Sendable {
      case keepArchives = "keep_archives"
      case holdUntil = "hold_until"
    }

    package var keep: String?
    package var minimumAge: String?
    package var requiresArchive: Bool?
    package var clock: String?
    package var timeColumn: String?
    package var keepArchives: String?
    package var isEnabled: Bool?
    package var holdUntil: String?
    package var holdReason: String?
    package var clears: Set<Clearable> = []

    package init() {}
  }

  /// Makes or changes a policy. What is not named is left to the database: a change by another session stays.
  package func set(
    _ change: PolicyChange, of table: TableName, note: String?, on connection: PostgresConnection
  ) async throws {
    func word(_ flag: Bool) -> String { flag ? "true" : "false" }
    try await connection.query(
      "SELECT \(name).set_policy($1::pg_catalog.regclass, p_keep => $2::pg_catalog.interval, p_minimum_age => $3::pg_catalog.interval, "
        + "p_require_archive => $4::pg_catalog.bool, p_clock => $5, p_time_column => $6::pg_catalog.name, "
        + "p_keep_archives => $7::pg_catalog.interval, p_enabled => $8::pg_catalog.bool, "
        + "p_hold_until => $9::pg_catalog.timestamptz, p_hold_reason => $10, p_note => $11, p_clear => $12::pg_catalog.text[])",
      [
        try await connection.quoted(table), change.keep, change.minimumAge, change.requiresArchive.map(word),
        change.clock, change.timeColumn, change.keepArchives, change.isEnabled.map(word), change.holdUntil,
        change.holdReason, note, "{\(change.clears.map(\.rawValue).sorted().joined(separator: ","))}",
      ])
  }

  /// - Returns: whether there was one.
  package func removePolicy(of table: TableName, note: String?, on connection: PostgresConnection) async throws -> Bool
  {
    try await connection.query(
      "SELECT \(name).remove_policy($1::pg_catalog.name, $2::pg_catalog.name, $3) AS removed",
      [table.schema, table.name, note]
    ).rows[0].decode("removed")
  }

  /// - Parameters:
  ///   - start: the first instant, and the first one after the range; nil is no bound.
  ///   - until: when it ends; nil is never.
  /// - Returns: the hold's number.
  package func hold(
    _ table: TableName, reason: String, until: String?, from start: String?, to end: String?,
    on connection: PostgresConnection
  ) async throws -> Int {
    try await connection.query(
      "SELECT \(name).place_hold($1::pg_catalog.regclass, $2, $3::pg_catalog.timestamptz, $4::pg_catalog.timestamptz, "
        + "$5::pg_catalog.timestamptz) AS id", [try await connection.quoted(table), reason, until, start, end]
    ).rows[0].decode("id")
  }

  /// - Returns: whether there was such a hold that had not ended.
  package func release(hold: Int, note: String?, on connection: PostgresConnection) async throws -> Bool {
    try await connection.query(
      "SELECT \(name).release_hold($1::pg_catalog.int8, $2) AS released", [String(hold), note]
    ).rows[0].decode("released")
  }

  /// For each of the days from today on, the instant before which rows would be past a keep time.
  /// - Parameter keep: an interval, as PostgreSQL reads it.
  package func keptFrom(_ keep: String, days: Int, on connection: PostgresConnection) async throws -> [Date] {
    try await connection.query(
      "SELECT EXTRACT(epoch FROM pg_catalog.now() + n * interval '1 day' - $1::pg_catalog.interval)::pg_catalog.float8 AS kept_from "
        + "FROM pg_catalog.generate_series(0, $2::pg_catalog.int4 - 1) AS n ORDER BY n", [keep, String(days)]
    ).rows.map { Date(timeIntervalSince1970: try $0.decode("kept_from")) }
  }
}
