import Essentials
import Foundation
import Jobs
import Reporting
import TableDays

/// The settings file: the values of settings by their names, the options of tables, the maintenance tasks, and the jobs of pg_cron.
struct SettingsFile {
  /// The values in the form of variables.
  private(set) var values: [String: String] = [:]
  /// The options under `tables`.
  private(set) var tables: [TableName: TableOptions] = [:]
  /// Those under `maintenance`.
  private(set) var maintenance: [MaintenanceTask] = []
  /// The part `cron`; nil where there is none.
  private(set) var cron: CronDeclaration?

  /// - Throws: ``JobError`` `bad_setting` with the key.
  init(_ file: Data) throws {
    do {
      var fields = try Fields(JSONValue(json: file))
      for setting in Setting.all where !setting.isVariableOnly {
        for name in [setting.name] + (setting.otherName.map { [$0] } ?? []) {
          if let value = fields.value(name) { values[name] = try Self.text(value, name, isSecret: setting.isSecret) }
        }
      }
      tables = try Self.tables(fields.value("tables") ?? .object([:]))
      if let value = fields.value("maintenance") { maintenance = try MaintenanceTask.list(value) }
      cron = try fields.value("cron").map { try CronDeclaration($0) }
      try fields.finish()
    } catch let error as JobError {
      let text: ErrorText =
        error.field == nil ? "settings file: \(error.text)" : "\(error.text) (in the settings file)"
      throw JobError(.badSetting, text, field: error.field)
    }
  }

  private static func text(_ value: JSONValue, _ name: String, isSecret: Bool) throws -> String {
    switch value {
    case .string(let text): return text
    case .integer(let number): return String(number)
    case .number(let number): return Int(exactly: number).map(String.init) ?? "\(number)"
    case .array(let items):
      return try items.map { item in
        guard case .string(let text) = item else {
          throw JobError.badField(name, "a list of texts", got: isSecret ? JSONValue?.none : item)
        }
        return text
      }.joined(separator: ",")
    default: throw JobError.badField(name, "a text or a number", got: isSecret ? JSONValue?.none : value)
    }
  }

  private static func tables(_ value: JSONValue) throws -> [TableName: TableOptions] {
    guard case .object(let members) = value else {
      throw JobError.badField("tables", "an object of options by schema.table", got: value)
    }
    var tables: [TableName: TableOptions] = [:]
    for (name, options) in members {
      let table = try TableName(name, field: "tables")
      do {
        var fields = try Fields(options)
        tables[table] = try TableOptions(table, &fields)
        try fields.finish()
      } catch let error as JobError {
        throw error.under("tables.\(name)")
      }
    }
    return tables
  }
}
