import Foundation
package import Postgres
package import Reporting
package import TableDays

/// The catalog's description of a table: its columns, keys, triggers and partitioning.
package struct TableFacts: Sendable {
  package struct Column: Sendable, Equatable {
    package let name: ColumnName
    /// The type, as `format_type` prints it; a domain under its own name.
    package let type: String
    /// The base type of a domain; otherwise the type.
    package let baseType: String
    /// The kind of type: `base`, `array`, `composite`, `domain`, `enum`, `range` or `multirange`.
    package let kind: String
    package let isGenerated: Bool
    /// The values hold names of database objects (`regclass` and similar types), alone or within an array, range or
    /// row.
    package let isName: Bool
    package let maySelect: Bool
    let mayInsert: Bool
    /// GENERATED … AS IDENTITY.
    package var isIdentity = false
    package var isNotNull = false
    /// It, or its domain, has a default.
    package var hasDefault = false
  }

  package let table: TableName
  /// The relation's OID.
  package let oid: Int
  package let columns: [Column]
  /// The columns of each unique index that tells any two rows apart.
  let uniqueKeys: [[ColumnName]]
  /// Every unique index that ON CONFLICT DO NOTHING acts on for all rows: also those that take rows with NULLs for
  /// different ones.
  var conflictKeys: [ConflictKey] = []
  /// The table has a unique constraint that is checked at the end of the transaction.
  let hasDeferrableKey: Bool
  /// The table has a BEFORE trigger for each row, or a foreign partition: a row that is sent may not be stored.
  package let mayDropRows: Bool
  /// The table has a trigger that runs after rows are stored, and may change them.
  package var hasAfterTrigger = false
  /// The table has a rule that replaces INSERT. COPY ignores rules.
  var hasInsertRule = false
  /// The partition key of a table that is partitioned by range of a single column.
  let partitionColumn: ColumnName?
  /// What is known of the partitions of a table that is partitioned by range of a single time column; nil for any other.
  package var partitions: PartitionedTable?
  /// The facts of the hypertable, where the table is one.
  package var hypertable: Hypertable?
  /// The relation is a continuous aggregate.
  package var aggregate: AggregateView?
  /// The hypertables that a view reads, also through other views.
  package var sources: [Hypertable] = []

  /// The columns that COPY can read and write: all but generated ones, which the table computes.
  package var storedColumns: [Column] { columns.filter { !$0.isGenerated } }

  /// A unique index.
  struct ConflictKey: Sendable, Equatable {
    let columns: [ColumnName]
    /// Two NULLs are a conflict (NULLS NOT DISTINCT).
    let nullsAreEqual: Bool
  }

  package enum Access {
    case read
    case write
  }

  /// Reads the facts. Refuses a relation that does not exist, is not a table, or that the role may not access. A continuous
  /// aggregate can be read like a table.
  /// - Parameter allowsView: views and materialized views can be read too.
  /// - Throws: ``JobError`` `table_not_found`, `not_a_table`, `detach_pending`, `permission_denied`.
  package static func read(
    _ table: TableName, for access: Access, allowsView: Bool = false, on connection: PostgresConnection
  ) async throws -> TableFacts {
    let found = try await connection.query(SQL.tableFacts, [table.schema, table.name]).rows.first
    guard let found else { throw missing(table, in: connection.target.database) }
    let kind: String = try found.decode("kind")
    var aggregate: AggregateView?
    if kind == "v", try found.decode("has_timescale") {
      aggregate = try await AggregateView.read(try found.decode("oid"), on: connection)
    }
    try refuseView(table, kind, isAggregate: aggregate != nil, access, allowsView)
    let user = try await connection.currentRole()
    guard try found.decode("may_use_schema", as: Bool.self) else {
      throw denied("USAGE", on: "SCHEMA \(SQL.identifier(table.schema))", user)
    }
    let oid: Int = try found.decode("oid")
    let columns = try await connection.query(SQL.tableColumns, [String(oid)]).rows.map {
      Column(
        name: ColumnName(try $0.decode("name")), type: try $0.decode("type"), baseType: try $0.decode("base_type"),
        kind: try $0.decode("type_kind"),
        isGenerated: try $0.decode("is_generated"), isName: try $0.decode("is_name"),
        maySelect: try $0.decode("may_select"), mayInsert: try $0.decode("may_insert"),
        isIdentity: try $0.decode("is_identity"), isNotNull: try $0.decode("is_not_null"),
        hasDefault: try $0.decode("has_default"))
    }
    let keys = try uniqueIndexes(found.decode("unique_keys"))
    var facts = TableFacts(
      table: table, oid: oid, columns: columns,
      uniqueKeys: keys.filter(\.tellsRowsApart).map { $0.columns.map { ColumnName($0) } },
      hasDeferrableKey: try found.decode("has_deferrable_key"), mayDropRows: try found.decode("may_drop_rows"),
      partitionColumn: try found.decodeIfPresent("partition_column", as: String.self).map { ColumnName($0) })
    facts.conflictKeys = keys.map {
      .init(columns: $0.columns.map { ColumnName($0) }, nullsAreEqual: $0.nullsAreEqual)
    }
    facts.hasAfterTrigger = try found.decode("has_after_trigger")
    facts.hasInsertRule = try found.decode("has_insert_rule")
    if kind == "p" { facts.partitions = try await PartitionedTable.read(facts, on: connection) }
    if try found.decode("has_timescale") {
      facts.hypertable = try await Hypertable.read(oid, table, on: connection)
      facts.aggregate = aggregate
      if kind == "v" { facts.sources = try await sources(of: oid, on: connection) }
    }
    switch access {
    case .read:
      try refuseUnreadable(table, found)
      guard try found.decode("may_select", as: Bool.self) else { throw denied("SELECT", on: SQL.name(table), user) }
      if let column = facts.storedColumns.first(where: { !$0.maySelect }) {
        throw denied("SELECT (\(SQL.identifier(column.name.text)))", on: SQL.name(table), user)
      }
    case .write:
      guard try found.decode("may_insert", as: Bool.self) else { throw denied("INSERT", on: SQL.name(table), user) }
    }
    return facts
  }

  /// The hypertables that the view with `oid` reads.
  private static func sources(of oid: Int, on connection: PostgresConnection) async throws -> [Hypertable] {
    var sources: [Hypertable] = []
    for row in try await connection.query(SQL.viewSources, [String(oid)]).rows {
      let name = TableName(schema: try row.decode("schema"), name: try row.decode("name"))
      if let source = try await Hypertable.read(try row.decode("oid"), name, on: connection) { sources.append(source) }
    }
    return sources
  }

  /// Refuses a relation that is not a table, unless it is a view that may be read.
  private static func refuseView(
    _ table: TableName, _ kind: String, isAggregate: Bool, _ access: Access, _ allowsView: Bool
  ) throws {
    guard let other = kindNames[kind] else { return }
    let isView = ["v", "m"].contains(kind)
    switch access {
    case .read:
      guard !isAggregate, !(isView && allowsView) else { return }
      let remedy: ErrorText =
        isView
        ? ", or pass \(field: "allow_view") (or set `allow_view` of the table in the settings file) and name its time column"
        : ""
      throw JobError(
        .notATable, "\(table) is \(other), not a table; name the table that its rows come from\(remedy)", field: "table"
      )
    case .write where isAggregate:
      throw JobError(
        .notATable,
        "\(table) is a continuous aggregate, whose rows the server computes; restore its raw rows and refresh it, or name a "
          + "plain table as \(field: "destination.target_table")", field: "table")
    case .write:
      throw JobError(
        .notATable,
        "\(table) is \(other), not a table; name the table that its rows come from"
          + (isView ? ", or a plain table, as \(field: "destination.target_table")" : ""), field: "table")
    }
  }

  /// Refuses a table of which a SELECT can silently miss rows.
  private static func refuseUnreadable(_ table: TableName, _ found: PostgresRow) throws {
    if let part: String = try found.decodeIfPresent("foreign_part") {
      // The foreign server takes a snapshot of its own, which may be older than a lock that it waits for.
      throw JobError(
        .notATable,
        "the rows of \(table) come from the foreign table \(part), which is not read in this server's snapshot; "
          + "archive them on the foreign server", field: "table")
    }
    if let part: String = try found.decodeIfPresent("detaching_part") {
      throw JobError(
        .detachPending,
        "the partition \(part) of \(table) is being detached, which hides its rows; run ALTER TABLE \(SQL.name(table)) DETACH "
          + "PARTITION \(part) FINALIZE, attach it again if its rows are to be archived, then run the job again",
        field: "table")
    }
  }

  /// The error for a table that does not exist.
  package static func missing(_ table: TableName, in database: String) -> JobError {
    JobError(
      .tableNotFound,
      "there is no table \(table) in database \(database); names are looked up exactly as written, upper and lower "
        + "case included", field: "table")
  }

  /// The error for a right that is not granted, with the statement that grants it.
  /// - Parameters:
  ///   - right: the right as GRANT names it, with its columns as SQL writes them.
  ///   - object: what it is on, as SQL writes it.
  package static func denied(_ right: String, on object: String, _ user: String) -> JobError {
    JobError(
      .permissionDenied,
      "the role \(user) lacks \(right) on \(object); grant it: GRANT \(right) ON \(object) TO \(SQL.identifier(user))")
  }

  /// The relations that are not tables (PostgreSQL, `pg_class.relkind`). Tables are `r` and `p`; a foreign table, `f`,
  /// can be read like one.
  private static let kindNames = [
    "v": "a view", "m": "a materialized view", "i": "an index", "I": "an index", "S": "a sequence",
    "c": "a composite type", "t": "a TOAST table",
  ]

  private struct UniqueIndex: Decodable {
    let columns: [String]
    let nullsAreEqual: Bool
    let tellsRowsApart: Bool

    enum CodingKeys: String, CodingKey {
      case columns
      case nullsAreEqual = "nulls_equal"
      case tellsRowsApart = "tells_rows_apart"
    }
  }

  private static func uniqueIndexes(_ json: String) throws -> [UniqueIndex] {
    try JSONDecoder().decode([UniqueIndex].self, from: Data(json.utf8))
  }

  /// Whether the table has a unique index over all rows: a row that is loaded is compared with those that are there.
  package var hasUniqueIndex: Bool { !conflictKeys.isEmpty || hasDeferrableKey }

  /// Whether a unique key recognizes rows that are in the table already when the `loaded` columns are given. A key with
  /// a column that its default fills in is new for each row, and recognizes none.
  package func recognisesRows(of loaded: [ColumnName]) -> Bool {
    uniqueKeys.contains { $0.allSatisfy(loaded.contains) }
  }

  package func column(_ name: ColumnName) -> Column? { columns.first { $0.name == name } }

  /// The time column: the one that is named, or the column by which the table is partitioned: a hypertable's dimension,
  /// or the partition key.
  /// - Parameters:
  ///   - unit: what the column counts, where it is of integers and this is known.
  ///   - remedy: the alternative that the error offers to the caller.
  ///   - field: the request's field to which the remedy refers.
  /// - Throws: ``JobError`` `no_time_column`, `bad_time_column`.
  package func timeColumn(
    named name: ColumnName?, unit: TimeUnit? = nil, remedy: ErrorText, field: String = "time_column"
  ) throws -> TimeColumn {
    let choices = timeColumnChoices
    guard let name = name ?? dimensionColumn else {
      throw JobError(
        .noTimeColumn,
        "\(table) has no known time column; name it as \(table):column in BACKUP_TABLES, or \(remedy) (\(choices))",
        field: field)
    }
    guard let column = column(name) else {
      throw JobError(
        .badTimeColumn, "\(table) has no column \(name) (\(choices))", field: field)
    }
    guard let kind = DaySpan.Kind(baseType: column.baseType) else {
      throw JobError(
        .badTimeColumn,
        "column \(name) of \(table) is of type \(column.type), which has no days (\(choices))", field: field)
    }
    guard unit == nil || kind.integers != nil else {
      throw JobError(
        .badTimeColumn,
        "the option `unit` of \(table) says what an integer column counts, but \(name) is of type \(kind.rawValue); remove the "
          + "option", field: "unit")
    }
    return TimeColumn(name: name, kind: kind, unit: unit)
  }

  /// The column by which the table is partitioned into ranges of time: a hypertable's dimension, or the partition key.
  package var dimensionColumn: ColumnName? {
    if let dimension = chunked?.dimension, !dimension.isComputed { return dimension.column }
    return partitionColumn
  }

  /// The columns that can be a time column, for the text of an error.
  private var timeColumnChoices: ErrorText {
    let candidates = columns.filter { DaySpan.Kind(baseType: $0.baseType).map { $0.integers == nil } ?? false }
    guard candidates.isEmpty else {
      return "columns that can serve: \(candidates.map(\.name.text).joined(separator: ", "))"
    }
    let none: ErrorText = "the table has no column of type timestamptz, timestamp or date"
    let integers = columns.filter { DaySpan.Kind(baseType: $0.baseType)?.integers != nil }
    guard !integers.isEmpty else { return none }
    return
      "\(none); of the integer columns \(integers.map(\.name.text).joined(separator: ", ")) one that counts time can serve, with its "
      + "`unit`"
  }
}
