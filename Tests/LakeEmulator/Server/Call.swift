import Foundation

/// One request to the storage account, with what was found out about it.
struct Call {
  let head: RequestHead
  /// Nil for the account itself.
  let filesystem: String?
  /// Root for the filesystem itself.
  let path: PathName
  let body: RequestBody
  /// Whether it looks like one for the blob endpoint, which names its errors otherwise.
  let isBlob: Bool
  /// What a fault changes about the answer's content.
  var fault: Fault?

  /// - Throws: ``ServiceError``.
  func filesystemName() throws(ServiceError) -> String {
    guard let filesystem else {
      throw ServiceError(400, "InvalidUri", "The request URI names no filesystem.")
    }
    return filesystem
  }

  /// Refuses a body where the interface has none ("Path - Update": a flush must have Content-Length 0).
  func refuseBody() throws(ServiceError) {
    guard body.length == 0 else {
      throw ServiceError(400, "ContentLengthMustBeZero", "The Content-Length request header must be zero.")
    }
  }
}
