import Archive
import Database
import Essentials
import Foundation
import Lake
import Reporting
import TableDays

extension TableDayRestore {
  /// Writes the lines of the audit chain about a load that was committed, or may have been.
  /// - Returns: warnings about lines that could not be written.
  func audit(_ result: RestoreResult) async -> [String] {
    var line: [String: JSONValue] = [
      "date": .string("\(source.archive.day)"), "path": .string("\(source.path)"),
      "source": .string(source.lake.displayURL),
      "outcome": .string(result.status.rawValue), "rows": .integer(result.rowsLoaded),
      "on_existing": .string(policy.onExisting.rawValue),
    ]
    if let key = request.key { line["request_key"] = .string(key) }
    let by = request.server.user
    var warnings = [await context.audit(.restore, table, in: result.database, by: by, line)]
    if let end = request.keepUntil {
      let hold: [String: JSONValue] = [
        "date": .string("\(source.archive.day)"), "until": .string(end.formatted(.iso8601)),
        "reason": .string("keep_until of a restore"), "outcome": .string(result.status.rawValue),
      ]
      warnings.append(await context.audit(.hold, table, in: result.database, by: by, hold))
    }
    return warnings.compactMap(\.self)
  }
}
