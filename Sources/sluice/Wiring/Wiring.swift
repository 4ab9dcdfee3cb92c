import Foundation
import Lake
import Postgres
import Sluice

/// Puts the parts together from the environment.
enum Wiring {
  static let environment = ProcessInfo.processInfo.environment

  /// The settings of the environment and the settings file.
  /// - Throws: ``JobError`` `bad_setting`.
  static func settings() throws -> Settings {
    let named = environment["SLUICE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    let path = named ?? "sluice.json"
    let file = FileManager.default.contents(atPath: path)
    guard file != nil || named == nil else {
      throw JobError(
        .invalid, code: "bad_setting", "SLUICE_CONFIG: the file \(path) cannot be read", field: "SLUICE_CONFIG")
    }
    return try Settings(environment: environment, file: file)
  }

  /// What jobs work with. One that only looks makes no lake, whatever `LAKE_URL` says.
  /// - Throws: ``JobError``, ``LakeError``.
  static func context(_ settings: Settings, mayCreateLake: Bool = true) async throws -> JobContext {
    let (place, openPlace) = try await lake(settings, mayCreate: mayCreateLake)
    let lake = ListedTemporaries(place)
    var options = ConnectionOptions()
    // A notice of a function or trigger may hold row data: then its SQLSTATE alone is told.
    options.onNotice = { notice in
      Log.write(
        .debug, "notice of the server",
        ["severity": notice.severity, "code": notice.sqlState, "message": notice.ownMessage ?? "(not shown)"])
    }
    let pools = ConnectionPools(
      passwords: passwords(settings), maximum: settings.pgPoolMaximum, options: options)
    let checkTokens = try tokenCheck(settings)
    guard let openPlace else {
      return JobContext(settings: settings, pools: pools, lake: lake, checkTokens: checkTokens)
    }
    return JobContext(settings: settings, pools: pools, lake: lake, openLake: openPlace, checkTokens: checkTokens)
  }
}
