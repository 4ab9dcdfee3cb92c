import Archive
import Database
import Essentials
import Lake
import Postgres
import Reporting
import TableDays

/// Writes into the lake's audit chain what the log of the retention's schema has and the chain has not: also what was dropped by hand,
/// by pg_cron, or by a process that ended before it wrote a line.
struct LogAudit: Sendable {
  let context: JobContext
  let schema: RetentionSchema
  let target: PostgresTarget

  /// Entries of one write.
  private static let group = 500

  /// - Returns: why some entries are not in the chain; nil where it has them all. The next run writes them.
  func write() async -> JobError? {
    do {
      // What was dropped is told also where the job is cancelled.
      try await CancellationGrace.carryOn { try await writeGroups() }
      return nil
    } catch {
      let error = JobError(cause: error)
      Log.write(
        Log.failureLevel, "the audit chain lacks lines of the log; the next run writes them", ["reason": error.message])
      return error
    }
  }

  private func writeGroups() async throws {
    while true {
      let entries = try await context.sessions.pools.withConnection(to: target) {
        try await schema.unaudited(limit: Self.group, on: $0)
      }
      guard !entries.isEmpty else { return }
      // No transaction is open while the lake is written. The chain has each entry once, whoever else writes it.
      try await context.audit.record(entries.map(line), in: context.lake)
      try await context.sessions.pools.withConnection(to: target) { try await schema.markAudited(entries, on: $0) }
      guard entries.count == Self.group else { return }
    }
  }

  private static let actions: [String: AuditEntry.Action] = [
    "drop_chunk": .drop, "drop_partition": .drop, "delete_rows": .delete, "hold": .hold, "release": .release,
    "policy": .policy,
  ]

  private func line(_ entry: RetentionSchema.LogEntry) throws -> AuditEntry {
    let log = try JSONValue(parsing: Array(entry.json.utf8)).object ?? [:]
    let word = log["action"]?.string ?? ""
    let action = Self.actions[word] ?? .drop
    var members: [String: JSONValue] = [
      "database": .string(target.database), "program_version": .string(Program.version),
      AuditEntry.logID: .integer(entry.id), AuditEntry.loggedAt: log["at"] ?? .null,
    ]
    if let schema = log["table_schema"]?.string, let name = log["table_name"]?.string {
      members["table"] = .string("\(TableName(schema: schema, name: name))")
    }
    switch word {
    case "drop_chunk": members["kind"] = .string("chunk")
    case "drop_partition": members["kind"] = .string("partition")
    case "delete_rows": members["kind"] = .string("rows")
    default: break
    }
    let isHold = action == .hold || action == .release
    let names = [
      "unit": isHold ? "hold" : "unit", "range_start": "start", "range_end": "end", "rows": "rows", "bytes": "bytes",
      "archives": "archives", "outcome": "outcome", "reason": "reason", "note": "note",
    ]
    for (column, name) in names { if let value = log[column], value != .null { members[name] = value } }
    if action == .policy, let change = members.removeValue(forKey: "archives")?.object {
      for (name, value) in change where value != .null { members[name] = value }
    }
    return AuditEntry(action, by: log["caller"]?.string ?? "", at: context.now(), members)
  }
}
