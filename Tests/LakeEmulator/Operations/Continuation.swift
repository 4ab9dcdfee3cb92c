import Foundation

/// The token of a listing that goes on. It holds `+`, `/` and `=`, so that a client that does not percent-encode it fails.
struct Continuation {
  // Bytes that base64 writes as `+/+/`.
  private static let mark: [UInt8] = [0xFB, 0xFF, 0xBF]
  /// The path after which the listing goes on; root for its beginning.
  let last: PathName

  init(last: PathName) {
    self.last = last
  }

  /// - Throws: ``ServiceError`` for what is no token.
  init(token: String) throws(ServiceError) {
    guard let data = Data(base64Encoded: token), data.starts(with: Self.mark),
      let text = String(validating: data.dropFirst(Self.mark.count), as: UTF8.self)
    else { throw .badQuery("continuation") }
    last = try PathName(decoded: text.trimmingCharacters(in: .whitespaces))
  }

  var token: String {
    var bytes = Self.mark + Array(last.text.utf8)
    // Padding, so that the token ends with `=`: spaces in front do no harm to the path.
    if bytes.count % 3 == 0 { bytes.insert(UInt8(ascii: " "), at: Self.mark.count) }
    return Data(bytes).base64EncodedString()
  }
}
