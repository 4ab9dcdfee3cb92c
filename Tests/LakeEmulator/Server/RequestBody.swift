import Glibc

/// The body of one request, read as it comes.
final class RequestBody {
  /// All of it.
  let length: Int
  private(set) var remaining: Int
  /// Whether the client holds the body back until `100 Continue`.
  private(set) var isHeldBack: Bool
  private let input: ConnectionInput
  private let transport: any Transport
  private let shaping: TransferShaping

  init(
    length: Int, expectsContinue: Bool, input: ConnectionInput, transport: any Transport, shaping: TransferShaping
  ) {
    self.length = length
    remaining = length
    isHeldBack = expectsContinue && length > 0
    self.input = input
    self.transport = transport
    self.shaping = shaping
  }

  /// The next bytes, valid until the next call; nil at the end.
  func next() throws(ConnectionLoss) -> UnsafeRawBufferPointer? {
    guard remaining > 0 else { return nil }
    if isHeldBack {
      isHeldBack = false
      try transport.write("HTTP/1.1 100 Continue\r\n\r\n")
    }
    let allowed = try shaping.allowance(after: length - remaining, of: length)
    let bytes = try input.readBody(upTo: min(remaining, allowed))
    remaining -= bytes.count
    shaping.pause(for: bytes.count)
    return bytes
  }

  /// Reads what is left and throws it away.
  func drain() throws(ConnectionLoss) {
    while try next() != nil {}
  }

  /// All of a body that is known to be small.
  /// - Throws: ``ServiceError`` when it is not; ``ConnectionLoss``.
  func collect(limit: Int = 1 << 20) throws -> [UInt8] {
    guard length <= limit else { throw ServiceError(413, "RequestBodyTooLarge", "The body is over \(limit) bytes.") }
    var all: [UInt8] = []
    while let bytes = try next() { all += bytes }
    return all
  }
}
