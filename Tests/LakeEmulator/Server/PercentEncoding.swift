/// RFC 3986 percent-encoding, by hand: Foundation's reading of a path is more lenient than the service's.
enum PercentEncoding {
  /// - Throws: ``ServiceError`` when it is broken or not UTF-8.
  static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) throws(ServiceError) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "%"):
        guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
          throw ServiceError(400, "InvalidUri", "The request URI is invalid: a percent sign without two hex digits.")
        }
        rest = rest.dropFirst(2)
        bytes.append(value)
      case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
      default: bytes.append(byte)
      }
    }
    guard let decoded = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
      throw ServiceError(400, "InvalidUri", "The request URI is invalid: not UTF-8.")
    }
    return decoded
  }
}
