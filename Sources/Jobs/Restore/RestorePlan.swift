import Archive
package import Database
import Foundation
import Reporting
package import TableDays

/// How one archive is loaded into a table. The plan is a value: it is made before a row is sent, without I/O, from the
/// request, the file's header and manifest, and the facts of the table.
package struct RestorePlan: Sendable, Equatable {
  /// What happens to rows of the day that the table holds already.
  package enum Existing: Sendable, Equatable {
    /// The load does not check for them.
    case keep
    /// The load deletes them in its transaction.
    case delete(ExistingRows)
    /// The load fails when there are any.
    case refuse(ExistingRows)
    /// The load does nothing when there are any.
    case skip(ExistingRows)
    /// The load fails when the table holds any row: the file has no day.
    case refuseAny
    /// The load does nothing when the table holds any row: the file has no day.
    case skipAny
  }

  /// The span of the file.
  package let span: ArchiveSpan
  /// How the file's columns map to the table's.
  package let columns: LoadPlan
  package let existing: Existing
  /// The rows of the file's span in the table, where its time column is known.
  package let rows: ExistingRows?
  /// Whether the load uses a staging table.
  package let usesStaging: Bool
  /// Whether the load sets a fixed `search_path`, because values hold names of database objects (`regclass` and similar
  /// types), which the archive has with their schema. Otherwise the role's `search_path` stays, on which triggers and
  /// defaults may rely.
  package let pinsNames: Bool
  /// Warnings for the job's report.
  package let warnings: [String]

  /// - Parameters:
  ///   - fileColumns: the columns of the file, in its order.
  ///   - span: the span of the file.
  ///   - timeColumn: the time column of the file, where it is known.
  ///   - unit: what an integer time column counts, by the settings; a manifest records it.
  ///   - role: the role that loads, for the text of an error.
  ///   - drift: the comparison of the columns; nil compares without the manifest's types.
  /// - Throws: ``JobError`` `no_time_column`, `bad_time_column`, and what ``LoadPlan`` throws.
  package init(
    _ policy: LoadPolicy, fileColumns: [ColumnName], span: ArchiveSpan, timeColumn: ColumnName?,
    unit: TimeUnit? = nil, facts: TableFacts, role: String, drift: ColumnDrift? = nil
  ) throws {
    self.span = span
    columns = try LoadPlan(
      drift ?? ColumnDrift(fileColumns: fileColumns, facts: facts), facts: facts,
      columnsMissing: policy.columnsMissing, role: role)
    // Without a manifest only the staged rows show whether they lie in the span that is deleted, and how many they are.
    let replacesUnproven = policy.onExisting == .replace && !span.isRecorded
    usesStaging = policy.mode == .staging || columns.needsStaging || replacesUnproven || span.part != nil
    pinsNames = columns.filledColumns.contains { facts.column($0)?.isName == true }
    existing = try Self.existing(policy, columns, span, timeColumn, unit, facts)
    let column = (try? facts.timeColumn(named: timeColumn, remedy: ""))?.counting(unit)
    rows = column.flatMap { column in
      span.values(of: column).map { ExistingRows(of: $0, in: facts.table, hypertable: facts.hypertable, by: column) }
    }
    var warnings = columns.warnings
    if facts.hasAfterTrigger {
      warnings.append("the table has AFTER triggers; whether they changed the loaded rows was not checked")
    }
    if replacesUnproven, let rows {
      warnings.append(
        "the archive has no manifest that says its span; the rows of \(rows.timeColumn.name) from \(rows.span.start) to "
          + "\(rows.span.end), without the end, were taken for its day")
    }
    self.warnings = warnings
  }

  /// The rows of the part that is loaded; nil where the whole day is.
  var partRows: ExistingRows? { span.part == nil ? nil : rows }

  /// The rows that are deleted although no manifest says that the file's lie in their span.
  var unprovenRows: ExistingRows? {
    guard case .delete(let rows) = existing, !span.isRecorded else { return nil }
    return rows
  }

  private static func existing(
    _ policy: LoadPolicy, _ columns: LoadPlan, _ span: ArchiveSpan, _ timeColumn: ColumnName?, _ unit: TimeUnit?,
    _ facts: TableFacts
  ) throws -> Existing {
    // With a unique index, ON CONFLICT DO NOTHING skips existing rows; without one it skips none.
    let skipsRows = policy.mode == .staging && facts.recognisesRows(of: columns.filledColumns)
    if policy.onExisting == .append || (policy.onExisting == .error && skipsRows) { return .keep }
    guard span.day != nil else { return policy.onExisting == .skip ? .skipAny : .refuseAny }
    let column = try facts.timeColumn(
      named: timeColumn, remedy: "pass \"append\" to load without checking for existing rows",
      field: "destination.on_existing"
    ).counting(unit)
    guard column.kind.integers == nil || column.unit != nil || span.isRecorded else {
      throw JobError(
        .badTimeColumn,
        "the archive has no manifest, and column \(column.name) of \(facts.table) holds integers; say what they count with `unit` "
          + "of the table in the settings file, or pass \"append\" to load without checking for existing rows",
        field: "destination.on_existing")
    }
    guard let values = span.values(of: column) else {
      throw JobError(
        .badTimeColumn,
        "column \(column.name) of \(facts.table) is of another kind than the column by which the archive was made, so its "
          + "rows of the day cannot be told; pass \"append\" to load without checking for existing rows",
        field: "destination.on_existing")
    }
    let isFilled = columns.filledColumns.contains(column.name) || facts.column(column.name)?.isGenerated == true
    guard policy.onExisting != .replace || isFilled else {
      throw JobError(
        .badTimeColumn,
        "the file has no column \(column.name), by which the rows of \(facts.table) that it would replace are told: its rows would "
          + "be loaded without their time. Nothing was changed. Name the file's columns as the table does "
          + "(\(field: "copy.columns")), or pass \"append\" to load them beside",
        field: "destination.on_existing")
    }
    let rows = ExistingRows(of: values, in: facts.table, hypertable: facts.hypertable, by: column)
    return switch policy.onExisting {
    case .replace: .delete(rows)
    case .skip: .skip(rows)
    case .error, .append: .refuse(rows)
    }
  }

  /// The time column of a file: its manifest's where the table has that column, else the settings'.
  static func timeColumn(
    of archived: TableName, into table: TableName, _ manifest: ArchiveManifest?, facts: TableFacts,
    configured: [TableName: ColumnName], mapping: ColumnMapping = .init()
  ) -> ColumnName? {
    if let name = manifest.map({ mapping.target(of: ColumnName($0.window.timeColumn)) }), facts.column(name) != nil {
      return name
    }
    return configured[table] ?? configured[archived]
  }
}
