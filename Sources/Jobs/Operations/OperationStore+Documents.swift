import Archive
import Essentials
import Foundation
import Lake
import Reporting

/// Which operations are listed.
package struct OperationFilter: Sendable, Equatable {
  package var kind: String?
  package var state: Operation.State?

  package init(kind: String? = nil, state: Operation.State? = nil) {
    self.kind = kind
    self.state = state
  }

  func matches(_ operation: Operation) -> Bool {
    (kind == nil || operation.kind == kind) && (state == nil || operation.state.written == state)
  }
}

/// A part of the list of operations.
package struct OperationPage: Sendable, Encodable {
  /// The latest first.
  package let operations: [Operation]
  /// What the next request gives as `after`; nil at the end.
  package let next: String?
  /// Documents among those that were looked at which could not be read; nil for none.
  package let unreadable: Int?
}

extension OperationStore {
  /// The operation's current state.
  /// - Throws: ``JobError`` `operation_not_found`; ``LakeError``.
  package func operation(_ id: String) async throws -> Operation {
    if let current = running[id] { return present(current) }
    if let ended = unwritten.last(where: { $0.id == id }) { return ended }
    let operation = try await document(id).operation.seen(at: now())
    return operation.units == nil ? operation : try await withUnits(operation)
  }

  /// Operations, the latest first.
  ///
  /// Documents are read from the latest on until `limit` of them match, so that a filter that matches few reads many.
  /// - Parameter after: an operation's id; the list goes on with those before it.
  /// - Throws: ``LakeError``. A document that cannot be read is left out, and counted.
  package func list(
    _ filter: OperationFilter = OperationFilter(), limit: Int = 50, after: String? = nil
  ) async throws -> OperationPage {
    var ids: [String] = []
    for try await entry in lake.list(under: try ArchiveLayout.operationsFolder, recursive: false)
    where entry.path.name.hasSuffix(".json") {
      ids.append(String(entry.path.name.dropLast(".json".count)))
    }
    ids += running.filter { $0.value.etag != nil && !ids.contains($0.key) }.keys
    // Those of earlier versions have random ids, which are not of version 7.
    func rank(_ id: String) -> String { Self.isOrdered(id) ? "1\(id)" : "0\(id)" }
    ids = ids.filter { id in after.map { rank(id) < rank($0) } ?? true }.sorted { rank($0) > rank($1) }
    var found: [Operation] = []
    var unreadable = 0
    func page(_ next: String?) -> OperationPage {
      OperationPage(operations: found, next: next, unreadable: unreadable == 0 ? nil : unreadable)
    }
    for chunk in stride(from: 0, to: ids.count, by: Self.readsAtOnce) {
      let (operations, failures) = await documents(Array(ids[chunk..<min(ids.count, chunk + Self.readsAtOnce)]))
      unreadable += failures
      for operation in operations where filter.matches(operation) {
        if found.count == limit { return page(found.last?.id) }
        found.append(operation)
      }
    }
    return page(nil)
  }

  private static let readsAtOnce = 16

  /// Whether an id tells when it was made (RFC 9562, version 7).
  private static func isOrdered(_ id: String) -> Bool {
    let parts = id.split(separator: "-")
    return parts.count == 5 && parts[2].hasPrefix("7")
  }

  /// The operations of `ids`, in their order, and how many of them could not be read. One that was removed meanwhile is neither.
  private func documents(_ ids: [String]) async -> (operations: [Operation], unreadable: Int) {
    await withTaskGroup(of: (Int, Operation?, isUnreadable: Bool).self) { group in
      for (index, id) in ids.enumerated() {
        group.addTask {
          do {
            return (index, try await self.operation(id), false)
          } catch {
            let error = JobError(cause: error)
            guard error.code != .operationNotFound, !Task.isCancelled else { return (index, nil, false) }
            Log.write(.debug, "an operation's document could not be read", ["id": id, "reason": error.message])
            return (index, nil, true)
          }
        }
      }
      var found = [Operation?](repeating: nil, count: ids.count)
      var unreadable = 0
      for await (index, operation, isUnreadable) in group {
        found[index] = operation
        if isUnreadable { unreadable += 1 }
      }
      return (found.compactMap(\.self), unreadable)
    }
  }

  /// Cancels the operation and returns its current state. One that runs ends as `cancelled` once it has cleaned up: here at
  /// once, on another instance when that renews its lease. One that is queued or lost has ended at once, and a worker drops its message.
  /// - Throws: ``JobError`` `operation_not_found`, `operation_ended`, `operation_changed`; ``LakeError``.
  package func cancel(_ id: String) async throws -> Operation {
    if let current = running[id] {
      cancelHere(id)
      return present(current)
    }
    if let ended = unwritten.last(where: { $0.id == id }) { throw Self.ended(ended.state.written) }
    return try await cancelDocument(id)
  }

  /// Cancels an operation by its document.
  func cancelDocument(_ id: String) async throws -> Operation {
    for _ in 0..<5 {
      var (operation, etag) = try await document(id)
      let wasLost = operation.state.seen(at: now()) == .lost
      do throws(OperationState.Refusal) {
        if try operation.state.cancel(at: now()) {
          let reason: ErrorText =
            wasLost
            ? "the operation was cancelled after the process that worked on it had ended"
            : "the operation was cancelled before a worker took it up"
          operation.error = .object(JobError(.cancelled, reason).members)
        }
      } catch {
        if case .ended(let state) = error { throw Self.ended(state) }
        throw Self.held(id, operation.state.lease)
      }
      operation.updatedAt = now()
      do {
        try await write(operation, condition: .ifMatch(etag))
        return operation
      } catch LakeError.conditionNotMet {
        // The attempt has renewed its lease in between.
        continue
      }
    }
    throw JobError(
      .operationChanged, "the operation was changed by another process again and again; send the request again")
  }

  /// The operation's document in the lake, and its etag.
  func document(_ id: String) async throws -> (operation: Operation, etag: String) {
    guard UUID(uuidString: id) != nil else { throw Self.notFound }
    do {
      let path = try path(id.asciiLowercased())
      let reader = try await lake.openReader(path)
      let etag = reader.entry.etag
      await reader.close()
      let bytes = try await lake.readAll(path, limit: Self.maximumBytes)
      return (try await LongWork.run(bytes: bytes.count) { try Operation(file: bytes) }, etag)
    } catch var error as JobError where error.code == .lakeError {
      error.text = "\((try? path(id)).map { "\($0)" } ?? id): " + error.text
      throw error
    } catch LakeError.notFound {
      throw Self.notFound
    }
  }

  static let notFound = JobError(
    .operationNotFound, "there is no operation with that id; GET /api/operations and sluice operations list show them")

  static func ended(_ state: Operation.State) -> JobError {
    JobError(.operationEnded, "the operation has ended already with the state \(state.rawValue)")
  }
}
