import CustomHandler
import Essentials
package import HTTPServer
import Jobs
package import Reporting

extension JobError: FunctionFailure {
  /// The problem document, with the error's details as further members.
  package var problem: Problem {
    Problem(
      status: HTTPStatus(code.status), code: code.rawValue, detail: message, field: field, members: details)
  }
}

extension HTTPResponse {
  /// An answer with `value` as one line of JSON.
  static func json(
    _ value: any Encodable, status: HTTPStatus = 200, headers: HTTPFields = [:]
  ) -> HTTPResponse {
    do {
      return json(try ReportJSON.line(value), status: status, headers: headers)
    } catch {
      return .problem(JobError(.internal, "the answer could not be written: \(error)").problem)
    }
  }
}
