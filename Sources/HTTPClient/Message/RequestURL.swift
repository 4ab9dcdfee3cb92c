import Essentials
import Foundation

/// An absolute http or https URL that is checked, so that the host it names is the host that is spoken to.
///
/// Its description leaves the query out: a shared access signature lies there.
package struct RequestURL: Hashable, Sendable {
  /// Whether TLS is spoken.
  package let usesTLS: Bool
  /// The host in lower case; an IPv6 address stands in brackets.
  package let host: String
  package let port: Int
  /// The path and the query, percent-encoded, as sent; begins with a slash.
  package let target: String

  /// Takes the parts; throws ``HTTPClientError/invalidRequest(reason:)`` for what can't be sent as it is.
  package init(usesTLS: Bool, host: String, port: Int? = nil, target: String) throws(HTTPClientError) {
    let host = host.asciiLowercased()
    guard Self.isHost(host) else { throw .invalidRequest(reason: "the URL's host is missing or malformed") }
    let port = port ?? (usesTLS ? 443 : 80)
    guard (1...65_535).contains(port) else {
      throw .invalidRequest(reason: "the URL's port is not a number from 1 to 65535")
    }
    guard target.hasPrefix("/"), target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
      throw .invalidRequest(reason: "the URL's path must begin with / and be percent-encoded, without a fragment")
    }
    self.usesTLS = usesTLS
    self.host = host
    self.port = port
    self.target = target
  }

  /// Reads an absolute URL; throws ``HTTPClientError/invalidRequest(reason:)``. The text itself is never repeated.
  package init(parsing text: String) throws(HTTPClientError) {
    guard let separator = text.range(of: "://") else { throw .invalidRequest(reason: "the URL has no scheme") }
    let usesTLS: Bool
    switch text[..<separator.lowerBound].asciiLowercased() {
    case "https": usesTLS = true
    case "http": usesTLS = false
    default: throw .invalidRequest(reason: "the URL's scheme is neither http nor https")
    }
    let rest = text[separator.upperBound...]
    let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
    let authority = rest[..<end]
    guard !authority.contains("@") else { throw .invalidRequest(reason: "the URL must hold no user or password") }
    var host = authority
    var port: Int?
    if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
      host = authority[..<colon]
      let digits = authority[authority.index(after: colon)...]
      guard !digits.isEmpty, digits.utf8.allSatisfy(\.isDigit), let number = Int(digits) else {
        throw .invalidRequest(reason: "the URL's port is not a number from 1 to 65535")
      }
      port = number
    }
    let target = rest[end...]
    try self.init(
      usesTLS: usesTLS, host: String(host), port: port, target: target.hasPrefix("/") ? String(target) : "/" + target)
  }

  /// The URL as it is sent; may hold a secret in its query.
  package var absoluteText: String { origin + target }

  /// Scheme, host and port.
  package var origin: String {
    let shownPort = port == (usesTLS ? 443 : 80) ? "" : ":\(port)"
    return "\(usesTLS ? "https" : "http")://\(host)\(shownPort)"
  }

  /// Labels of letters, digits, hyphens and underscores, or an IPv6 address in brackets.
  private static func isHost(_ host: String) -> Bool {
    if host.hasPrefix("[") {
      return host.hasSuffix("]") && host.utf8.count > 4
        && host.utf8.dropFirst().dropLast().allSatisfy {
          (0x30...0x3A).contains($0) || (0x61...0x66).contains($0) || $0 == UInt8(ascii: ".")
        }
    }
    return !host.isEmpty && host.utf8.count <= 253
      && host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
        !label.isEmpty && label.utf8.count <= 63
          && label.utf8.allSatisfy {
            $0.isAlpha || $0.isDigit || $0 == UInt8(ascii: "-")
              || $0 == UInt8(ascii: "_")
          }
      }
  }
}

extension RequestURL: CustomStringConvertible, CustomDebugStringConvertible {
  /// The URL without its query.
  package var description: String { origin + target.prefix { $0 != "?" } }
  /// The same as `description`.
  package var debugDescription: String { description }
}
