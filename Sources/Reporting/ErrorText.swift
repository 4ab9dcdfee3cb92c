/// The text of an error. It marks the fields of the request, so that each interface names them in its own way: HTTP
/// says `destination.on_existing`, the command line `--on-existing`.
///
/// `"pass \(field: "destination.on_existing") \"append\""` marks one.
package struct ErrorText: Sendable, Equatable, ExpressibleByStringInterpolation, CustomStringConvertible {
  fileprivate enum Part: Sendable, Equatable {
    case text(String)
    case field(String)
  }

  private var parts: [Part]

  package init(stringLiteral value: String) {
    parts = [.text(value)]
  }

  /// A text without fields.
  package init(_ text: String) {
    parts = [.text(text)]
  }

  package init(stringInterpolation: StringInterpolation) {
    parts = stringInterpolation.parts
  }

  /// The text, with each field under the name that `name` gives it.
  package func text(_ name: (String) -> String) -> String {
    parts.map { part in
      switch part {
      case .text(let text): text
      case .field(let field): name(field)
      }
    }.joined()
  }

  /// The text with the fields' JSON paths, as HTTP and queue messages name them.
  package var description: String { text { $0 } }

  /// A copy in which `change` is applied to everything except the fields' names.
  package func replacing(_ change: (String) -> String) -> ErrorText {
    var copy = self
    copy.parts = parts.map { part in
      guard case .text(let text) = part else { return part }
      return .text(change(text))
    }
    return copy
  }

  package static func + (one: ErrorText, other: ErrorText) -> ErrorText {
    var copy = one
    copy.parts += other.parts
    return copy
  }

  package static func += (one: inout ErrorText, other: ErrorText) {
    one = one + other
  }

  package struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var parts: [Part] = []

    package init(literalCapacity: Int, interpolationCount: Int) {}

    package mutating func appendLiteral(_ literal: String) { parts.append(.text(literal)) }

    package mutating func appendInterpolation(_ value: some CustomStringConvertible) { parts.append(.text("\(value)")) }

    package mutating func appendInterpolation(_ error: any Error) { parts.append(.text("\(error)")) }

    package mutating func appendInterpolation(_ text: ErrorText) { parts += text.parts }

    /// A field of the request, by its path in the JSON form.
    package mutating func appendInterpolation(field: String) { parts.append(.field(field)) }
  }
}
