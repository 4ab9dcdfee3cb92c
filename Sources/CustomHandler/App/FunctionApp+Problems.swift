import Essentials
import HTTPServer

extension FunctionApp {
  static let unauthorized = HTTPResponse.problem(
    Problem(
      status: 401, code: "unauthorized",
      detail: "Send the access key in the header `x-functions-key` or the query item `code`."),
    // RFC 9110 §11.6.1: a 401 names a scheme. There is no registered one for a key in a header of its own.
    headers: ["WWW-Authenticate": "FunctionsKey"])

  static let ownKeyMissing = HTTPResponse.problem(
    Problem(
      status: 401, code: "unauthorized",
      detail:
        "Send MAINTENANCE_KEY or SLUICE_KEY of the program in the header `x-functions-key`, or as a bearer's token; a key "
        + "that is not set admits nobody."),
    headers: ["WWW-Authenticate": "FunctionsKey"])

  static let foreignCaller = HTTPResponse.problem(
    Problem(
      status: 403, code: "foreign_caller",
      detail: "This server has no access key, so it accepts requests only from programs on this machine: `Host` must "
        + "be localhost, 127.0.0.1 or [::1], and the request must not come from a web page. Set SLUICE_KEY to serve "
        + "others."
    ))

  static func wrongMethod(allow: [HTTPMethod]) -> HTTPResponse {
    let list = allow.map(\.rawValue).joined(separator: ", ")
    return .problem(
      Problem(status: 405, code: "method_not_allowed", detail: "This path accepts \(list)."), headers: ["Allow": list])
  }

  /// Envelope paths and the root are there for one method alone.
  func notFound(_ request: HTTPRequest) -> HTTPResponse {
    if request.path == "/" { return Self.wrongMethod(allow: [.get, .head]) }
    if request.pathSegments.count == 1, routes.functions.contains(where: { $0.name == request.pathSegments[0] }) {
      return Self.wrongMethod(allow: [.post])
    }
    if HTTPMethod.refused.contains(request.method) { return Self.wrongMethod(allow: HTTPMethod.known) }
    return .problem(
      Problem(
        status: 404, code: "not_found",
        detail: "No function has this path; the paths begin with /\(routes.routePrefix)."))
  }

  /// `init` has checked that every handler is there.
  static func broken(_ function: FunctionRoute) -> HTTPResponse {
    .problem(
      Problem(
        status: 500, code: "missing_handler",
        detail: "Function `\(function.name)` has no handler `\(function.handler)`."))
  }
}
