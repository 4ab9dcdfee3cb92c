import Foundation

extension LakeService {
  /// At most so many per page, the default too.
  private static var pageLimit: Int { 5000 }

  /// An entry of a page. All values are strings.
  private struct Entry: Encodable, Sendable {
    let name: String
    let isDirectory: String?
    let contentLength: String
    let lastModified: String
    let etag: String
    let owner: String
    let group: String
    let permissions: String
    let creationTime: String
    let expiryTime: String?

    init(_ path: PathName, _ node: PathNode) {
      name = path.text
      isDirectory = node.kind == .directory ? "true" : nil
      contentLength = String(node.committed)
      lastModified = HTTPDate.format(node.lastModified)
      // Quoted in headers, bare here.
      etag = node.etag.filter { $0 != "\"" }
      owner = node.access.owner
      group = node.access.group
      permissions = node.access.permissions
      creationTime = Self.ticks(node.created)
      expiryTime = node.expiry.map(Self.ticks)
    }

    /// 100 ns since 1601.
    private static func ticks(_ date: Date) -> String {
      String(Int(date.timeIntervalSince1970 * 10_000_000) + 116_444_736_000_000_000)
    }
  }

  private struct Page: Encodable {
    let paths: [Entry]
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
      let depth = directory.segments.count + 1
      let all = filesystem.nodes.keys.filter { path in
        path.isInside(directory) && (isRecursive || path.segments.count == depth)
          && (after.map { $0 < path } ?? true) && filesystem.node(path, now: now) != nil
      }.sorted()
      let page = all.prefix(shown)
      let entries = page.compactMap { path in filesystem.nodes[path].map { Entry(path, $0) } }
      let isLast = page.count == all.count && shown == limit
      return (entries, isLast ? nil : page.last ?? after ?? PathName(segments: []))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    let body = Array(try encoder.encode(Page(paths: entries)))
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
