import Essentials

/// An error answer, `application/problem+json` (RFC 9457). `code` is the stable name a program may act on; title and
/// detail are for people and may change.
public struct Problem: Sendable, Equatable {
  /// A URI for the kind of problem; `about:blank` says that the title is that of the status (RFC 9457 §4.2.1).
  public var type: String
  /// A short text for the kind of problem.
  public var title: String
  /// The status of the response.
  public var status: HTTPStatus
  /// What went wrong this time, and what to do.
  public var detail: String
  /// The stable name, such as `bad_envelope`.
  public var code: String
  /// The request field at fault, such as `date`; nil when no single field is.
  public var field: String?
  /// Further members with text values, written in the order of their names (RFC 9457 §3.2). The names above are not
  /// overridden.
  public var extensions: [String: String]

  /// A problem; the title is the status's reason phrase unless given.
  public init(
    status: HTTPStatus, code: String, detail: String, title: String? = nil, type: String = "about:blank",
    field: String? = nil, extensions: [String: String] = [:]
  ) {
    self.type = type
    self.title = title ?? status.reason
    self.status = status
    self.detail = detail
    self.code = code
    self.field = field
    self.extensions = extensions
  }

  /// The JSON text in UTF-8. The same problem always gives the same bytes.
  public var json: [UInt8] {
    var members = [
      ("type", JSONText.quoted(type)), ("title", JSONText.quoted(title)), ("status", String(status.code)),
      ("detail", JSONText.quoted(detail)), ("code", JSONText.quoted(code)),
    ]
    if let field { members.append(("field", JSONText.quoted(field))) }
    let taken = Set(members.map(\.0))
    for (name, value) in extensions.sorted(by: { $0.key < $1.key }) where !taken.contains(name) {
      members.append((name, JSONText.quoted(value)))
    }
    let text = members.map { JSONText.quoted($0.0) + ":" + $0.1 }.joined(separator: ",")
    return Array("{\(text)}".utf8)
  }
}
