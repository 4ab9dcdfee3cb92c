import Archive
package import Database
import Foundation
import Reporting
package import TableDays

/// How one archive goes into a table, with everything decided before a row is sent: made from the request, the file's header
/// and manifest, and the catalog's facts, without asking anybody.
package struct RestorePlan: Sendable, Equatable {
  /// What is done about rows of the day that the table has already.
  package enum Existing: Sendable, Equatable {
    /// They are not looked for.
    case keep
    /// They are deleted, in the transaction of the load.
    case delete(ExistingRows)
    /// The load is refused when there are any.
    case refuse(ExistingRows)
    /// Nothing is loaded when there are any.
    case skip(ExistingRows)
  }

  /// The span of the file.
  package let window: DayWindow
  /// How its columns go into the table's.
  package let columns: LoadPlan
  /// What is done about rows that are there.
  package let existing: Existing
  /// Whether the rows go through a staging table.
  package let usesStaging: Bool
  /// Whether names among the values (`regclass` and the like) must mean what they meant when they were written: the archive
  /// has them with their schema. Other tables keep the role's `search_path`, on which triggers and defaults may rely.
  package let pinsNames: Bool
  /// What the caller should know.
  package let warnings: [String]

  /// - Parameters:
  ///   - fileColumns: the columns of the file, in its order.
  ///   - window: the span of the file.
  ///   - timeColumn: the column by which its day was cut, where it is known.
  ///   - role: who loads, for an error.
  /// - Throws: ``JobError`` `bad_header`, `unknown_columns`, `permission_denied`, `no_time_column`, `bad_time_column`.
  package init(
    _ policy: LoadPolicy, fileColumns: [ColumnName], window: DayWindow, timeColumn: ColumnName?, facts: TableFacts,
    role: String
  ) throws {
    self.window = window
    columns = try LoadPlan(
      fileColumns: fileColumns, facts: facts, columnsMissing: policy.columnsMissing, role: role)
    usesStaging = policy.mode == .staging || columns.needsStaging
    pinsNames = columns.loadedColumns.contains { facts.column($0)?.isName == true }
    warnings =
      columns.warnings
      + (facts.hasAfterTrigger
        ? ["the table has triggers that run after rows are stored; what they did to the rows was not looked at"] : [])
    existing = try Self.existing(policy, columns, window, timeColumn, facts)
  }

  private static func existing(
    _ policy: LoadPolicy, _ columns: LoadPlan, _ window: DayWindow, _ timeColumn: ColumnName?, _ facts: TableFacts
  ) throws -> Existing {
    // With a unique index, ON CONFLICT DO NOTHING skips what is there; without one it stops nothing.
    let skipsRows = policy.mode == .staging && facts.recognisesRows(of: columns.loadedColumns)
    if policy.onExisting == .append || (policy.onExisting == .error && skipsRows) { return .keep }
    let column = try facts.timeColumn(
      named: timeColumn, remedy: "pass \"append\" to load without looking for rows that are there already",
      field: "destination.on_existing")
    let rows = ExistingRows(of: window, in: facts.table, by: column)
    return switch policy.onExisting {
    case .replace: .delete(rows)
    case .skip: .skip(rows)
    case .error, .append: .refuse(rows)
    }
  }

  /// The span of a file: its manifest's zone, else `timeZone`.
  static func window(of archive: TableDay, _ manifest: ArchiveManifest?, timeZone: TimeZone) -> DayWindow {
    DayWindow(archive.day, in: manifest.flatMap { TimeZone(identifier: $0.window.timeZone) } ?? timeZone)
  }

  /// The column by which a file's day was cut: its manifest's where the table has it, else the settings'.
  static func timeColumn(
    of archive: TableDay, into table: TableName, _ manifest: ArchiveManifest?, facts: TableFacts,
    configured: [TableName: ColumnName]
  ) -> ColumnName? {
    if let name = manifest.map({ ColumnName($0.window.timeColumn) }), facts.column(name) != nil { return name }
    return configured[table] ?? configured[archive.table]
  }
}
