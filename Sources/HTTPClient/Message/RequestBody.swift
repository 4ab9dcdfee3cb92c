/// What a request carries. Its length is always known, so that it is sent with `Content-Length` and never in chunks.
public enum RequestBody: Sendable {
  /// Nothing; `Content-Length: 0` is sent with methods that define a body (RFC 9110 §8.6).
  case none
  /// Bytes in memory; they can be sent again.
  case bytes([UInt8])
  /// `length` bytes in pieces: `next` is asked for one when there is room for it, and gives nil at the end. It can be sent
  /// once only. A stream of another length than `length` fails with ``HTTPClientError/invalidRequest(reason:)``.
  case stream(length: Int, next: @Sendable () async throws -> [UInt8]?)

  /// Bytes in all.
  public var length: Int {
    switch self {
    case .none: 0
    case .bytes(let bytes): bytes.count
    case .stream(let length, _): length
    }
  }
}
