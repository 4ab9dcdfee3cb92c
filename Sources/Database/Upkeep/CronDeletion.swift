import Essentials
package import Foundation
package import TableDays

/// A deletion as one statement that pg_cron can run by itself: a DO block whose batches are committed one by one.
package struct CronDeletion: Sendable {
  /// Which rows.
  package enum Rows: Sendable {
    case olderThan(column: ColumnName, age: String)
    case orphans(
      columns: [ColumnName], parent: TableName, parentColumns: [ColumnName], grace: (column: ColumnName, age: String)?)
    case duplicates(key: [ColumnName], by: ColumnName, keepsNewest: Bool, nullsAreEqual: Bool)
  }

  let task: String
  let table: TableName
  let rows: Rows
  let batchRows: Int
  let lockTimeout: Duration
  let pause: Duration
  let budget: Duration?
  let zone: TimeZone
  let retentionSchema: String

  package init(
    _ task: String, of table: TableName, _ rows: Rows, batchRows: Int, lockTimeout: Duration, pause: Duration,
    budget: Duration?, zone: TimeZone, retentionSchema: String
  ) {
    self.task = task
    self.table = table
    self.rows = rows
    self.batchRows = batchRows
    self.lockTimeout = lockTimeout
    self.pause = pause
    self.budget = budget
    self.zone = zone
    self.retentionSchema = retentionSchema
  }

  package var statement: String {
    var values = [
      "table": SQL.literal("\(table.schema.inDoubleQuotes).\(table.name.inDoubleQuotes)"),
      "schema": SQL.literal(table.schema), "name": SQL.literal(table.name), "key": UpkeepSession.lockKey(task),
      "budget": SQL.literal("\(budget.map { Int($0.seconds) } ?? 10 * 365 * 86_400) seconds"),
      "lock_timeout": SQL.literal("\(Int(lockTimeout.seconds * 1000))ms"), "batch_rows": "\(batchRows)",
      "pause": "\(pause.seconds)", "zone": SQL.literal(zone.identifier), "column": "''", "age": "'0'",
      "condition": "''", "holds_on": SQL.literal("\(retentionSchema.inDoubleQuotes).holds_on"),
      "policies": SQL.literal("\(retentionSchema.inDoubleQuotes).retention_policy"), "is_by_age": "false", "lock": "",
    ]
    func own(_ column: ColumnName) -> String { "x.\(column.text.inDoubleQuotes)" }
    let template: String
    switch rows {
    case .olderThan(let column, let age):
      template = SQL.upkeepCronWalk
      values["column"] = SQL.literal(column.text)
      values["age"] = SQL.literal(age)
      values["is_by_age"] = "true"
    case .orphans(let columns, let parent, let parentColumns, let grace):
      template = SQL.upkeepCronWalk
      let same = zip(columns, parentColumns).map { "q.\($1.text.inDoubleQuotes) = \(own($0))" }
      let name = "\(parent.schema.inDoubleQuotes).\(parent.name.inDoubleQuotes)"
      let conditions =
        columns.map { "\(own($0)) IS NOT NULL" } + [
          "NOT EXISTS (SELECT FROM \(name) AS q WHERE \(same.joined(separator: " AND ")))"
        ]
      values["condition"] = SQL.literal(conditions.joined(separator: " AND "))
      // One whose columns are being changed is no orphan, perhaps.
      values["lock"] = " FOR UPDATE OF x SKIP LOCKED"
      if let grace {
        values["column"] = SQL.literal(grace.column.text)
        values["age"] = SQL.literal(grace.age)
      }
    case .duplicates(let key, let by, let keepsNewest, let nullsAreEqual):
      template = SQL.upkeepCronPairs
      let condition = nullsAreEqual ? "true" : key.map { "\(own($0)) IS NOT NULL" }.joined(separator: " AND ")
      // A part of a text for format().
      func part(_ text: String) -> String { SQL.literal(text.replacing("%", with: "%%")) }
      values["condition"] = part(condition)
      values["partition"] = part(key.map(own).joined(separator: ", "))
      values["order"] = part("\(own(by)) \(keepsNewest ? "DESC" : "ASC") NULLS LAST")
    }
    var tag = "sluice"
    while values.values.contains(where: { $0.contains("$\(tag)$") }) { tag += "_" }
    // Constants that go on in the next line need their line breaks.
    let lines = template.replacing("{guards}", with: SQL.upkeepCronGuards).split(separator: "\n").filter {
      !$0.drop { $0 == " " }.hasPrefix("--")
    }
    return lines.joined(separator: "\n").replacing("$sluice$", with: "$\(tag)$")
      .replacing(#/\{([a-z_]+)\}/#) { values[String($0.output.1)] ?? String($0.output.0) }
  }
}
