import Foundation

/// A fault that is ordered: what goes wrong, at which requests.
public struct Fault: Sendable, Equatable {
  /// What goes wrong.
  public var kind: FaultKind
  /// At which operation.
  public var operation: EmulatorOperation
  /// At which of its requests.
  public var trigger: FaultTrigger
  /// Only requests whose path, decoded, has this in it.
  public var pathContains: String?
  /// Seconds: of a stall, or for `Retry-After`.
  public var seconds: Double?
  /// A place in a body, in bytes.
  public var afterBytes: Int?
  /// The speed of a slow link.
  public var bytesPerSecond: Int?
  /// By how much a length is off.
  public var bytes: Int?
  /// How many entries a short page has.
  public var entries: Int?
  /// The status of ``FaultKind/status``.
  public var status: Int?
  /// The error code of ``FaultKind/status``.
  public var code: String?
  /// Where a redirect leads.
  public var location: String?
  /// Whether the operation is done in spite of the error.
  public var applied: Bool
  /// Whether the answer comes before the body was read, and the connection is closed after it.
  public var early: Bool

  /// Parameters that the kind does not use are left out.
  public init(
    _ kind: FaultKind, on operation: EmulatorOperation = .any, _ trigger: FaultTrigger = .always,
    pathContains: String? = nil, seconds: Double? = nil, afterBytes: Int? = nil, bytesPerSecond: Int? = nil,
    bytes: Int? = nil, entries: Int? = nil, status: Int? = nil, code: String? = nil, location: String? = nil,
    applied: Bool = false, early: Bool = false
  ) {
    self.kind = kind
    self.operation = operation
    self.trigger = trigger
    self.pathContains = pathContains
    self.seconds = seconds
    self.afterBytes = afterBytes
    self.bytesPerSecond = bytesPerSecond
    self.bytes = bytes
    self.entries = entries
    self.status = status
    self.code = code
    self.location = location
    self.applied = applied
    self.early = early
  }

  /// Whether a request is one it may strike.
  func fits(_ operation: EmulatorOperation, path: String) -> Bool {
    (self.operation == .any || self.operation == operation) && kind.operations?.contains(operation) ?? true
      && pathContains.map { path.contains($0) } ?? true
  }
}

/// What goes wrong.
public enum FaultKind: String, Sendable, CaseIterable, Codable, CodingKeyRepresentable {
  /// 503 ServerBusy; with `Retry-After` when `seconds` is given.
  case serverBusy = "server_busy"
  /// 500 OperationTimedOut; with `applied` the operation was done all the same.
  case operationTimedOut = "operation_timed_out"
  /// The connection is reset: within the request's body before anything is applied, or within a read's body; after
  /// `after_bytes`, else in its middle; at once when there is no body.
  case reset
  /// The operation is applied, then the connection is reset without an answer.
  case answerLost = "answer_lost"
  /// No byte comes any more until the client goes away or `seconds` are over; from the start, or after `after_bytes` of
  /// the request's or the read's body.
  case stall
  /// Bodies go at `bytes_per_second`, both ways.
  case slow
  /// 401 InvalidAuthenticationInfo to a token that is good.
  case expired
  /// 429 from a token endpoint; with `Retry-After` when `seconds` is given.
  case imdsThrottled = "imds_throttled"
  /// 410 from a token endpoint.
  case imdsGone = "imds_gone"
  /// HEAD tells a length that is off by `bytes` (-1 when not given); GET gives so many bytes fewer than asked, and says
  /// so.
  case wrongLength = "wrong_length"
  /// One bit of a read is flipped: in its middle, or `after_bytes`.
  case corrupt
  /// A read's body ends after `after_bytes`, else in its middle, though `Content-Length` promised more.
  case truncated
  /// 403 AuthorizationPermissionMismatch.
  case forbidden
  /// 307 to `location`.
  case redirect
  /// A page of a listing holds at most `entries` (0 when not given) and a continuation token.
  case shortPage = "short_page"
  /// The `status`, with `code`; for example 404 RenameDestinationParentPathNotFound, or 502 with an HTML body without
  /// code.
  case status

  /// The operations it can strike; nil for each.
  var operations: Set<EmulatorOperation>? {
    switch self {
    case .imdsThrottled, .imdsGone: [.token]
    case .wrongLength: [.read, .properties]
    case .corrupt: [.read]
    case .truncated: [.read, .list, .token]
    case .shortPage: [.list]
    default: nil
    }
  }
}

/// Which of the requests that fit a fault are struck.
public enum FaultTrigger: Sendable, Equatable {
  /// Each.
  case always
  /// The first so many.
  case first(Int)
  /// Every so many: 10 strikes the tenth, the twentieth, and so on.
  case every(Int)
  /// Each with this probability, 0 to 1, from the emulator's seeded generator.
  case rate(Double)
}
