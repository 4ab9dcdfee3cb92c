import COpenSSL
import Essentials
import Foundation

/// An account's key, which signs requests.
package struct SharedKey: Sendable {
  private let account: String
  /// In base64.
  private let text: Secret

  /// Takes a key as the portal shows it, in base64; nil for anything else.
  package init?(account: String, base64 text: String) {
    guard let key = Data(base64Encoded: text), !key.isEmpty else { return nil }
    self.account = account
    self.text = Secret(text)
  }

  /// The `Authorization` of a request.
  func authorization(for request: SignedParts) -> String {
    "SharedKey \(account):\(Data(hmac(request.text(account: account))).base64EncodedString())"
  }

  /// HMAC-SHA256 (FIPS 198-1) of the text.
  private func hmac(_ message: String) -> [UInt8] {
    let key = [UInt8](Data(base64Encoded: text.reveal()) ?? Data())
    let message = Array(message.utf8)
    return [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { buffer, count in
      var length: CUnsignedInt = 0
      guard
        HMAC(EVP_sha256(), key, CInt(key.count), message, message.count, buffer.baseAddress, &length) != nil
      else { fatalError("OpenSSL: there is no memory for a signature") }
      count = Int(length)
    }
  }
}

/// What a signature covers ("Authorize with Shared Key", the string to sign of 2009-09-19 and later).
struct SignedParts {
  let method: String
  /// The path as sent, percent-encoded.
  let path: String
  /// The query's names and values, not encoded.
  let query: [(name: String, value: String)]
  let fields: [(name: String, value: String)]
  let bodyLength: Int

  func text(account: String) -> String {
    let values = Dictionary(
      fields.map { ($0.name.asciiLowercased(), $0.value) }, uniquingKeysWith: { first, _ in first })
    var lines = [method]
    for name in ["content-encoding", "content-language"] { lines.append(values[name] ?? "") }
    lines.append(bodyLength == 0 ? "" : String(bodyLength))
    // `Date` stays empty: `x-ms-date` is sent in its place.
    for name in [
      "content-md5", "content-type", "", "if-modified-since", "if-match", "if-none-match", "if-unmodified-since",
      "range",
    ] {
      lines.append(values[name] ?? "")
    }
    for (name, value) in values.filter({ $0.key.hasPrefix("x-ms-") }).sorted(by: { $0.key < $1.key }) {
      lines.append("\(name):\(value)")
    }
    lines.append("/\(account)\(path)")
    for (name, value) in query.map({ ($0.name.asciiLowercased(), $0.value) }).sorted(by: { $0.0 < $1.0 }) {
      lines.append("\(name):\(value)")
    }
    return lines.joined(separator: "\n")
  }
}
