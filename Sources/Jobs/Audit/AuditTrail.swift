package import Archive
import Database
import Essentials
import Foundation
package import Lake
import Reporting
import TableDays

/// Writes what the process does into the lake's audit chain. What is to be written while another write is under way goes into the
/// next one, so that a job of many table-days does not compete with itself for the file of the month.
package actor AuditTrail {
  private struct Waiting {
    let id: UUID
    let entries: [AuditEntry]
    let lake: any LakeStore
  }

  private var waiting: [Waiting] = []
  /// Who waits for lines that are to be written, or are being written.
  private var callers: [UUID: CheckedContinuation<Void, any Error>] = [:]
  private var isWriting = false

  package init() {}

  /// Adds lines; returns when the lake has them. What was done is written also where the job that did it is cancelled.
  /// - Parameter isCancellable: a job that is cancelled does not wait for them: they tell what it has not done yet.
  /// - Throws: `LakeError`; `CancellationError`, and then lines that are being written may come to be there.
  package func record(_ entries: [AuditEntry], in lake: any LakeStore, isCancellable: Bool = false) async throws {
    guard !entries.isEmpty else { return }
    let id = UUID()
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
        guard !isCancellable || !Task.isCancelled else { return done.resume(throwing: CancellationError()) }
        callers[id] = done
        waiting.append(Waiting(id: id, entries: entries, lake: lake))
        guard !isWriting else { return }
        isWriting = true
        Task { await writeAll() }
      }
    } onCancel: {
      if isCancellable { Task { await abandon(id) } }
    }
  }

  private func abandon(_ id: UUID) {
    waiting.removeAll { $0.id == id }
    callers.removeValue(forKey: id)?.resume(throwing: CancellationError())
  }

  private func writeAll() async {
    while let first = waiting.first {
      let batch = waiting.prefix { $0.lake.displayURL == first.lake.displayURL }
      waiting.removeFirst(batch.count)
      let result: Result<Void, any Error>
      do {
        try await AuditChain(first.lake).append(batch.flatMap(\.entries))
        result = .success(())
      } catch {
        result = .failure(error)
      }
      for each in batch { callers.removeValue(forKey: each.id)?.resume(with: result) }
    }
    isWriting = false
  }
}

extension JobContext {
  /// A line about a table.
  /// - Parameters:
  ///   - user: the role that did it; nil is the one of the settings.
  ///   - details: neither row data nor secrets.
  func entry(
    _ action: AuditEntry.Action, _ table: TableName, in database: String, by user: String?,
    _ details: [String: JSONValue]
  ) -> AuditEntry {
    var members = details
    members["database"] = .string(database)
    members["table"] = .string("\(table)")
    members["program_version"] = .string(Program.version)
    return AuditEntry(action, by: user ?? server.user ?? "", at: now(), members)
  }

  /// Writes lines into the audit chain, after what they tell was done.
  /// - Returns: a warning where they could not be written; what was done stays done.
  func audit(_ entries: [AuditEntry]) async -> String? {
    do {
      try await audit.record(entries, in: lake)
      return nil
    } catch {
      let reason = JobError(cause: error).message
      Log.write(
        Log.failureLevel, "the audit chain has no line of it",
        ["action": entries.first?.action.rawValue ?? "", "reason": reason])
      return "the audit chain has no line of it: \(reason)"
    }
  }
}
