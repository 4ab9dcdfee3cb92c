import Archive
package import Essentials
import Foundation
import Lake
package import Reporting

/// Operations whose job is divided into messages, one for each table-day, which any instance takes up.
///
/// The end of each is a file of its own, `_sluice/operations/<id>/<unit>.done.json` or `….failed.json`, so that workers do not
/// wait for one another; whoever writes the last one writes the operation's end.
extension OperationStore {
  /// The end of one unit.
  package struct UnitEnd: Sendable, Equatable {
    /// Such as `events.clicks 2024-01-31`.
    package var tableDay: String
    /// The result of the table-day in the job's report.
    package var result: JSONValue?
    /// Nil for a unit that is done.
    package var error: JSONValue?

    package init(tableDay: String, result: JSONValue?, error: JSONValue? = nil) {
      self.tableDay = tableDay
      self.result = result
      self.error = error
    }

    fileprivate var json: JSONValue {
      var members: [String: JSONValue] = ["table_day": .string(tableDay)]
      members["result"] = result
      members["error"] = error
      return .object(members)
    }

    fileprivate init?(_ json: JSONValue?) {
      guard let members = json?.object, let tableDay = members["table_day"]?.string else { return nil }
      self.init(tableDay: tableDay, result: members["result"], error: members["error"])
    }
  }

  /// How far a unit is.
  package enum UnitState: Sendable, Equatable {
    case open
    /// It has come to its end, done or failed.
    case ended
    /// The operation has ended, so that none of its units is to be done any more.
    case over(Operation.State)
    /// There is no such operation any more.
    case unknown
  }

  /// Whether the unit `number` of the operation is to be done. One of an operation whose document is gone, or damaged, is.
  /// - Parameter kind: what the unit does.
  /// - Throws: ``JobError`` `bad_field` for a number that the operation does not have, and for an operation of another kind;
  ///   ``LakeError``.
  package func state(ofUnit number: Int, of id: String, kind: String) async throws -> UnitState {
    guard let operation = try await readable(id)?.seen(at: now()) else { return .unknown }
    try Self.check(number, of: operation, kind: kind)
    if operation.state.written.hasEnded { return .over(operation.state.written) }
    return try await lake.properties(of: unitPath(number, of: id, hasFailed: false)) == nil ? .open : .ended
  }

  /// The operation; nil where its document is gone, or is none of this program's.
  private func readable(_ id: String) async throws -> Operation? {
    do {
      return try await document(id).operation
    } catch let error as JobError where error.code == .operationNotFound || error.code == .lakeError {
      return nil
    }
  }

  private static func check(_ number: Int, of operation: Operation, kind: String) throws {
    guard let units = operation.units, operation.kind == kind || operation.kind == "nightly_\(kind)" else {
      throw JobError(
        .badField, "the operation is a \(operation.kind) that is not divided into messages of the kind \(kind)",
        field: "operation")
    }
    guard number < units else {
      throw JobError(
        .badField, "expected a number below \(units), those of the operation, got \(number)", field: "unit")
    }
  }

  /// Writes the end of the unit `number`, and that of the operation where it was the last. A unit that is done is not noted as
  /// failed any more; where the operation has ended without it, its end is corrected.
  /// - Throws: ``JobError`` `bad_field` as ``state(ofUnit:of:kind:)``; ``LakeError``; the message has to come again.
  package func note(unit number: Int, of id: String, kind: String, _ end: UnitEnd) async throws {
    guard let operation = try await readable(id) else { return }
    try Self.check(number, of: operation, kind: kind)
    if operation.state.written.hasEnded {
      if end.error == nil { try await correct(id, end) }
      return
    }
    let isDone = try await lake.properties(of: unitPath(number, of: id, hasFailed: false)) != nil
    if !isDone {
      do {
        try await lake.writeAll(
          ReportJSON.bytes(end.json), to: unitPath(number, of: id, hasFailed: end.error != nil),
          temporary: ArchiveLayout.newTemporaryPath(), condition: .ifAbsent)
      } catch LakeError.alreadyExists {
        // Another delivery of the message came first.
      }
    }
    try await closeIfDone(id)
  }

  /// Writes the end of the operation when all its units have ended. Two workers that see it at the same time write the same.
  /// - Throws: ``LakeError``.
  package func closeIfDone(_ id: String) async throws {
    for _ in 0..<5 {
      var (operation, etag): (Operation, String)
      do {
        (operation, etag) = try await document(id)
      } catch let error as JobError where error.code == .operationNotFound || error.code == .lakeError {
        return
      }
      guard let units = operation.units, operation.state.written == .queued else { return }
      let ended = try await endedUnits(id).filter { $0.key < units }
      guard ended.count >= units else { return }
      let ends = try await read(ended, of: id)
      let failures = ends.filter { $0.error != nil }
      let state: Operation.State = failures.isEmpty ? .succeeded : failures.count == ends.count ? .failed : .partial
      // What was known before the units were done stays.
      var result = operation.result?.object ?? [:]
      result["status"] = .string(state == .succeeded ? "ok" : state.rawValue)
      result["results"] = .array(ends.compactMap(\.result))
      if operation.kind == "nightly_backup" {
        let status: JobStatus = state == .succeeded ? .ok : state == .failed ? .failed : .partial
        result = NightlyReport.ended(result, status, failures: failures.map(\.tableDay))
      }
      operation.state = OperationState(state, attempt: operation.state.attempt)
      operation.result = .object(result)
      operation.finished = ends.filter { $0.error == nil }.map(\.tableDay)
      operation.error = failures.first?.error
      operation.progress = Self.progress(units, ended)
      operation.updatedAt = now()
      do {
        try await write(operation, condition: .ifMatch(etag))
        Log.write(
          state == .succeeded ? .info : .error, "the operation has ended",
          [
            "operation": id, "kind": operation.kind, "state": state.rawValue, "table_days": units,
            "failed": failures.count,
          ])
        return await removeUnits(ended, of: id)
      } catch LakeError.conditionNotMet {
        continue
      }
    }
  }

  /// Runs `body`, and cancels it when the operation is cancelled meanwhile by whomever.
  package func watching<Value: Sendable>(_ id: String, _ body: @escaping @Sendable () async -> Value) async -> Value {
    let work = Task { await body() }
    let watch = Task { [interval] in
      while (try? await Task.sleep(for: .seconds(interval))) != nil {
        guard let operation = try? await document(id).operation, operation.state.written == .cancelled else { continue }
        return work.cancel()
      }
    }
    defer { watch.cancel() }
    return await withTaskCancellationHandler {
      await work.value
    } onCancel: {
      work.cancel()
    }
  }

  /// Writes that an operation has failed whose message nobody takes up any more; without one, and for a message that names the operation of
  /// another kind or one that is divided, a new operation with the request.
  /// - Returns: the state that it has now: one that had ended before stays as it was.
  /// - Throws: ``JobError`` `already_running` where an attempt holds the lease; ``LakeError``.
  package func giveUp(_ id: String?, _ draft: Draft, _ error: JobError) async throws -> Operation.State {
    for _ in 0..<5 {
      var operation = Operation(
        id: newID(), kind: draft.kind, state: OperationState(.queued), request: draft.request, at: now())
      var etag: String?
      if let id {
        do {
          let (found, tag) = try await document(id)
          if found.kind == draft.kind, found.units == nil { (operation, etag) = (found, tag) }
        } catch let error as JobError where error.code == .operationNotFound {
          // It was removed while the message waited.
          operation.id = id
        }
      }
      switch operation.state.seen(at: now()) {
      case .succeeded, .partial, .failed, .cancelled: return operation.state.written
      case .running: throw Self.held(operation.id, operation.state.lease)
      case .queued, .lost: break
      }
      operation.state = OperationState(.failed, attempt: operation.state.attempt)
      operation.error = .object(error.members)
      operation.updatedAt = now()
      do {
        try await write(operation, condition: etag.map { .ifMatch($0) } ?? .ifAbsent)
        return .failed
      } catch LakeError.conditionNotMet, LakeError.alreadyExists {
        continue
      }
    }
    throw JobError(.operationChanged, "the operation was changed by another process again and again")
  }

  /// A queued operation with the progress of its units.
  func withUnits(_ operation: Operation) async throws -> Operation {
    guard let units = operation.units, operation.state.written == .queued else { return operation }
    let ended = try await endedUnits(operation.id).filter { $0.key < units }
    var copy = operation
    copy.progress = Self.progress(units, ended)
    if !ended.isEmpty { copy.state = OperationState(.running, attempt: operation.state.attempt) }
    return copy
  }

  private static func progress(_ units: Int, _ ended: [Int: Bool]) -> JSONValue {
    .object([
      "table_days": .integer(units), "finished": .integer(ended.count),
      "failed": .integer(ended.values.count { !$0 }),
      "fraction": .number((Double(ended.count) / Double(max(units, 1)) * 1000).rounded() / 1000),
    ])
  }

  /// The units that have ended, and whether each is done.
  private func endedUnits(_ id: String) async throws -> [Int: Bool] {
    var ended: [Int: Bool] = [:]
    do {
      for try await entry in lake.list(under: try unitsFolder(id), recursive: false) where !entry.isDirectory {
        let parts = entry.path.name.split(separator: ".")
        guard parts.count == 3, let number = Int(parts[0]) else { continue }
        ended[number] = parts[1] == "done" || ended[number] == true
      }
    } catch LakeError.notFound {
      return [:]
    }
    return ended
  }

  private func read(_ ended: [Int: Bool], of id: String) async throws -> [UnitEnd] {
    let numbers = ended.keys.sorted()
    var ends: [UnitEnd] = []
    for start in stride(from: 0, to: numbers.count, by: Self.writesAtOnce) {
      let chunk = numbers[start..<min(numbers.count, start + Self.writesAtOnce)]
      let paths = try chunk.map { ($0, try unitPath($0, of: id, hasFailed: ended[$0] == false)) }
      let read = try await Self.read(paths, in: lake)
      ends += chunk.map { number in
        read[number]
          ?? UnitEnd(
            tableDay: "unit \(number)", result: nil,
            error: .object(JobError(.lakeError, "what the lake has of the table-day's end cannot be read").members))
      }
    }
    return ends
  }

  private static func read(
    _ paths: [(number: Int, path: LakePath)], in lake: any LakeStore
  ) async throws -> [Int: UnitEnd] {
    try await withThrowingTaskGroup(of: (Int, UnitEnd?).self) { group in
      for (number, path) in paths {
        group.addTask {
          let bytes = try await lake.readAll(path, limit: maximumBytes)
          return (number, UnitEnd(try? JSONValue(parsing: bytes)))
        }
      }
      var read: [Int: UnitEnd] = [:]
      for try await (number, end) in group { read[number] = end }
      return read
    }
  }

  private func removeUnits(_ ended: [Int: Bool], of id: String) async {
    for number in ended.keys {
      for hasFailed in [false, true] {
        // Old files are removed by the nightly run in any case.
        if let path = try? unitPath(number, of: id, hasFailed: hasFailed) { try? await lake.delete(path) }
      }
    }
    if let folder = try? unitsFolder(id) { try? await lake.delete(folder) }
  }

  private func unitsFolder(_ id: String) throws -> LakePath {
    try ArchiveLayout.operationsFolder.appending(id.asciiLowercased())
  }

  private func unitPath(_ number: Int, of id: String, hasFailed: Bool) throws -> LakePath {
    try unitsFolder(id).appending("\(number).\(hasFailed ? "failed" : "done").json")
  }
}
