import Essentials
import HTTPServer

/// A `traceparent` header that is well-formed (W3C Trace Context §3.2).
public struct TraceParent: Sendable, Equatable, CustomStringConvertible {
  /// The header's value.
  public let description: String

  /// Nil for anything that is not of the W3C form: such a header is to be ignored.
  public init?(_ value: String) {
    guard
      let match = value.wholeMatch(of: #/([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-[!-~]*)?/#),
      match.1 != "ff", match.2.contains(where: { $0 != "0" }), match.3.contains(where: { $0 != "0" }),
      // Only a later version may go on after the flags.
      match.5 == nil || match.1 != "00"
    else { return nil }
    description = value
  }

  init?(_ headers: HTTPFields) {
    let values = headers.values("traceparent")
    guard values.count == 1 else { return nil }
    self.init(values[0])
  }
}
