import Synchronization

/// The list of the program's unfinished work. The program prints it when it has to end before the work does.
package enum WorkUnderWay {
  private struct State {
    var last = 0
    var entries: [Int: @Sendable () -> String] = [:]
  }

  private static let state = Mutex(State())

  /// Lists an entry while `body` runs. `what` is called when the list is read.
  package static func listing<Result>(
    _ what: @escaping @Sendable () -> String, _ body: () async throws -> Result
  ) async rethrows -> Result {
    let id = begin(what)
    defer { end(id) }
    return try await body()
  }

  /// All entries, the oldest first.
  package static var all: [String] {
    state.withLock { $0.entries }.sorted { $0.key < $1.key }.map { $0.value() }
  }

  package static func begin(_ what: @escaping @Sendable () -> String) -> Int {
    state.withLock { state in
      state.last += 1
      state.entries[state.last] = what
      return state.last
    }
  }

  package static func end(_ id: Int) {
    state.withLock { $0.entries[id] = nil }
  }
}

extension JobProgress {
  /// The entry for ``WorkUnderWay`` of a job of `kind`.
  package func words(_ kind: String) -> String {
    let reading = reading
    return [kind, reading.subject, "(\(reading.rows) rows)"].filter { !$0.isEmpty }.joined(separator: " ")
  }
}
