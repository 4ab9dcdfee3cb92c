import CustomHandler
import Essentials
import HTTPServer
import Jobs
import Reporting

/// A job's error as the failure of a timer's or a message's invocation.
struct FailedJob: FunctionFailure, CustomStringConvertible {
  let error: JobError

  var code: String { error.code.rawValue }
  var status: HTTPStatus { HTTPStatus(error.code.status) }
  var detail: String { error.message }
  var field: String? { error.field }
  var description: String { error.description }
}

extension HTTPResponse {
  /// `application/problem+json` (RFC 9457) with the error's own details as further members.
  static func failure(_ error: JobError) -> HTTPResponse {
    let status = HTTPStatus(error.code.status)
    var members = error.members
    members["type"] = .string("about:blank")
    members["title"] = .string(status.reason)
    members["status"] = .integer(status.code)
    var response = json(JSONValue.object(members), status: status)
    response.headers["Content-Type"] = "application/problem+json"
    return response
  }

  /// `value` as JSON, one line.
  static func json(
    _ value: any Encodable, status: HTTPStatus = 200, headers: HTTPFields = [:]
  ) -> HTTPResponse {
    do {
      return json(try ReportJSON.line(value), status: status, headers: headers)
    } catch {
      return failure(JobError(.internal, "the answer could not be written: \(error)"))
    }
  }
}
