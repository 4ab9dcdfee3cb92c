import Essentials
import Foundation

/// One entry of a listing's body. The service writes all values as texts; numbers and booleans are taken too.
struct ListedPath: Sendable {
  /// The body is not a listing.
  struct Malformed: Error {}

  let name: String
  let length: Int
  let isDirectory: Bool
  let modified: Date?
  let etag: String

  /// The entries of `{"paths":[…]}`.
  ///
  /// Throws `JSONError`, ``Malformed``.
  static func list(parsing body: [UInt8]) throws -> [ListedPath] {
    guard case .array(let paths) = try JSONValue(parsing: body).object?["paths"] else { throw Malformed() }
    return try paths.map { try ListedPath($0) }
  }

  private init(_ value: JSONValue) throws {
    guard let members = value.object, let name = members["name"]?.string else { throw Malformed() }
    self.name = name
    switch members["contentLength"] {
    case nil, .null: length = 0
    case .string(let text): length = Int(text) ?? 0
    case let number?:
      guard let whole = number.whole else { throw Malformed() }
      length = whole
    }
    guard ADLSProperties.lengths.contains(length) else { throw Malformed() }
    switch members["isDirectory"] {
    case nil, .null: isDirectory = false
    case .bool(let flag): isDirectory = flag
    case .string(let text): isDirectory = text.equalsIgnoringASCIICase("true")
    default: throw Malformed()
    }
    modified = try Self.text("lastModified", in: members).flatMap { HTTPDate.parse($0) }
    // The published interface spells it one way, the service sends the other.
    let etag = try Self.text("etag", in: members) ?? Self.text("eTag", in: members)
    self.etag = ADLSProperties.unquoted(etag ?? "")
  }

  private static func text(_ name: String, in members: [String: JSONValue]) throws -> String? {
    switch members[name] {
    case nil, .null: return nil
    case .string(let text): return text
    default: throw Malformed()
    }
  }

  /// The entry as seen from the lake's root; nil for what is not below it, or could not be named by a path.
  func entry(below root: LakePath?) -> LakeEntry? {
    guard let own = (try? LakePath(name))?.below(root) else { return nil }
    // A time that can't be read must never make a file look old.
    return LakeEntry(
      path: own, length: isDirectory ? 0 : length, modified: modified ?? .distantFuture, etag: etag,
      isDirectory: isDirectory)
  }
}
