import Essentials
import Foundation
import Lake
import Reporting

/// Another worker has taken up the operation, and its document is that worker's.
struct TakenOver: Error {}

/// The documents of this process's attempts: the lease that they renew, and their ends.
extension OperationStore {
  /// Runs `body`, and renews the lease of operation `id` meanwhile.
  func writingProgress<Value: Sendable>(_ id: String, _ body: @Sendable () async -> Value) async -> Value {
    let writer = Task {
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(interval))
        if !Task.isCancelled { await renew(id) }
      }
    }
    let value = await body()
    writer.cancel()
    await writer.value
    return value
  }

  func renew(_ id: String) async {
    guard let current = running[id], let lease = current.operation.state.lease else { return }
    var operation = present(current)
    _ = try? operation.state.renew(lease.id, at: now())
    // A failed write does not stop the job; the next one follows soon.
    _ = try? await put(operation)
  }

  /// Writes the document of an operation that this process works on, as long as it is this attempt's.
  ///
  /// A write whose answer was lost leaves an unknown etag, so the document is read when the etag is another one.
  /// - Returns: the state that is written: `cancelled` where a caller asked for that while the attempt ended.
  /// - Throws: ``TakenOver``; ``LakeError``.
  @discardableResult
  func put(_ given: Operation) async throws -> Operation.State {
    var operation = given
    var condition = running[operation.id]?.etag.map { LakePublishCondition.ifMatch($0) } ?? .ifAbsent
    let lease = running[operation.id]?.operation.state.lease?.id
    for _ in 0..<5 {
      do {
        let written = try await write(operation, condition: condition)
        running[operation.id]?.etag = written
        return operation.state.written
      } catch LakeError.conditionNotMet, LakeError.alreadyExists {
        let (current, etag) = try await document(operation.id)
        guard current.state.written == .running, current.state.lease?.id == lease else {
          running[operation.id]?.task.cancel()
          throw TakenOver()
        }
        if current.state.isCancelRequested {
          cancelHere(operation.id)
          switch operation.state.written {
          case .running: _ = try? operation.state.cancel(at: now())
          // The wish came while the attempt ended: no other one follows.
          case .queued, .lost:
            operation.state = OperationState(.cancelled, attempt: operation.state.attempt)
            operation.error = .object(Self.byCaller.members)
          case .succeeded, .partial, .failed, .cancelled: break
          }
        }
        condition = .ifMatch(etag)
      }
    }
    throw TakenOver()
  }

  /// Cancels the attempt of this process.
  func cancelHere(_ id: String) {
    guard let current = running[id] else { return }
    running[id]?.isCancelled = true
    current.task.cancel()
  }

  /// Writes the end of an attempt.
  /// - Returns: the state of an operation that a caller has cancelled; nil for one that nobody has.
  func finish(_ id: String, _ end: AttemptEnd) async -> Operation.State? {
    guard let current = running[id] else { return nil }
    let (word, result, error) = told(end, current)
    // A short job whose caller waits has no document.
    let isNoted = current.notesFailure && word != .succeeded && word != .cancelled
    if current.etag == nil, current.firstWrite == nil, !isNoted { return nil }
    if await noteEnd(id, as: word, result: result, error: error) == .cancelled { return .cancelled }
    if word == .queued, running[id]?.isCancelled == true {
      // Cancelled while the document was written.
      return (try? await cancelDocument(id).state.written) ?? .queued
    }
    return current.isCancelled ? word : nil
  }

  private static let byCaller = JobError(.cancelled, "the operation was cancelled by a caller")

  /// What the document says of an attempt's end.
  private func told(
    _ end: AttemptEnd, _ current: Running
  ) -> (word: Operation.State, result: JSONValue?, error: JobError?) {
    func json(_ outcome: OperationOutcome?) -> JSONValue? { outcome.flatMap { try? JSONValue(encoding: $0.result) } }
    let byCaller = Self.byCaller
    let byShutdown = JobError(
      .cancelled, "the program was stopped before the job's end; resume the operation to do the rest")
    // Whoever waits for the job may have cancelled it a moment before the store did.
    let isCutOff = current.isCutOff || isClosed
    switch end {
    case .ended(let outcome) where outcome.state == .succeeded: return (.succeeded, json(outcome), nil)
    // An attempt that a caller has cancelled is the last.
    case .ended(let outcome) where current.isCancelled: return (.cancelled, json(outcome), byCaller)
    case .again(_, let outcome) where current.isCancelled: return (.cancelled, json(outcome), byCaller)
    case .failed where current.isCancelled: return (.cancelled, nil, byCaller)
    case .again(let error, let outcome): return (.queued, json(outcome), error)
    case .ended(let outcome) where current.isCutOff: return (.lost, json(outcome), byShutdown)
    case .failed(let error) where isCutOff && error.code == .cancelled: return (.lost, nil, byShutdown)
    case .ended(let outcome): return (outcome.state, json(outcome), nil)
    case .failed(let error) where error.code == .cancelled: return (.cancelled, nil, error)
    case .failed(let error): return (.failed, nil, error)
    }
  }

  /// Writes the last document of this process's attempt at operation `id`.
  /// - Returns: the state that was written; nil where none was.
  private func noteEnd(
    _ id: String, as word: Operation.State, result: JSONValue?, error: JobError?
  ) async -> Operation.State? {
    running[id]?.isEnding = true
    await running[id]?.interruption?.value
    guard let current = running[id], let lease = current.operation.state.lease else { return nil }
    var operation = present(current)
    guard (try? operation.end(lease.id, as: word, result: result, error: error)) != nil else { return nil }
    let last = operation
    // In a task of its own, so that it is written also when the job's task was cancelled.
    let work = Task { await noteEnd(last) }
    let timer = endLimit.map { limit in
      Task {
        try await Task.sleep(for: limit)
        work.cancel()
      }
    }
    defer { timer?.cancel() }
    return await work.value
  }

  private func noteEnd(_ operation: Operation) async -> Operation.State? {
    for wait in Self.retryWaits + [0] {
      do {
        return try await put(operation)
      } catch is TakenOver {
        Log.write(
          .warning, "the end of an attempt is not recorded: another worker has taken up its operation",
          ["operation": operation.id, "state": operation.state.written.rawValue])
        return nil
      } catch {
        guard wait > 0, !Task.isCancelled else {
          Log.write(
            .error, "the last document of an operation could not be written to the lake",
            ["operation": operation.id, "state": operation.state.written.rawValue, "reason": error])
          unwritten = unwritten.suffix(99) + [operation]
          return nil
        }
        try? await Task.sleep(for: .seconds(wait))
      }
    }
    return nil
  }
}
