import Essentials
import HTTPServer

/// The key that callers must show when no Functions host stands in front. It cannot be printed.
public struct AccessKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let bytes: [UInt8]

  /// Nil for an empty key: it would let everyone in.
  public init?(_ key: String) {
    guard !key.isEmpty else { return nil }
    bytes = Array(key.utf8)
  }

  /// Whether `candidate` is the key. The time depends on the candidate's length alone: every byte of it is compared,
  /// whether or not the ones before or the lengths agree.
  public func matches(_ candidate: String) -> Bool {
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

  /// Whether a request shows the key, in the header `x-functions-key` or the query item `code`.
  func isShown(in request: HTTPRequest) -> Bool {
    var shown = false
    for candidate in request.headers.values(Self.header) + request.query.items.filter(Self.isCode).map(\.value)
    where matches(candidate) {
      shown = true
    }
    return shown
  }

  /// The request without any key, so that none reaches a handler or a log.
  static func removed(from request: HTTPRequest) -> HTTPRequest {
    var request = request
    request.removeQueryItems(named: "code")
    request.headers.remove(header)
    return request
  }

  private static let header = "x-functions-key"

  private static func isCode(_ item: HTTPQuery.Item) -> Bool { item.name.equalsIgnoringASCIICase("code") }

  /// Not the key.
  public var description: String { "AccessKey(hidden)" }
  /// Not the key.
  public var debugDescription: String { description }
  /// No children, so that `dump` shows nothing either.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
