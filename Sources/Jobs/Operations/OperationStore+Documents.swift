import Essentials
import Foundation
import Lake
import Reporting

extension OperationStore {
  /// The operation's current state.
  /// - Throws: ``JobError`` `operation_not_found`; ``LakeError``.
  package func operation(_ id: String) async throws -> Operation {
    if let current = running[id] { return Self.present(current.operation, current.progress, now()) }
    if let ended = unwritten.last(where: { $0.id == id }) { return ended }
    return try await document(id).operation
  }

  /// Cancels the operation and returns its current state. A running one ends as `failed` with `cancelled` once it has
  /// cleaned up; one that is queued, also one whose worker was killed, is `failed` at once, and the worker drops its message.
  /// - Throws: ``JobError`` `operation_not_found`, `operation_ended`, `operation_elsewhere`; ``LakeError``.
  package func cancel(_ id: String) async throws -> Operation {
    if let current = running[id] {
      running[id]?.isCancelled = true
      current.task.cancel()
      return Self.present(current.operation, current.progress, now())
    }
    if let ended = unwritten.last(where: { $0.id == id }) { throw Self.ended(ended.status) }
    var (operation, etag) = try await document(id)
    switch operation.status {
    case .queued, .interrupted:
      let isQueued = operation.status == .queued
      // The message of one that a worker has taken up comes again.
      guard isQueued || operation.attempt != nil else { throw Self.ended(operation.status) }
      let reason =
        isQueued
        ? "the operation was cancelled before a worker took it up"
        : "the operation was cancelled after the process that worked on it had ended"
      operation.status = .failed
      operation.error = .object(JobError(.cancelled, "\(reason)").members)
      operation.updatedAt = now()
      do {
        try await write(operation, condition: .ifMatch(etag))
      } catch LakeError.conditionNotMet {
        throw Self.elsewhere
      }
      return operation
    case .running: throw Self.elsewhere
    case .succeeded, .partial, .failed: throw Self.ended(operation.status)
    }
  }

  /// The operation's document in the lake, and its etag. One that is `running` and that nobody writes is `interrupted`.
  func document(_ id: String) async throws -> (operation: Operation, etag: String) {
    guard UUID(uuidString: id) != nil else { throw Self.notFound }
    do {
      let path = try path(id.asciiLowercased())
      let reader = try await lake.openReader(path)
      let etag = reader.entry.etag
      await reader.close()
      let bytes = try await lake.readAll(path, limit: Self.maximumBytes)
      var operation = try await LongWork.run(bytes: bytes.count) { try Operation(file: bytes) }
      if operation.status == .running, operation.updatedAt.distance(to: now()) > Self.silence {
        operation.status = .interrupted
      }
      return (operation, etag)
    } catch LakeError.notFound {
      throw Self.notFound
    }
  }

  private static let notFound = JobError(
    .operationNotFound, "there is no operation with that id; use the id in the Location header of the 202 answer")

  private static let elsewhere = JobError(
    .operationElsewhere,
    "another process runs the operation; send the request to that instance, or wait until the operation has ended")

  private static func ended(_ status: Operation.Status) -> JobError {
    JobError(.operationEnded, "the operation has ended already with the status \(status.rawValue)")
  }
}
