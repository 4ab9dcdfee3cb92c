import CustomHandler
import Essentials
import HTTPServer
import Sluice

extension JobError: FunctionFailure {
  /// The HTTP status of the failure's kind.
  public var status: HTTPStatus {
    switch kind {
    case .invalid: 400
    case .forbidden: 403
    case .notFound: 404
    case .conflict: 409
    case .tooLarge: 413
    case .unprocessable: 422
    case .unavailable: 503
    case .full: 507
    case .failed: 500
    }
  }

  /// The error with its details as further members.
  public var problem: Problem {
    Problem(status: status, code: code, detail: message, field: field, members: details)
  }
}

extension HTTPResponse {
  /// `application/problem+json` (RFC 9457) with the error's own details as further members.
  static func failure(_ error: any Error) -> HTTPResponse {
    .problem(JobError(cause: error).problem)
  }

  /// `value` as JSON, one line.
  static func json(_ value: some Encodable, status: HTTPStatus = 200, headers: HTTPFields = [:]) -> HTTPResponse {
    do {
      return json(try AnswerEncoding.bytes(value), status: status, headers: headers)
    } catch {
      return .problem(Problem(status: 500, code: "internal", detail: "The answer could not be written: \(error)"))
    }
  }
}
