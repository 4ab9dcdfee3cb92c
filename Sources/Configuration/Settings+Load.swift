import Database
package import Foundation
import Jobs
import Lake
import Reporting
import TableDays

extension Settings {
  /// Reads the settings from `environment`, and those that it lacks from the JSON text of the settings file.
  /// - Throws: ``JobError`` `bad_setting` with the setting, its value (except a secret's) and the expected form.
  package init(environment: [String: String], file: Data? = nil) throws {
    let file = try file.map { try SettingsFile($0) }
    self.init(lakeAddress: try LakeAddress(parsing: Self.defaultLake))
    let isLakeSet = !(environment["LAKE_URL"] ?? "").isEmpty || file?.values["LAKE_URL"] != nil
    let isOlderLakeRead = isLakeSet ? false : try readOlderLake(environment)
    for setting in Setting.all {
      // A variable under either name wins over the file.
      let names = [setting.name] + (setting.otherName.map { [$0] } ?? [])
      let value =
        names.compactMap { environment[$0] }.first { !$0.isEmpty }
        ?? names.compactMap { file?.values[$0] }.first
      if let value {
        try setting.read(value, into: &self)
      } else if let name = setting.libpqName, let value = environment[name], !value.isEmpty {
        do {
          try setting.read(value, into: &self)
        } catch var error as JobError {
          error.field = name
          throw error
        }
        ofLibpq.append(name)
      }
    }
    if customHandlerPort != nil, !isLakeSet, !isOlderLakeRead {
      throw JobError(
        .notConfigured,
        "not set; behind the Functions host the default, a folder of this machine, does not last. Set the lake, such as "
          + "abfss://filesystem@account.dfs.core.windows.net/root", field: "LAKE_URL")
    }
    server.hasLibpqRoots = environment["PGSSLROOTCERT"].map { !$0.isEmpty } ?? false
    cron.declaration = file?.cron
    backup.otherTables = file?.tables ?? [:]
    backup.tables = backup.tables.map { $0.over(file?.tables[$0.table]) }
    maintenance.tasks = file?.maintenance ?? []
    do throws(LakeSettingError) {
      try lakeAddress.lake.check(lakeOptions)
    } catch {
      throw JobError(.badSetting, "\(error.reason)", field: error.setting)
    }
    warnings += Self.unknownNames(environment)
  }

  /// The prefixes of Sluice's variables.
  private static let prefixes = ["PG_", "LAKE_", "BACKUP_", "MAINTENANCE_", "RETENTION_", "SLUICE_"]

  /// A warning for each variable with one of the prefixes that is not a setting, since it may be mistyped.
  private static func unknownNames(_ environment: [String: String]) -> [String] {
    let known = Set(Setting.all.flatMap { [$0.name] + ($0.otherName.map { [$0] } ?? []) })
    return environment.keys.sorted().compactMap { name in
      guard !known.contains(name), prefixes.contains(where: { name.hasPrefix($0) }) else { return nil }
      let hint = NearestName.hint(name, among: known.sorted())
      // PostgreSQL's container images set variables with the prefix `PG_` too, and others have a retention and a maintenance.
      let isShared = ["PG_", "RETENTION_", "MAINTENANCE_"].contains { name.hasPrefix($0) }
      guard !hint.isEmpty || !isShared else { return nil }
      return "\(name): there is no such setting\(hint)"
    }
  }
}
