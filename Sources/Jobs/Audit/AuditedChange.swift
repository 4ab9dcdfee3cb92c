import Archive
import Essentials
import Foundation
import Reporting
import Synchronization
import TableDays

/// A change that the audit chain is told of before it is begun, and again with its outcome. Both lines have its id, so that one that
/// was begun and never ended is found.
struct AuditedChange: Sendable {
  let action: AuditEntry.Action
  let table: TableName
  let database: String
  /// The role that does it; nil is the one of the settings.
  var by: String?
  /// What both lines say; neither row data nor secrets.
  let details: [String: JSONValue]
  let id = UUID().uuidString

  /// A change that a job may begin.
  final class Holder: Sendable {
    private let state = Mutex<AuditedChange?>(nil)

    /// Nil until it has begun.
    var change: AuditedChange? {
      get { state.withLock(\.self) }
      set { state.withLock { $0 = newValue } }
    }
  }
}

extension JobContext {
  /// Writes the lines that changes begin, in one write.
  /// - Throws: ``JobError`` of the lake, `CancellationError`; nothing may be changed then.
  func begin(_ changes: [AuditedChange]) async throws {
    do {
      try await audit.record(
        changes.map { line($0, [AuditEntry.outcome: .string(AuditEntry.begun)]) }, in: lake, isCancellable: true)
    } catch let error as CancellationError {
      throw error
    } catch {
      var error = JobError(cause: error)
      error.text = "the audit chain could not be written, therefore nothing was changed: \(error.text)"
      throw error
    }
  }

  /// Writes the lines of what became of changes, in one write.
  /// - Parameter ended: each change with what its line says beside, `outcome` among it.
  /// - Returns: a warning where they could not be written; what was done stays done.
  func end(_ ended: [(change: AuditedChange, details: [String: JSONValue])]) async -> String? {
    await audit(ended.map { line($0.change, $0.details) })
  }

  private func line(_ change: AuditedChange, _ more: [String: JSONValue]) -> AuditEntry {
    var details = change.details.merging(more) { $1 }
    details[AuditEntry.change] = .string(change.id)
    return entry(change.action, change.table, in: change.database, by: change.by, details)
  }
}
