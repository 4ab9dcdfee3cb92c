import Foundation

/// The bytes go from the socket's buffer to their place in the data file at once.
extension LakeService {
  func append(_ call: Call) throws -> Answer {
    let head = call.head
    guard let position = try head.query.number("position") else { throw ServiceError.missingQuery("position") }
    guard call.body.length > 0 else { throw ServiceError.badHeader("Content-Length") }
    let flushes = try head.query.flag("flush")
    _ = try head.query.flag("close")
    let wanted = try head.nonEmpty("content-md5").map { text in
      guard let md5 = Data(base64Encoded: text), md5.count == 16 else { throw ServiceError.badHeader("Content-MD5") }
      return md5
    }
    if head.nonEmpty("x-ms-content-crc64") != nil || head.nonEmpty("x-ms-structured-body") != nil {
      throw ServiceError(400, "UnsupportedHeader", "This emulator checks bodies by Content-MD5 alone.")
    }

    let name = try call.filesystemName()
    let (file, committed) = try storage.within(name) { filesystem in
      let now = Date()
      var node = try filesystem.existing(call.path, now: now)
      try node.checkIsFile()
      try node.checkLease(head, now: now)
      let file = try node.data ?? DataFile(folder: storage.folder)
      node.data = file
      filesystem.nodes[call.path] = node
      return (file, node.committed)
    }

    journal.appendBegan()
    defer { journal.appendEnded() }
    // An append in front of the committed end is accepted, and makes the flush fail; it must not reach readers.
    try receive(call.body, md5: wanted) { bytes, offset in
      if position >= committed { try file.write(bytes, at: position + offset) }
    }

    let extent = Extent(position: position, count: call.body.length)
    let stamp = storage.stamp()
    let flushed = try storage.within(name) { filesystem -> PathNode? in
      // Re-created or removed meanwhile: the bytes belong to nothing any more.
      guard var node = filesystem.nodes[call.path], node.data === file else { return nil }
      node.uncommitted.insert(extent)
      if flushes {
        guard position == node.committed else { throw FlushPlan.refusal }
        try FlushPlan(node, to: extent.end, retains: false).apply(to: &node, stamp: stamp)
      }
      filesystem.nodes[call.path] = node
      return flushes ? node : nil
    }
    journal.received(call.body.length)
    var answer = Answer(202, [("x-ms-request-server-encrypted", "true")])
    if let flushed { answer.headers += flushed.stampHeaders.map { (name: $0.0, value: $0.1) } }
    if let md5 = head.nonEmpty("content-md5") { answer.set("Content-MD5", md5) }
    return answer
  }

  /// Hands the body on piece by piece, each with its offset in the body, and checks the whole against the MD5 that the call gives.
  private func receive(
    _ body: RequestBody, md5 wanted: Data?, _ write: (_ bytes: UnsafeRawBufferPointer, _ offset: Int) throws -> Void
  ) throws {
    let digest = wanted == nil ? nil : Digest(.md5)
    var offset = 0
    while let bytes = try body.next() {
      digest?.update(bytes)
      try write(bytes, offset)
      offset += bytes.count
    }
    if let wanted, let digest, Array(wanted) != digest.finish() {
      throw ServiceError(
        400, "Md5Mismatch",
        "The MD5 value specified in the request did not match the MD5 value calculated by the server.")
    }
  }
}
