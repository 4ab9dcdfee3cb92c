import Foundation
import Synchronization

/// What a task has done so far, and where it is: it outlives the sessions of the task.
final class TaskTally: Sendable {
  struct State: Sendable {
    var result: MaintenanceResult
    var note: MaintenanceNote
    /// The change that the audit chain was told of, and has no end yet.
    var change: AuditedChange?
    /// Rows that were deleted before that change was begun.
    var rowsBefore = 0
    var notedAt: ContinuousClock.Instant?
    /// What an earlier run has left is known.
    var hasGoneOn = false
  }

  private let state: Mutex<State>

  init(_ task: MaintenanceTask) {
    state = Mutex(State(result: MaintenanceResult(task), note: MaintenanceNote(task)))
  }

  var now: State { state.withLock { $0 } }

  func update(_ change: (inout sending State) -> Void) { state.withLock { change(&$0) } }

  func add(rows: Int) {
    update { state in
      state.result.rows += rows
      state.result.batches += 1
      state.note.rows = state.result.rows
      state.note.batches = state.result.batches
    }
  }
}

/// A limit of the task or of the run is reached.
struct TaskStopped: Error {
  let reason: String
  let detail: String
}

/// Nothing may be deleted.
struct TaskKept: Error {
  let reason: String
  let detail: String
}
