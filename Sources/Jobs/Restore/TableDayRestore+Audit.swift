import Archive
import Database
import Essentials
import Foundation
import Lake
import Reporting
import TableDays

extension TableDayRestore {
  /// Tells the audit chain that the load is about to change the table; once, however often the session is begun.
  /// - Throws: ``JobError`` of the lake; nothing is then loaded.
  func beginAudit() async throws {
    guard audited.change == nil else { return }
    var line: [String: JSONValue] = [
      "path": .string("\(source.path)"), "source": .string(source.lake.displayURL),
      "on_existing": .string(policy.onExisting.rawValue),
    ]
    if let day = source.day { line["date"] = .string("\(day)") }
    if let key = request.key { line["request_key"] = .string(key) }
    let database = request.server.database ?? source.database
    let change = AuditedChange(
      action: .restore, table: table, database: database, by: request.server.user, details: line)
    try await context.begin([change])
    audited.change = change
  }

  /// Writes the lines of the audit chain about what became of a load that was begun.
  /// - Returns: warnings about lines that could not be written.
  func endAudit(_ result: RestoreResult) async -> [String] {
    guard let change = audited.change else { return [] }
    let outcome: JSONValue = .string(result.status.rawValue)
    var warnings = [
      await context.end([(change, [AuditEntry.outcome: outcome, "rows": .integer(result.rowsLoaded)])])
    ]
    if let end = request.keepUntil, let day = source.day, result.status != .failed {
      let hold: [String: JSONValue] = [
        "date": .string("\(day)"), "until": .string(end.formatted(.iso8601)),
        "reason": .string("keep_until of a restore"), AuditEntry.outcome: outcome,
      ]
      warnings.append(
        await context.audit([context.entry(.hold, table, in: result.database, by: request.server.user, hold)]))
    }
    return warnings.compactMap(\.self)
  }
}
