import Foundation

extension ServiceError {
  /// The names the blob endpoint has for the same things (sheet §3).
  private static let blobCodes = [
    "PathNotFound": "BlobNotFound", "FilesystemNotFound": "ContainerNotFound",
    "FilesystemAlreadyExists": "ContainerAlreadyExists", "PathAlreadyExists": "BlobAlreadyExists",
  ]

  /// As the service writes it (sheet §3). An answer to HEAD has no body, a 304 neither: the code is in the header alone.
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
