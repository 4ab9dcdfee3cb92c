import Foundation

extension LakeService {
  func read(_ call: Call) throws -> Answer {
    let head = call.head
    let conditions = Conditions(head)
    let range = try ByteRange.read(head)
    let node = try storage.within(call.filesystemName()) { filesystem in
      let now = Date()
      let node = try filesystem.existing(call.path, now: now)
      try conditions.check(node)
      if head.nonEmpty("x-ms-lease-id") != nil { try node.checkLease(head, now: now) }
      return node
    }
    let total = node.committed
    var first = 0
    var count = total
    if let range {
      guard range.first < total else {
        throw ServiceError(
          416, "InvalidRange", "The range specified is invalid for the current size of the resource.",
          headers: [("Content-Range", "bytes */\(total)")])
      }
      first = range.first
      count = min(range.last ?? (total - 1), total - 1) - first + 1
    }
    // A server that gives less than was asked for, and says so.
    if call.fault?.kind == .wrongLength { count = max(0, count - abs(call.fault?.bytes ?? 1)) }

    var answer = Answer(range == nil ? 200 : 206, describe(node, isBlob: call.isBlob))
    answer.set("Accept-Ranges", "bytes")
    if range != nil {
      answer.set("Content-Range", "bytes \(first)-\(max(first, first + count - 1))/\(total)")
      answer.set("Content-MD5", nil)
      if let md5 = node.contentMD5 { answer.set(call.isBlob ? "x-ms-blob-content-md5" : "x-ms-content-md5", md5) }
    }
    if head["x-ms-range-get-content-md5"]?.lowercased() == "true" {
      // Only with a range, up to 4 MiB.
      guard range != nil else { throw ServiceError.missingHeader("Range") }
      guard count <= 4 << 20 else {
        throw ServiceError(400, "OutOfRangeInput", "The range for a Content-MD5 is at most 4 MiB.")
      }
      let digest = Digest(.md5)
      (node.data?.read(at: node.start + first, count: count) ?? []).withUnsafeBytes { digest.update($0) }
      answer.set("Content-MD5", Data(digest.finish()).base64EncodedString())
    }
    guard let file = node.data, count > 0 else { return answer }
    if call.fault?.kind == .corrupt {
      var bytes = file.read(at: node.start + first, count: count)
      let place = min(call.fault?.afterBytes ?? count / 2, count - 1)
      bytes[place] ^= 0x01
      answer.body = .bytes(bytes)
    } else {
      answer.body = .file(file, offset: node.start + first, count: count)
    }
    journal.sent(count)
    return answer
  }

  /// The headers that tell about a path, on HEAD and GET.
  func describe(_ node: PathNode, isBlob: Bool, withProperties: Bool = true) -> [(String, String)] {
    let now = Date()
    var headers = node.stampHeaders + node.contentHeaders.answerHeaders
    headers += [
      ("x-ms-resource-type", node.kind.rawValue), ("x-ms-creation-time", HTTPDate.format(node.created)),
      ("x-ms-lease-status", node.lease?.isActive(now) == true ? "locked" : "unlocked"),
      ("x-ms-lease-state", node.lease?.state(now) ?? "available"), ("x-ms-server-encrypted", "true"),
      ("x-ms-blob-type", "BlockBlob"),
    ]
    if let lease = node.lease, lease.isActive(now) {
      headers.append(("x-ms-lease-duration", lease.duration < 0 ? "infinite" : "fixed"))
    }
    headers += node.access.answerHeaders
    if withProperties {
      headers += node.properties.answerHeaders(isBlob: isBlob)
      // On the blob endpoint a directory is an empty blob with a mark.
      if isBlob, node.kind == .directory { headers.append(("x-ms-meta-hdi_isfolder", "true")) }
    }
    if let md5 = node.contentMD5 { headers.append(("Content-MD5", md5)) }
    if let expiry = node.expiry { headers.append(("x-ms-expiry-time", HTTPDate.format(expiry))) }
    return headers
  }
}

/// The range of a read (RFC 9110 §14.1.2, "Path - Read").
struct ByteRange {
  let first: Int
  /// Inclusive; nil for up to the end.
  let last: Int?

  /// Reads `x-ms-range`, which wins, or `Range`.
  /// - Throws: ``ServiceError`` for what is not a range: suffix ranges are not part of the interface.
  static func read(_ head: RequestHead) throws(ServiceError) -> ByteRange? {
    guard let text = head.nonEmpty("x-ms-range") ?? head.nonEmpty("range") else { return nil }
    let name = head.nonEmpty("x-ms-range") == nil ? "Range" : "x-ms-range"
    guard text.hasPrefix("bytes=") else { throw .badHeader(name) }
    let ends = text.dropFirst("bytes=".count).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard ends.count == 2, let first = Int(ends[0]), first >= 0 else { throw .badHeader(name) }
    if ends[1].isEmpty { return ByteRange(first: first, last: nil) }
    guard let last = Int(ends[1]), last >= first else { throw .badHeader(name) }
    return ByteRange(first: first, last: last)
  }
}
