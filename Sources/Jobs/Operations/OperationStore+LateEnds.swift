import Essentials
import Lake

/// Units that are done after their operation has ended.
extension OperationStore {
  /// Writes into an operation that has ended with failures that one of its units is done after all: its message was given up while a
  /// worker was at it.
  func correct(_ id: String, _ end: UnitEnd) async throws {
    for _ in 0..<5 {
      var (operation, etag) = try await document(id)
      guard [.partial, .failed].contains(operation.state.written), !operation.finished.contains(end.tableDay) else {
        return
      }
      operation.finished.append(end.tableDay)
      var result = operation.result?.object ?? [:]
      if case .array(let results)? = result["results"], let new = end.result {
        result["results"] = .array(results.filter { !Self.isSame($0, new) } + [new])
      }
      let isWhole = operation.finished.count >= operation.units ?? .max
      operation.state = OperationState(isWhole ? .succeeded : .partial, attempt: operation.state.attempt)
      result["status"] = .string(isWhole ? "ok" : "partial")
      operation.result = .object(result)
      if isWhole { operation.error = nil }
      operation.updatedAt = now()
      do {
        try await write(operation, condition: .ifMatch(etag))
        return
      } catch LakeError.conditionNotMet {
        continue
      }
    }
  }

  /// Whether two results are of one table-day.
  private static func isSame(_ one: JSONValue, _ other: JSONValue) -> Bool {
    ["table", "date"].allSatisfy { one.object?[$0] == other.object?[$0] }
  }
}
