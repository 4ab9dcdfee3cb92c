import Synchronization

/// What the emulator has seen since its start or the last reset. It holds no secrets.
public struct EmulatorJournal: Sendable, Codable, Equatable {
  /// Requests by operation, also those that failed.
  public var operations: [EmulatorOperation: Int] = [:]
  /// Answers by operation and status; a request that got no answer is not among them.
  public var statuses: [EmulatorOperation: [String: Int]] = [:]
  /// Faults that struck, by kind.
  public var faults: [FaultKind: Int] = [:]
  /// Token requests at all endpoints.
  public var tokenRequests = 0
  /// The kinds of authorization that storage requests carried: `bearer`, `shared_key`, `account_sas`, `service_sas`,
  /// `none`.
  public var authorization: Set<String> = []
  /// The most appends that were being received at one time.
  public var peakParallelAppends = 0
  /// Bytes of appends that were taken.
  public var bytesReceived = 0
  /// Bytes of files that reads were to be given.
  public var bytesSent = 0
  /// Connections accepted.
  public var connections = 0

  enum CodingKeys: String, CodingKey {
    case operations, statuses, faults, authorization, connections
    case tokenRequests = "token_requests"
    case peakParallelAppends = "peak_parallel_appends"
    case bytesReceived = "bytes_received"
    case bytesSent = "bytes_sent"
  }
}

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
