package import Essentials
import Foundation
import Reporting
import TableDays

extension MaintenanceTask {
  /// The rows of a batch where none are said.
  package static let defaultBatchRows = 10_000

  /// The fields of each kind beside those of all.
  private static let ownFields: [Name: [String]] = [
    .deleteOlderThan: deletionFields + ["table", "column", "keep", "require_archive"],
    .deduplicate: deletionFields + ["table", "key", "keep", "by", "null_keys"],
    .deleteOrphans: deletionFields + ["child", "columns", "parent", "parent_columns", "grace", "grace_column"],
    .vacuum: relationFields + ["analyze", "freeze", "full", "min_dead_share"],
    .analyze: relationFields + ["min_changed_share"],
    .reindex: relationFields + ["min_bloat_share"],
    .sql: ["statement", "timeout"],
  ]
  private static let deletionFields = ["batch_rows", "pause", "archive"]
  private static let relationFields = ["tables", "patterns", "all"]

  /// Reads the list under `maintenance.tasks`.
  /// - Throws: ``JobError`` with the field, such as `maintenance.tasks[0].keep`.
  package static func list(_ value: JSONValue) throws -> [MaintenanceTask] {
    var outer = try Fields(.object(["maintenance": value]))
    return try outer.object("maintenance") { fields in
      guard case .array(let items) = fields.value("tasks") ?? .array([]) else {
        throw JobError.badField("tasks", "a list of tasks")
      }
      var tasks: [MaintenanceTask] = []
      for (index, item) in items.enumerated() {
        do {
          var inner = try Fields(item)
          let task = try MaintenanceTask(&inner)
          guard !tasks.contains(where: { $0.name == task.name }) else {
            throw JobError(
              .badField, "\"\(task.name)\" is named twice; give each task a name of its own", field: "name")
          }
          tasks.append(task)
        } catch let error as JobError {
          throw error.field == nil
            ? JobError(error.code, error.text, field: "tasks[\(index)]") : error.under("tasks[\(index)]")
        }
      }
      return tasks
    }
  }

  init(_ fields: inout Fields) throws {
    let form: ErrorText = "1 to 60 letters, digits, - and _, such as old-clicks"
    let given = try fields.string("name", form)
    name = try fields.required(given, "name", form)
    guard name.wholeMatch(of: #/[A-Za-z0-9_\-]{1,60}/#) != nil else {
      throw JobError.badField("name", form, got: .string(name))
    }
    let kindName = try fields.required(
      fields.choice("kind", Name.self), "kind",
      "one of \(ErrorText(Name.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")))")
    schedule = try Self.schedule(&fields)
    order = try fields.integer("order", in: 0...1_000_000) ?? 100
    lockTimeout = try fields.duration("lock_timeout") ?? .seconds(2)
    budget = try fields.duration("budget")
    maximumReplicationLag = try fields.duration("max_replication_lag")
    maximumActiveSessions = try fields.integer("max_active_sessions", in: 1...100_000)
    let deletes = [.deleteOlderThan, .deduplicate, .deleteOrphans].contains(kindName)
    batchRows = deletes ? try fields.integer("batch_rows", in: 1...1_000_000) ?? Self.defaultBatchRows : 0
    pause = deletes ? try fields.duration("pause", zero: true) ?? .milliseconds(100) : .zero
    archives = deletes ? try fields.bool("archive") ?? false : false
    kind = try Self.kind(kindName, archives: archives, &fields)
    if archives, case .deleteOlderThan(let own) = kind, own.requiresArchive {
      throw JobError(
        .badField,
        "true, beside \(field: "require_archive"): rows of days that an archive holds need no file of their own; give the one or the other",
        field: "archive")
    }
    try Self.refuseOthers(kindName, fields.unread)
    try fields.finish()
  }

  private static func schedule(_ fields: inout Fields) throws -> MaintenanceSchedule {
    guard let text = try fields.string("schedule", MaintenanceSchedule.form) else { return .daily }
    guard let schedule = MaintenanceSchedule(text) else {
      throw JobError.badField("schedule", MaintenanceSchedule.form, got: .string(text))
    }
    return schedule
  }

  /// A field of another kind is told as such.
  private static func refuseOthers(_ kind: Name, _ unread: [String]) throws {
    for field in unread {
      let others = Name.allCases.filter { $0 != kind && ownFields[$0, default: []].contains(field) }
      guard !others.isEmpty else { continue }
      throw JobError(
        .unknownField,
        "a field of \(ErrorText(others.map(\.rawValue).joined(separator: ", "))), and the task is of kind \(ErrorText(kind.rawValue)); remove it",
        field: field)
    }
  }

  private static func kind(_ name: Name, archives: Bool, _ fields: inout Fields) throws -> Kind {
    switch name {
    case .deleteOlderThan:
      return .deleteOlderThan(
        OlderThan(
          table: try fields.required(fields.table("table"), "table", Fields.tableForm),
          column: try fields.required(fields.column("column"), "column", "the column with the time of a row"),
          keep: try fields.required(fields.interval("keep"), "keep", "how long rows are kept, such as \"90 days\""),
          // Nothing is deleted that no archive holds, unless the file says so.
          requiresArchive: try fields.bool("require_archive") ?? !archives))
    case .deduplicate:
      return .deduplicate(
        Duplicates(
          table: try fields.required(fields.table("table"), "table", Fields.tableForm),
          key: try fields.required(fields.columns("key"), "key", "the columns that are equal in duplicates"),
          keep: try fields.required(
            fields.choice("keep", Duplicates.Keep.self), "keep", "\"newest\" or \"oldest\", the row that stays"),
          by: try fields.required(fields.column("by"), "by", "the column that tells which row is newer"),
          nullKeys: try fields.choice("null_keys", Duplicates.NullKeys.self) ?? .apart))
    case .deleteOrphans: return .deleteOrphans(try orphans(&fields))
    case .vacuum:
      let vacuum = Vacuum(
        relations: try relations(&fields), analyze: try fields.bool("analyze") ?? false,
        freeze: try fields.bool("freeze") ?? false, full: try fields.bool("full") ?? false,
        minimumDeadShare: try fields.share("min_dead_share"))
      return .vacuum(vacuum)
    case .analyze:
      return .analyze(
        Analyze(
          relations: try relations(&fields), minimumChangedShare: try fields.share("min_changed_share")))
    case .reindex:
      return .reindex(
        Reindex(relations: try relations(&fields), minimumBloatShare: try fields.share("min_bloat_share")))
    case .sql:
      return .sql(
        Statement(
          text: try fields.required(
            fields.string("statement", "one SQL statement"), "statement", "one SQL statement"),
          timeout: try fields.required(fields.duration("timeout"), "timeout", "how long it may run, such as 10m")))
    }
  }

  private static func orphans(_ fields: inout Fields) throws -> Orphans {
    let child = try fields.required(fields.table("child"), "child", Fields.tableForm)
    let columns = try fields.required(fields.columns("columns"), "columns", "the child's columns that name its parent")
    let parent = try fields.required(fields.table("parent"), "parent", Fields.tableForm)
    let parentColumns = try fields.required(
      fields.columns("parent_columns"), "parent_columns", "the parent's columns, in the order of the child's")
    guard columns.count == parentColumns.count else {
      throw JobError(
        .badField, "\(parentColumns.count) columns, and \(field: "columns") has \(columns.count); name as many",
        field: "parent_columns")
    }
    let grace = try fields.interval("grace")
    let column = try fields.column("grace_column")
    guard (grace == nil) == (column == nil) else {
      throw JobError(
        .missingField, "missing; give \(field: "grace") and \(field: "grace_column") together",
        field: grace == nil ? "grace" : "grace_column")
    }
    var orphans = Orphans(child: child, columns: columns, parent: parent, parentColumns: parentColumns)
    if let grace, let column { orphans.grace = Grace(column: column, interval: grace) }
    return orphans
  }

  private static func relations(_ fields: inout Fields) throws -> Relations {
    var relations = Relations()
    relations.tables = try (fields.strings("tables", Fields.tableForm) ?? []).map { try TableName($0, field: "tables") }
    let form: ErrorText = "patterns of schema.table with * and ?, such as events.*"
    relations.patterns = try fields.strings("patterns", form) ?? []
    for pattern in relations.patterns where pattern.split(separator: ".", omittingEmptySubsequences: false).count != 2 {
      throw JobError.badField("patterns", form, got: .string(pattern))
    }
    relations.all = try fields.bool("all") ?? false
    let isNamed = !relations.tables.isEmpty || !relations.patterns.isEmpty
    guard isNamed != relations.all else {
      if relations.all {
        throw JobError(
          .badField, "true, beside \(field: "tables") or \(field: "patterns"); give the one or the others", field: "all"
        )
      }
      throw fields.missing("tables", "missing; name \(field: "tables") or \(field: "patterns"), or \(field: "all")")
    }
    return relations
  }
}
