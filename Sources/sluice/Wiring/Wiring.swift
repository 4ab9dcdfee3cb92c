import Configuration
import Foundation
import Jobs
import Reporting

/// Creates the program's parts from its environment.
enum Wiring {
  /// What the program's jobs add up, and the lake's retries.
  static let metrics = Metrics()
  static let environment = ProcessInfo.processInfo.environment

  /// The settings of the environment and the settings file. Logs their warnings.
  /// - Throws: ``JobError`` `bad_setting`.
  static func settings() throws -> Settings {
    let settings = try readSettings()
    Log.configure(settings.logFormat, settings.logLevel)
    for warning in settings.warnings { Log.write(.warning, warning) }
    return settings
  }

  /// `BACKUP_TIMEZONE`.
  /// - Throws: ``JobError`` `bad_setting`.
  static func timeZone() throws -> TimeZone { try readSettings().backup.timeZone }

  private static func readSettings() throws -> Settings {
    let named = environment["SLUICE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    let path = named ?? Settings.defaultFile
    let file = FileManager.default.contents(atPath: path)
    guard file != nil || named == nil else {
      throw JobError(
        .badSetting, "the file \(path) cannot be read; name an existing JSON file", field: "SLUICE_CONFIG")
    }
    return try Settings(environment: environment, file: file)
  }
}
