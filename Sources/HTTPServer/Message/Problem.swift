package import Essentials

/// An error answer, `application/problem+json` (RFC 9457). `code` is the stable name a program may act on; title and
/// detail are for people and may change.
package struct Problem: Sendable, Equatable {
  /// The status of the response.
  package var status: HTTPStatus
  /// What went wrong this time, and what to do.
  package var detail: String
  /// The stable name, such as `bad_envelope`.
  package var code: String
  /// The request field at fault, such as `date`; nil when no single field is.
  package var field: String?
  /// Further members (RFC 9457 §3.2). They override none of the names above.
  package var members: [String: JSONValue]

  package init(
    status: HTTPStatus, code: String, detail: String, field: String? = nil, members: [String: JSONValue] = [:]
  ) {
    self.status = status
    self.detail = detail
    self.code = code
    self.field = field
    self.members = members
  }

  /// The JSON text in UTF-8. The same problem always gives the same bytes.
  package var json: [UInt8] {
    var all = members
    // The title is that of the status (RFC 9457 §4.2.1).
    all["type"] = "about:blank"
    all["title"] = .string(status.reason)
    all["status"] = .integer(status.code)
    all["detail"] = .string(detail)
    all["code"] = .string(code)
    if let field { all["field"] = .string(field) }
    return Array(JSONValue.object(all).compact.utf8)
  }
}
