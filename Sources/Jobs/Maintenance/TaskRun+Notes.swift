import Archive
import Database
import Essentials
import Foundation
import Postgres
import Reporting
import TableDays

extension TaskRun {
  /// How long a run goes on before it notes where it is.
  private static let noteInterval = Duration.seconds(1)

  /// Takes up what an earlier run has left.
  func goOn() async throws {
    guard !tally.now.hasGoneOn else { return }
    let found = try await notebook.read()
    tally.update { $0.hasGoneOn = true }
    guard let note = found else { return }
    tally.update { state in
      state.note = note
      (state.note.rows, state.note.batches, state.note.goesOn) = (0, 0, true)
      if !note.proofs.isEmpty {
        state.result.resumedAt = "the days \(note.proofs.keys.sorted().map { "\($0)" }.joined(separator: ", "))"
      } else if let relation = note.relation {
        state.result.resumedAt = "relation \(relation), block \(note.block)"
      }
    }
  }

  /// Notes the place that is next, now and then.
  func note(relation: Int, block: Int) async {
    tally.update { ($0.note.relation, $0.note.block) = (relation, block) }
    let state = tally.now
    if let at = state.notedAt, at.duration(to: .now) < Self.noteInterval { return }
    do { try await noteNow() } catch { tellNotNoted(error) }
  }

  /// - Throws: `LakeError`.
  func noteNow() async throws {
    try await notebook.write(tally.now.note, .running)
    tally.update { $0.notedAt = .now }
  }

  // MARK: The audit chain

  /// Tells the audit chain that rows are about to be deleted, once for each change.
  /// - Throws: ``JobError`` of the lake: nothing may be deleted.
  func beginChange(_ rule: DeletionRule, _ details: [String: JSONValue] = [:]) async throws {
    guard tally.now.change == nil else { return }
    var members = details
    members["kind"] = .string(task.kind.name.rawValue)
    members["task"] = .string(task.name)
    let change = AuditedChange(action: .delete, table: rule.table, database: target.database, details: members)
    try await context.begin([change])
    tally.update { state in
      state.change = change
      state.rowsBefore = state.result.rows
    }
  }

  /// Tells the audit chain what became of the change that was begun, if one was.
  /// - Parameter outcome: nil is that of the task.
  /// - Returns: a warning where it could not be told.
  func endChange(_ outcome: String? = nil) async -> String? {
    let state = tally.now
    guard let change = state.change else { return nil }
    tally.update { $0.change = nil }
    return await context.end([
      (
        change,
        [
          AuditEntry.outcome: .string(outcome ?? state.result.outcome.rawValue),
          "rows": .integer(state.result.rows - state.rowsBefore),
        ]
      )
    ])
  }

  // MARK: Holds

  /// Refuses a table that a hold keeps, whatever span it covers, or whose policy lets nothing go without an archive.
  /// - Throws: ``TaskKept``, ``JobError``.
  func refuseHeld(_ table: TableName, on connection: PostgresConnection) async throws {
    if let words = try await Hold.kept(table, on: connection) { throw TaskKept(reason: "on_hold", detail: words) }
    guard let schema = try await RetentionSchema.find(context.retention.schema, on: connection) else { return }
    if let hold = try await schema.holds(of: table, on: connection).first {
      throw TaskKept(reason: "on_hold", detail: "hold \(hold.id) on \(hold.table): \(hold.reason)")
    }
    guard case .deleteOlderThan(let own) = task.kind, !own.requiresArchive, !task.archives else { return }
    let policies = try await schema.policies(on: connection).filter(\.requiresArchive)
    guard !policies.isEmpty else { return }
    let names = Set(try await TableFamily.read(table, on: connection).names.values)
    guard let policy = policies.first(where: { names.contains($0.table) }) else { return }
    throw TaskKept(
      reason: "policy",
      detail:
        "the retention policy of \(policy.table) lets nothing go that no archive holds; set require_archive or archive of the task"
    )
  }
}
