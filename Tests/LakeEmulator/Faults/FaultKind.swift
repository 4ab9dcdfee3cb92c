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
  /// HEAD tells a length that is off by `bytes` (-1 when not given); GET gives so many bytes fewer than asked, and says so.
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
  /// The `status`, with `code`; for example 404 RenameDestinationParentPathNotFound, or 502 with an HTML body without code.
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
