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
  /// The kinds of authorization that storage requests carried: `bearer`, `shared_key`, `account_sas`, `service_sas`, `none`.
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
