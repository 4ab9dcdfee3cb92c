/// A refusal, with the service's own code.
struct ServiceError: Error {
  let status: Int
  let code: String
  let message: String
  var headers: [(String, String)] = []

  init(_ status: Int, _ code: String, _ message: String, headers: [(String, String)] = []) {
    self.status = status
    self.code = code
    self.message = message
    self.headers = headers
  }

  static func badQuery(_ name: String) -> ServiceError {
    ServiceError(400, "InvalidQueryParameterValue", "Value for query parameter \(name) is invalid.")
  }

  static func missingQuery(_ name: String) -> ServiceError {
    ServiceError(400, "MissingRequiredQueryParameter", "A required query parameter, \(name), is missing.")
  }

  static func badHeader(_ name: String) -> ServiceError {
    ServiceError(400, "InvalidHeaderValue", "The value for header \(name) is invalid.")
  }

  static func missingHeader(_ name: String) -> ServiceError {
    ServiceError(400, "MissingRequiredHeader", "A required header, \(name), is missing.")
  }

  static let conditionNotMet = ServiceError(
    412, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
  static let notModified = ServiceError(
    304, "ConditionNotMet", "The condition specified using HTTP conditional header(s) is not met.")
  static let pathNotFound = ServiceError(404, "PathNotFound", "The specified path does not exist.")
  static let filesystemNotFound = ServiceError(
    404, "FilesystemNotFound", "The specified filesystem does not exist.")
  static let authenticationFailed = ServiceError(
    403, "AuthenticationFailed",
    "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly "
      + "including the signature.")
}
