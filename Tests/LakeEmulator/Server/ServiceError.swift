import Foundation

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

extension ServiceError {
  /// The names the blob endpoint has for the same things ("Blob Storage error codes").
  private static let blobCodes = [
    "PathNotFound": "BlobNotFound", "FilesystemNotFound": "ContainerNotFound",
    "FilesystemAlreadyExists": "ContainerAlreadyExists", "PathAlreadyExists": "BlobAlreadyExists",
  ]

  /// As the service writes it ("Status and error codes"). An answer to HEAD has no body, a 304 neither: the code is in
  /// the header alone.
  func answer(isHead: Bool, isBlob: Bool) -> Answer {
    let code = isBlob ? Self.blobCodes[code] ?? code : code
    var answer = Answer(status, [("x-ms-error-code", code)] + headers)
    guard !isHead, status != 304 else { return answer }
    let text = "\(message)\nRequestId:\(UUID().uuidString.lowercased())\nTime:\(HTTPDate.format(Date()))"
    if isBlob {
      answer.set("Content-Type", "application/xml")
      let xml =
        "\u{FEFF}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>\(code)</Code><Message>\(text)</Message></Error>"
      answer.body = .bytes(Array(xml.utf8))
    } else {
      answer.body = Answer.json(status, ["error": ["code": code, "message": text]]).body
      answer.set("Content-Type", "application/json;charset=utf-8")
    }
    return answer
  }
}
