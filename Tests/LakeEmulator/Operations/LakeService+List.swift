import Foundation

extension LakeService {
  /// At most so many per page, the default too.
  private static var pageLimit: Int { 5000 }

  /// Writes the entries of a page. All values are strings. It is written by hand: a page has thousands of them, and listings are
  /// timed.
  private struct PageWriter {
    private(set) var json = Array("{\"paths\":[".utf8)
    private var isFirst = true
    /// Files that follow one another were often written within a second.
    private var time: (second: Int, text: String)?

    mutating func add(_ path: PathName, _ node: PathNode) {
      json += Array((isFirst ? "{" : ",{").utf8)
      isFirst = false
      json += Array("\"name\":".utf8)
      quote(path.text)
      if node.kind == .directory { json += Array(",\"isDirectory\":\"true\"".utf8) }
      add("contentLength", "\(node.committed)")
      add("lastModified", text(node.lastModified))
      // Quoted in headers, bare here.
      add("etag", node.etag.filter { $0 != "\"" })
      add("owner", node.access.owner)
      add("group", node.access.group)
      add("permissions", node.access.permissions)
      add("creationTime", Self.ticks(node.created))
      if let expiry = node.expiry { add("expiryTime", Self.ticks(expiry)) }
      json.append(UInt8(ascii: "}"))
    }

    mutating func end() -> [UInt8] {
      json += Array("]}".utf8)
      return json
    }

    private mutating func add(_ name: StaticString, _ value: String) {
      json += Array(",\"".utf8)
      json += UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
      json += Array("\":".utf8)
      quote(value)
    }

    private mutating func text(_ date: Date) -> String {
      let second = Int(date.timeIntervalSince1970.rounded(.down))
      if let time, time.second == second { return time.text }
      let text = HTTPDate.format(date)
      time = (second, text)
      return text
    }

    /// 100 ns since 1601.
    private static func ticks(_ date: Date) -> String {
      String(Int(date.timeIntervalSince1970 * 10_000_000) + 116_444_736_000_000_000)
    }

    /// Writes a JSON string (RFC 8259 §7).
    private mutating func quote(_ text: String) {
      json.append(UInt8(ascii: "\""))
      for byte in text.utf8 {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): json += [UInt8(ascii: "\\"), byte]
        case ..<0x20:
          let hex = String(byte, radix: 16)
          json += Array(("\\u" + String(repeating: "0", count: 4 - hex.count) + hex).utf8)
        default: json.append(byte)
        }
      }
      json.append(UInt8(ascii: "\""))
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

    let page = try storage.within(call.filesystemName()) { filesystem -> ListedPage in
      let now = Date()
      if !directory.isRoot {
        let node = try filesystem.existing(directory, now: now)
        guard node.kind == .directory else {
          var writer = PageWriter()
          writer.add(directory, node)
          return ListedPage(json: writer.end(), next: nil, isLasting: false)
        }
      }
      let isShort = shown < limit
      return filesystem.page(
        of: directory, recursive: isRecursive, after: after, count: shown, isShort: isShort
      ) { filesystem, paths in
        Self.page(of: paths, in: filesystem, after: after, count: shown, isShort: isShort, now: now)
      }
    }
    var answer = Answer(200, [("Content-Type", "application/json;charset=utf-8")], body: .bytes(page.json))
    if let next = page.next { answer.set("x-ms-continuation", Continuation(last: next).token) }
    return answer
  }

  /// The first `count` of `paths` after `after`.
  /// - Parameter isShort: it goes on even where nothing follows.
  private static func page(
    of paths: [PathName], in filesystem: Filesystem, after: PathName?, count: Int, isShort: Bool, now: Date
  ) -> ListedPage {
    var writer = PageWriter()
    var (shown, last, goesOn, isLasting) = (0, after ?? PathName(segments: []), isShort, true)
    for path in paths[(after.map { after in paths.partitioningIndex { after < $0 } } ?? 0)...] {
      if filesystem.nodes[path]?.expiry != nil { isLasting = false }
      guard let node = filesystem.node(path, now: now) else { continue }
      if shown == count {
        goesOn = true
        break
      }
      writer.add(path, node)
      last = path
      shown += 1
    }
    return ListedPage(json: writer.end(), next: goesOn ? last : nil, isLasting: isLasting)
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
