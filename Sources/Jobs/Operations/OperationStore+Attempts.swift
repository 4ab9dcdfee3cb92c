import Essentials
import Foundation
import Lake
package import Reporting
import Synchronization

/// What became of an operation that a process took up.
package enum TakenUp<End: Sendable>: Sendable {
  /// An attempt was made.
  case attempted(End)
  /// The operation had ended before, or was cancelled; its message has no more work.
  case over(Operation.State)
}

/// Attempts: each holds the operation's lease while it runs, and renews it with its progress.
extension OperationStore {
  /// When the document of a job is written first.
  package enum Noting: Sendable {
    /// Before the job begins: others are told of the operation.
    case atOnce
    /// Once it has run for ``OperationStore/interval``: the caller of a short job has its answer already.
    case whenLong
    /// As ``whenLong``; one that does not succeed has a document too, since nobody may have looked at its end.
    case whenLongOrFailed
  }

  /// Starts `job` and returns its operation once the first document is in the lake.
  ///
  /// ``shutDown(grace:cleanup:)`` waits for every job that was started before it, including one whose first document is
  /// still being written; later ones are refused.
  /// - Throws: ``JobError`` `shutting_down`; ``AlreadyBegun``; ``LakeError`` when the document cannot be written.
  package func start(
    _ draft: Draft, _ job: @escaping @Sendable (JobProgress) async throws -> OperationOutcome
  ) async throws -> Operation {
    try refuseWhenClosed()
    try refuseBegun(draft)
    let operation = begun(draft)
    _ = launch(operation, JobProgress(), condition: .ifAbsent) { progress in
      await Self.logged { try await job(progress) }
    }
    let first = running[operation.id]?.firstWrite
    try await firstOfKey(draft) { try await first?.value }
    return operation
  }

  /// A call with an `Idempotency-Key` names its operation: of two at the same time one begins it.
  private func refuseBegun(_ draft: Draft) throws {
    guard let id = draft.id, let current = running[id] else { return }
    throw AlreadyBegun(operation: present(current))
  }

  /// Writes the first document of an operation.
  private func firstOfKey(_ draft: Draft, _ write: () async throws -> Void) async throws {
    do {
      try await write()
    } catch LakeError.alreadyExists where draft.id != nil {
      guard let id = draft.id else { return }
      throw AlreadyBegun(operation: try await operation(id))
    }
  }

  /// Runs `job`, whose caller has an answer already, so that the log alone tells of its failure: by one line of level `error`.
  package static func logged(_ job: @Sendable () async throws -> OperationOutcome) async -> AttemptEnd {
    do {
      let outcome = try await Log.$failureLevel.withValue(.warning) { try await job() }
      if outcome.state != .succeeded { Log.write(.error, "operation failed", ["state": outcome.state.rawValue]) }
      return .ended(outcome)
    } catch {
      let error = JobError(cause: error)
      Log.write(.error, "operation failed", ["code": error.code.rawValue, "reason": error.message])
      return .failed(error)
    }
  }

  /// Runs a job whose caller waits for it, and which others can see and cancel meanwhile.
  /// - Parameter describe: the operation's end, from what the job gave.
  /// - Throws: ``JobError`` `shutting_down`; with `atOnce` ``LakeError`` when the document cannot be written; what `job` throws.
  package func run<Value: Sendable>(
    _ draft: Draft, noting: Noting, _ progress: JobProgress,
    describe: @escaping @Sendable (Value) -> OperationOutcome, _ job: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    try refuseWhenClosed()
    try refuseBegun(draft)
    let operation = begun(draft)
    let result = Mutex<Result<Value, any Error>?>(nil)
    let task = launch(operation, progress, condition: noting == .atOnce ? .ifAbsent : nil) { _ in
      do {
        let value = try await job()
        result.withLock { $0 = .success(value) }
        return .ended(describe(value))
      } catch {
        result.withLock { $0 = .failure(error) }
        return .failed(JobError(cause: error))
      }
    }
    running[operation.id]?.notesFailure = noting == .whenLongOrFailed
    let first = running[operation.id]?.firstWrite
    try await firstOfKey(draft) { try await first?.value }
    _ = await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      task.cancel()
    }
    guard let result = result.withLock({ $0 }) else { throw CancellationError() }
    return try result.get()
  }

  /// Writes the document of an operation whose message is about to be put on a queue.
  /// - Throws: ``AlreadyBegun``; ``LakeError`` when the document cannot be written.
  package func enqueue(_ draft: Draft) async throws -> Operation {
    var operation = begun(draft)
    operation.state = OperationState(.queued)
    operation.result = draft.result
    let new = operation
    try await firstOfKey(draft) { try await write(new, condition: .ifAbsent) }
    return operation
  }

  /// Makes an attempt at an operation whose message has come, which may have been begun by a process that was killed.
  ///
  /// The attempt is cancelled with the caller's task, and by ``cancel(_:)``; the operation has then ended.
  /// - Throws: ``JobError`` `shutting_down`, `already_running`, `bad_field` for an operation of another kind; ``LakeError``. No
  ///   attempt was made then.
  package func takeUp<End: Sendable>(
    _ id: String, kind: String, _ attempt: @escaping @Sendable (JobProgress) async -> (End, AttemptEnd)
  ) async throws -> TakenUp<End> {
    guard !isClosed else { throw JobError(.shuttingDown, "the program is shutting down; the message comes again") }
    let (found, etag) = try await documentOrNew(id, kind)
    guard found.kind == kind else {
      throw JobError(
        .badField, "the operation is a \(found.kind), and the message asks for a \(kind)", field: "operation")
    }
    guard found.units == nil else {
      throw JobError(
        .missingField, "missing; the operation is divided into \(found.units ?? 0) messages, each with its number",
        field: "unit")
    }
    return try await takeUp(found, etag, attempt)
  }

  /// Makes an attempt at `found`, and waits for its end.
  private func takeUp<End: Sendable>(
    _ found: Operation, _ etag: String?, _ attempt: @escaping @Sendable (JobProgress) async -> (End, AttemptEnd)
  ) async throws -> TakenUp<End> {
    let result = Mutex<TakenUp<End>>(.over(.failed))
    let begun: Begun
    do {
      begun = try await begin(found, etag, again: false) { progress in
        let (end, told) = await attempt(progress)
        result.withLock { $0 = .attempted(end) }
        return told
      }
    } catch let refusal as OperationState.Refusal {
      guard case .ended(let state) = refusal else { throw Self.held(found.id, found.state.lease) }
      return .over(state)
    }
    if let cancelled = await begun.end() { return .over(cancelled) }
    return result.withLock { $0 }
  }

  /// An attempt that has begun.
  package struct Begun: Sendable {
    package let operation: Operation
    fileprivate let task: Task<Operation.State?, Never>

    /// Waits for the end of the attempt, and cancels it with the caller's task.
    /// - Returns: the state of an operation that a caller has cancelled; nil for one that nobody has.
    @discardableResult
    package func end() async -> Operation.State? {
      await withTaskCancellationHandler {
        await task.value
      } onCancel: {
        task.cancel()
      }
    }
  }

  /// Begins an attempt at an operation that is lost, or has ended in one of `states`: its table-days that are done stay as they are.
  /// - Throws: ``JobError`` `shutting_down`, `operation_not_found`, `operation_ended`, `already_running`; ``LakeError``. No attempt
  ///   was begun then.
  package func resume(
    _ id: String, from states: Set<Operation.State>, _ progress: JobProgress = JobProgress(),
    _ attempt: @escaping @Sendable (Operation, JobProgress) async -> AttemptEnd
  ) async throws -> Begun {
    try refuseWhenClosed()
    let (found, etag) = try await document(id)
    let state = found.state.seen(at: now())
    guard states.contains(state) || state == .running else { throw Self.ended(state) }
    do {
      return try await begin(found, etag, again: true, progress) { await attempt(found, $0) }
    } catch let refusal as OperationState.Refusal {
      guard case .ended(let state) = refusal else { throw Self.held(id, found.state.lease) }
      throw Self.ended(state)
    }
  }

  /// Begins an attempt at `found`.
  /// - Parameter again: also where it has ended without success.
  /// - Throws: ``OperationState/Refusal``; ``JobError`` `already_running`; ``LakeError``.
  private func begin(
    _ found: Operation, _ etag: String?, again: Bool, _ progress: JobProgress = JobProgress(),
    _ attempt: @escaping @Sendable (JobProgress) async -> AttemptEnd
  ) async throws -> Begun {
    let id = found.id
    guard running[id] == nil else {
      throw JobError(.alreadyRunning, "this process works on the operation \(id) already")
    }
    var operation = found
    try operation.state.take(owner: instance, id: newID(), again: again, at: now())
    operation.error = nil
    operation.result = nil
    operation.updatedAt = now()
    let task = launch(operation, progress, condition: etag.map { .ifMatch($0) } ?? .ifAbsent, attempt)
    do {
      try await running[id]?.firstWrite?.value
      unwritten.removeAll { $0.id == id }
    } catch LakeError.conditionNotMet, LakeError.alreadyExists {
      // Cancelled, or taken up by another process, a moment ago.
      _ = await task.value
      throw JobError(.alreadyRunning, "the operation \(id) was changed by another process; send the request again")
    }
    return Begun(operation: operation, task: task)
  }

  static func held(_ id: String, _ lease: OperationState.Lease?) -> JobError {
    let owner = lease.map { $0.owner.isEmpty ? "" : ", on \($0.owner)" } ?? ""
    return JobError(.alreadyRunning, "another process works on the operation \(id)\(owner)")
  }

  private func refuseWhenClosed() throws {
    guard isClosed else { return }
    throw JobError(.shuttingDown, "the program is shutting down; send the request again in a minute")
  }

  /// The operation of a job that begins in this process.
  private func begun(_ draft: Draft) -> Operation {
    var state = OperationState(.queued)
    // A queued operation can be taken by anyone.
    try? state.take(owner: instance, id: newID(), at: now())
    var operation = Operation(
      id: draft.id ?? newID(), kind: draft.kind, state: state, request: draft.request, at: now())
    operation.database = draft.database
    operation.reason = draft.reason
    operation.units = draft.units
    operation.result = draft.result
    return operation
  }

  /// Registers the attempt and runs it, with its documents.
  /// - Parameter condition: of the first document; nil writes it only once the job has run for a while.
  /// - Returns: gives the end of an operation that a caller has cancelled.
  private func launch(
    _ operation: Operation, _ progress: JobProgress, condition: LakePublishCondition?,
    _ job: @escaping @Sendable (JobProgress) async -> AttemptEnd
  ) -> Task<Operation.State?, Never> {
    let id = operation.id
    var firstWrite: Task<Void, any Error>?
    if let condition { firstWrite = Task { try await self.writeFirst(operation, condition) } }
    let first = firstWrite
    let task = Task { () -> Operation.State? in
      await Log.adding("operation", id) { await self.attempt(id, progress, first, job) }
    }
    running[id] = Running(operation: operation, progress: progress, task: task, firstWrite: firstWrite)
    return task
  }

  private func writeFirst(_ operation: Operation, _ condition: LakePublishCondition) async throws {
    let etag = try await write(operation, condition: condition)
    running[operation.id]?.etag = etag
  }

  private func attempt(
    _ id: String, _ progress: JobProgress, _ firstWrite: Task<Void, any Error>?,
    _ job: @escaping @Sendable (JobProgress) async -> AttemptEnd
  ) async -> Operation.State? {
    defer { forget(id) }
    // Whoever waits for the first document has its error.
    if let firstWrite, (try? await firstWrite.value) == nil { return nil }
    let end = await writingProgress(id) { await job(progress) }
    return await finish(id, end)
  }

  private func documentOrNew(_ id: String, _ kind: String) async throws -> (Operation, etag: String?) {
    let own = unwritten.last { $0.id == id }
    if let own, own.state.written.hasEnded { return (own, nil) }
    do {
      var (operation, etag) = try await document(id)
      // The document of an attempt of this process whose end could not be written.
      if let own, own.state.attempt == operation.state.attempt { operation.state = own.state }
      return (operation, etag)
    } catch let error as JobError where error.code == .operationNotFound {
      // The document was removed while its message waited.
      return (Operation(id: id, kind: kind, state: OperationState(.queued), at: now()), nil)
    }
  }
}
