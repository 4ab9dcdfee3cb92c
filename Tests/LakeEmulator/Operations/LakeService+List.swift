import Foundation

extension LakeService {
  /// At most so many per page, the default too.
  private static var pageLimit: Int { 5000 }

  /// An entry of a page. All values are strings. It is written by hand: a page has thousands.
  private struct Entry: Sendable {
    let json: String

    init(_ path: PathName, _ node: PathNode) {
      var members = [("name", Self.quoted(path.text))]
      if node.kind == .directory { members.append(("isDirectory", "\"true\"")) }
      members += [
        ("contentLength", "\"\(node.committed)\""), ("lastModified", "\"\(HTTPDate.format(node.lastModified))\""),
        // Quoted in headers, bare here.
        ("etag", "\"\(node.etag.filter { $0 != "\"" })\""), ("owner", Self.quoted(node.access.owner)),
        ("group", Self.quoted(node.access.group)), ("permissions", Self.quoted(node.access.permissions)),
        ("creationTime", "\"\(Self.ticks(node.created))\""),
      ]
      if let expiry = node.expiry { members.append(("expiryTime", "\"\(Self.ticks(expiry))\"")) }
      json = "{\(members.map { "\"\($0)\":\($1)" }.joined(separator: ","))}"
    }

    /// 100 ns since 1601.
    private static func ticks(_ date: Date) -> String {
      String(Int(date.timeIntervalSince1970 * 10_000_000) + 116_444_736_000_000_000)
    }

    /// A JSON string (RFC 8259 §7).
    private static func quoted(_ text: String) -> String {
      guard text.utf8.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\\") }) else {
        return "\"\(text)\""
      }
      return text.unicodeScalars.reduce(into: "\"") { quoted, scalar in
        switch scalar {
        case "\"", "\\": quoted += "\\\(scalar)"
        case _ where scalar.value < 0x20:
          let hex = String(scalar.value, radix: 16)
          quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
        default: quoted.unicodeScalars.append(scalar)
        }
      } + "\""
    }
  }

  func list(_ call: Call) throws -> Answer {
    let query = call.head.query
    guard query["resource"]?.lowercased() == "filesystem" else { throw ServiceError.missingQuery("resource") }
    guard query["recursive"] != nil else { throw ServiceError.missingQuery("recursive") }
    let isRecursive = try query.flag("recursive")
    var limit = Self.pageLimit
    if let asked = try query.number("maxResults") {
      guard asked > 0 else { throw ServiceError(400, "OutOfRangeQueryParameterValue", "maxResults is at least 1.") }
      limit = min(asked, limit)
    }
    let directory = try PathName(decoded: query["directory"] ?? "")
    let after = try query["continuation"].flatMap { $0.isEmpty ? nil : try Continuation(token: $0).last }
    // A short page with a token, even an empty one.
    let shown = call.fault?.kind == .shortPage ? min(limit, max(0, call.fault?.entries ?? 0)) : limit

    let (entries, next) = try storage.within(call.filesystemName()) { filesystem -> ([Entry], PathName?) in
      let now = Date()
      if !directory.isRoot {
        let node = try filesystem.existing(directory, now: now)
        guard node.kind == .directory else {
          return ([Entry(directory, node)], nil)
        }
      }
      let paths = filesystem.paths(in: directory, recursive: isRecursive)
      let start = after.map { after in paths.partitioningIndex { after < $0 } } ?? 0
      // One more than is shown tells whether the listing goes on.
      var found: [PathName] = []
      for path in paths[start...] where filesystem.node(path, now: now) != nil {
        found.append(path)
        if found.count > shown { break }
      }
      let page = found.prefix(shown)
      let entries = page.compactMap { path in filesystem.nodes[path].map { Entry(path, $0) } }
      let isLast = page.count == found.count && shown == limit
      return (entries, isLast ? nil : page.last ?? after ?? PathName(segments: []))
    }
    let body = Array("{\"paths\":[\(entries.map(\.json).joined(separator: ","))]}".utf8)
    var answer = Answer(200, [("Content-Type", "application/json;charset=utf-8")], body: .bytes(body))
    if let next { answer.set("x-ms-continuation", Continuation(last: next).token) }
    return answer
  }
}

/// The token of a listing that goes on. It holds `+`, `/` and `=`, so that a client that does not percent-encode it
/// fails.
struct Continuation {
  // Bytes that base64 writes as `+/+/`.
  private static let mark: [UInt8] = [0xFB, 0xFF, 0xBF]
  /// The path after which the listing goes on; root for its beginning.
  let last: PathName

  init(last: PathName) {
    self.last = last
  }

  /// - Throws: ``ServiceError`` for what is not a token.
  init(token: String) throws(ServiceError) {
    guard let data = Data(base64Encoded: token), data.starts(with: Self.mark),
      let text = String(validating: data.dropFirst(Self.mark.count), as: UTF8.self)
    else { throw .badQuery("continuation") }
    last = try PathName(decoded: text.trimmingCharacters(in: .whitespaces))
  }

  var token: String {
    var bytes = Self.mark + Array(last.text.utf8)
    // Padding, so that the token ends with `=`: spaces in front do no harm to the path.
    if bytes.count % 3 == 0 { bytes.insert(UInt8(ascii: " "), at: Self.mark.count) }
    return Data(bytes).base64EncodedString()
  }
}

extension RandomAccessCollection where Index == Int {
  /// The first index whose element satisfies `belongs`, which is false for all before it and true for all after it.
  fileprivate func partitioningIndex(_ belongs: (Element) -> Bool) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = low + (high - low) / 2
      if belongs(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
