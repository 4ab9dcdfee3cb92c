package import Essentials
import HTTPServer

/// The key that callers must send when no Functions host stands in front.
package struct AccessKey: Sendable {
  private let key: Secret

  /// Nil for an empty key, with which every caller would be admitted.
  package init?(_ key: Secret) {
    guard !key.reveal().isEmpty else { return nil }
    self.key = key
  }

  /// Whether `candidate` is the key. The time depends on the candidate's length alone: every byte of it is compared,
  /// whether or not the ones before or the lengths agree.
  package func matches(_ candidate: String) -> Bool {
    let bytes = Array(key.reveal().utf8)
    let other = Array(candidate.utf8)
    var difference = bytes.count ^ other.count
    var position = 0
    for byte in other {
      difference |= Int(byte ^ bytes[position])
      position += 1
      if position == bytes.count { position = 0 }
    }
    return difference == 0
  }

  /// Whether a request carries the key, in the header `x-functions-key` or the query item `code`.
  func isShown(in request: HTTPRequest) -> Bool {
    var shown = false
    for candidate in request.headers.values(Self.header) + request.query.items.filter(Self.isCode).map(\.value)
    where matches(candidate) {
      shown = true
    }
    return shown
  }

  /// Whether a request carries one of `keys` in the header `x-functions-key`, or in `Authorization` as a bearer's. All are compared, whether or
  /// not one before has matched.
  static func isShown(_ keys: [AccessKey], inHeadersOf request: HTTPRequest) -> Bool {
    let bearers = request.headers.values("Authorization").compactMap { value -> String? in
      let parts = value.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, String(parts[0]).equalsIgnoringASCIICase("bearer") else { return nil }
      return String(parts[1])
    }
    var shown = false
    for candidate in request.headers.values(header) + bearers {
      for key in keys where key.matches(candidate) { shown = true }
    }
    return shown
  }

  /// The request without any key, so that none reaches a handler or a log.
  static func removed(from request: HTTPRequest) -> HTTPRequest {
    var request = request
    request.removeQueryItems(named: "code")
    request.headers.remove(header)
    request.headers.remove("Authorization")
    return request
  }

  private static let header = "x-functions-key"

  private static func isCode(_ item: HTTPQuery.Item) -> Bool { item.name.equalsIgnoringASCIICase("code") }
}
