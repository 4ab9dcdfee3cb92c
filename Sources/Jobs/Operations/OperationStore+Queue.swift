import Essentials
import Foundation
import Lake
package import Reporting
import Synchronization

/// How an attempt at a queued operation ended.
package enum QueuedEnd: Sendable {
  /// The job has ended, and no other attempt follows.
  case ended(OperationOutcome)
  /// The job has failed, and no other attempt follows.
  case failed(JobError)
  /// Another attempt follows. What this one has done is its outcome, where it came so far.
  case again(JobError, soFar: OperationOutcome?)
}

/// What became of a message's operation.
package enum TakenUp<End: Sendable>: Sendable {
  /// An attempt was made.
  case attempted(End)
  /// The operation had ended before, or was cancelled; its message has no more work.
  case over(Operation.Status)
}

/// Another worker has taken up the operation, and its document is that worker's.
struct TakenOver: Error {}

/// Operations whose jobs are messages of a queue. The document tells what becomes of them: `queued`, `running` while a worker
/// makes an attempt, `queued` again after one that failed, and the end.
extension OperationStore {
  /// Writes the document of an operation whose message is about to be put on a queue.
  /// - Throws: ``LakeError`` when the document cannot be written.
  package func enqueue(kind: String) async throws -> Operation {
    let operation = Operation(id: Self.newID(), kind: kind, status: .queued, at: now())
    try await write(operation, condition: .ifAbsent)
    return operation
  }

  /// Makes an attempt at a queued operation, which may have been begun by a process that was killed.
  ///
  /// The attempt is cancelled with the caller's task, and by ``cancel(_:)``; the operation has then ended.
  /// - Throws: ``JobError`` `shutting_down`, `already_running`, `bad_field` for an operation of another kind; ``LakeError``. No
  ///   attempt was made then.
  package func takeUp<End: Sendable>(
    _ id: String, kind: String, _ attempt: @escaping @Sendable (JobProgress) async -> (End, QueuedEnd)
  ) async throws -> TakenUp<End> {
    guard !isClosed else { throw JobError(.shuttingDown, "the program is shutting down; the message comes again") }
    let progress = JobProgress()
    let (found, etag) = try await documentOrNew(id, kind)
    guard found.kind == kind else {
      throw JobError(
        .badField, "the operation is a \(found.kind), and the message asks for a \(kind)", field: "operation")
    }
    if let status = found.endedStatus { return .over(status) }
    guard running[id] == nil else {
      throw JobError(.alreadyRunning, "this process works on the operation \(id) already")
    }
    // Silent for longer than ``silence`` it is `interrupted`.
    guard found.status != .running else {
      throw JobError(.alreadyRunning, "another process works on the operation \(id)")
    }
    var operation = found
    operation.status = .running
    operation.error = nil
    operation.result = nil
    operation.attempt = Self.newID()
    operation.updatedAt = now()
    let begun = operation
    let firstWrite = Task { () -> Void in
      let etag = try await write(begun, condition: etag.map { .ifMatch($0) } ?? .ifAbsent)
      running[id]?.etag = etag
      unwritten.removeAll { $0.id == id }
    }
    let result = Mutex<TakenUp<End>>(.over(.failed))
    let task = Task {
      do {
        try await firstWrite.value
        let end = await self.run(id, progress, attempt)
        result.withLock { $0 = end }
      } catch {
        // `takeUp` throws this error to its caller.
      }
      forget(id)
    }
    running[id] = Running(operation: begun, progress: progress, firstWrite: firstWrite, task: task)
    do {
      try await firstWrite.value
    } catch LakeError.conditionNotMet, LakeError.alreadyExists {
      // Cancelled, or taken up by another process, a moment ago.
      await task.value
      throw JobError(.alreadyRunning, "the operation \(id) was changed by another process; the message comes again")
    }
    await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      task.cancel()
    }
    return result.withLock { $0 }
  }

  /// Writes the document of an operation that this process works on; that of a queued one only while it is this attempt's.
  ///
  /// A write whose answer was lost leaves an unknown etag, so the document is read when the etag is another one.
  /// - Throws: ``TakenOver``; ``LakeError``.
  func put(_ operation: Operation) async throws {
    guard let etag = running[operation.id]?.etag else {
      try await write(operation)
      return
    }
    var condition = LakePublishCondition.ifMatch(etag)
    for _ in 0..<3 {
      do {
        let written = try await write(operation, condition: condition)
        running[operation.id]?.etag = written
        return
      } catch LakeError.conditionNotMet {
        let (current, etag) = try await document(operation.id)
        guard current.attempt == operation.attempt else {
          running[operation.id]?.task.cancel()
          throw TakenOver()
        }
        if current.isCancelled, operation.status == .running {
          // A caller has cancelled it by another process. What it has done is told at its end.
          running[operation.id]?.isCancelled = true
          running[operation.id]?.task.cancel()
          return
        }
        condition = .ifMatch(etag)
      }
    }
    throw TakenOver()
  }

  private func documentOrNew(_ id: String, _ kind: String) async throws -> (Operation, etag: String?) {
    let own = unwritten.last { $0.id == id }
    if let own, own.endedStatus != nil { return (own, nil) }
    do {
      var (operation, etag) = try await document(id)
      // The document of an attempt of this process whose end could not be written.
      if let own, own.attempt == operation.attempt { operation.status = own.status }
      return (operation, etag)
    } catch let error as JobError where error.code == .operationNotFound {
      // The document was removed while its message waited.
      return (Operation(id: id, kind: kind, status: .queued, at: now()), nil)
    }
  }

  /// - Returns: `over` when a caller has cancelled the operation.
  private func run<End: Sendable>(
    _ id: String, _ progress: JobProgress, _ attempt: @Sendable (JobProgress) async -> (End, QueuedEnd)
  ) async -> TakenUp<End> {
    let (end, queued) = await writingProgress(id) { await attempt(progress) }
    guard let current = running[id] else { return .attempted(end) }
    var operation = Self.present(current.operation, current.progress, now())
    switch queued {
    case .ended(let outcome): operation.end(outcome)
    case .failed(let error): operation.fail(error, .failed)
    // An attempt that a caller has cancelled is the last.
    case .again(let error, let outcome) where current.isCancelled:
      if let outcome { operation.end(outcome) } else { operation.fail(error, .failed) }
    case .again(let error, let outcome):
      operation.result = outcome.flatMap { try? JSONValue(encoding: $0.result) }
      operation.fail(error, .queued)
    }
    await noteEnd(id, operation)
    if operation.status == .queued, running[id]?.isCancelled == true {
      // Cancelled while the document was written.
      operation.fail(JobError(cause: CancellationError()), .failed)
      await noteEnd(id, operation)
    }
    return running[id]?.isCancelled == true ? .over(operation.status) : .attempted(end)
  }
}

extension Operation {
  /// The status of an operation that has no more work; nil for one that waits, runs or was interrupted.
  fileprivate var endedStatus: Status? {
    switch status {
    case .queued, .running, .interrupted: nil
    case .succeeded, .partial, .failed: status
    }
  }

  fileprivate var isCancelled: Bool {
    status == .failed && error?.object?["code"]?.string == JobErrorCode.cancelled.rawValue
  }

  fileprivate mutating func end(_ outcome: OperationOutcome) {
    status = outcome.status
    result = try? JSONValue(encoding: outcome.result)
  }

  fileprivate mutating func fail(_ error: JobError, _ status: Status) {
    self.status = status
    self.error = .object(error.members)
  }
}
