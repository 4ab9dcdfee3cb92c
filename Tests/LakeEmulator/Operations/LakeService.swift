import Foundation

/// The storage account's operations, by method and query.
struct LakeService {
  let storage: LakeStorage
  let journal: Journal
  let options: EmulatorOptions

  /// - Throws: ``ServiceError``, or ``ConnectionLoss`` when the body breaks off.
  func answer(_ call: Call) throws -> Answer {
    let query = call.head.query
    let ofFilesystem = call.path.isRoot
    switch call.head.method {
    case "PUT" where ofFilesystem: return try putFilesystem(call)
    case "PUT":
      switch (query["resource"]?.lowercased(), query["comp"]?.lowercased()) {
      case (nil, nil) where call.head.nonEmpty("x-ms-rename-source") != nil: return try rename(call)
      case ("file"?, nil): return try create(call, .file)
      case ("directory"?, nil): return try create(call, .directory)
      case (nil, "expiry"?): return try setExpiry(call)
      case (nil, "metadata"?): return try setMetadata(call)
      case (nil, "properties"?): return try setContentHeaders(call)
      case (nil, "lease"?): return try lease(call)
      case (nil, nil): throw ServiceError.missingQuery("resource")
      default: throw ServiceError.badQuery(query["resource"] == nil ? "comp" : "resource")
      }
    case "PATCH":
      switch query["action"]?.lowercased() {
      case "append"?: return try append(call)
      case "flush"?: return try flush(call)
      case "setproperties"?: return try setProperties(call)
      case "setaccesscontrol"?: return try setAccessControl(call)
      case nil: throw ServiceError.missingQuery("action")
      default: throw ServiceError.badQuery("action")
      }
    case "POST": return try lease(call)
    case "GET" where ofFilesystem && query["restype"] == nil && query["comp"] == nil: return try list(call)
    case "GET" where ofFilesystem, "HEAD" where ofFilesystem: return try filesystemProperties(call)
    case "GET": return try read(call)
    case "HEAD": return try properties(call)
    case "DELETE" where ofFilesystem: return try deleteFilesystem(call)
    case "DELETE": return try delete(call)
    default:
      throw ServiceError(405, "UnsupportedHttpVerb", "The resource doesn't support the specified HTTP verb.")
    }
  }
}

extension PathNode {
  /// ETag and time, as answers show them.
  var stampHeaders: [(String, String)] {
    [("ETag", etag), ("Last-Modified", HTTPDate.format(lastModified))]
  }

  /// - Throws: ``ServiceError`` 409 when it is not a file.
  func checkIsFile() throws(ServiceError) {
    guard kind == .file else {
      throw ServiceError(409, "ResourceTypeMismatch", "The specified resource type does not match the existing one.")
    }
  }
}
