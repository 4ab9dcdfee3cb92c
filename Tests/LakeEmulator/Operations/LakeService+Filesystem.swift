import Foundation

/// The filesystem itself, in the words of both endpoints (`resource=filesystem`, `restype=container`).
extension LakeService {
  func putFilesystem(_ call: Call) throws -> Answer {
    let name = try call.filesystemName()
    let query = call.head.query
    try call.refuseBody()
    let properties =
      try call.head.nonEmpty("x-ms-properties").map { try UserProperties(header: $0) }
      ?? UserProperties(metadataOf: call.head)
    if query["restype"]?.lowercased() == "container", query["comp"]?.lowercased() == "metadata" {
      let stamp = storage.stamp()
      try storage.within(name) {
        $0.properties = properties
        $0.stamp = stamp
      }
      return Answer(200, headers(stamp))
    }
    guard query["resource"]?.lowercased() == "filesystem" || query["restype"]?.lowercased() == "container" else {
      throw ServiceError.missingQuery("resource")
    }
    let stamp = try storage.createFilesystem(name, properties: properties)
    return Answer(201, headers(stamp) + [("x-ms-namespace-enabled", "true")])
  }

  func filesystemProperties(_ call: Call) throws -> Answer {
    let filesystem = try storage.within(call.filesystemName()) { $0 }
    return Answer(
      200,
      headers(filesystem.stamp) + filesystem.properties.answerHeaders(isBlob: call.isBlob) + [
        ("x-ms-namespace-enabled", options.tellsFlatNamespace ? "false" : "true"), ("x-ms-lease-status", "unlocked"),
        ("x-ms-lease-state", "available"),
        ("x-ms-has-immutability-policy", "false"), ("x-ms-has-legal-hold", "false"),
      ])
  }

  func deleteFilesystem(_ call: Call) throws -> Answer {
    let name = try call.filesystemName()
    try storage.withAll { filesystems in
      guard filesystems.removeValue(forKey: name) != nil else { throw ServiceError.filesystemNotFound }
    }
    return Answer(202)
  }

  private func headers(_ stamp: Stamp) -> [(String, String)] {
    [("ETag", stamp.etag), ("Last-Modified", HTTPDate.format(stamp.time))]
  }
}
