import Synchronization

/// Keeps the ``EmulatorJournal``.
final class Journal: Sendable {
  private struct State {
    var entries = EmulatorJournal()
    var appends = 0
  }

  private let state = Mutex(State())

  var entries: EmulatorJournal { state.withLock { $0.entries } }

  func reset() { state.withLock { $0.entries = EmulatorJournal() } }

  func connected() { state.withLock { $0.entries.connections += 1 } }

  func began(_ operation: EmulatorOperation, fault: Fault?) {
    state.withLock { state in
      state.entries.operations[operation, default: 0] += 1
      if operation == .token { state.entries.tokenRequests += 1 }
      if let fault { state.entries.faults[fault.kind, default: 0] += 1 }
    }
  }

  func answered(_ operation: EmulatorOperation, status: Int) {
    state.withLock { $0.entries.statuses[operation, default: [:]][String(status), default: 0] += 1 }
  }

  func authorized(by kind: String) { state.withLock { _ = $0.entries.authorization.insert(kind) } }

  func appendBegan() {
    state.withLock { state in
      state.appends += 1
      state.entries.peakParallelAppends = max(state.entries.peakParallelAppends, state.appends)
    }
  }

  func appendEnded() { state.withLock { $0.appends -= 1 } }

  func received(_ count: Int) { state.withLock { $0.entries.bytesReceived += count } }

  func sent(_ count: Int) { state.withLock { $0.entries.bytesSent += count } }
}
