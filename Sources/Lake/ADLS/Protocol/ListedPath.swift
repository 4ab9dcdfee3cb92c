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
    let paths = try JSONObjects.read(body, list: "paths", wanted: members) { try ListedPath($0) }
    guard let paths else { throw Malformed() }
    return paths
  }

  /// The members that are read. The published interface spells the ETag one way, the service sends the other.
  private static let members = ["name", "contentLength", "isDirectory", "lastModified", "etag", "eTag"]

  private init(_ values: [JSONValue?]) throws {
    guard let name = values[0]?.string else { throw Malformed() }
    self.name = name
    switch values[1] {
    case nil, .null: length = 0
    case .string(let text): length = Int(text) ?? 0
    case let number?:
      guard let whole = number.whole else { throw Malformed() }
      length = whole
    }
    guard ADLSProperties.lengths.contains(length) else { throw Malformed() }
    switch values[2] {
    case nil, .null: isDirectory = false
    case .bool(let flag): isDirectory = flag
    case .string(let text): isDirectory = text.equalsIgnoringASCIICase("true")
    default: throw Malformed()
    }
    modified = try Self.text(values[3]).flatMap { HTTPDate.parse($0) }
    let etag = try Self.text(values[4]) ?? Self.text(values[5])
    self.etag = ADLSProperties.unquoted(etag ?? "")
  }

  private static func text(_ value: JSONValue?) throws -> String? {
    switch value {
    case nil, .null: return nil
    case .string(let text): return text
    default: throw Malformed()
    }
  }

  /// The entries as seen from the lake's root, without what is not below it, or could not be named by a path.
  static func entries(_ listed: [ListedPath], below root: LakePath?) -> [LakeEntry] {
    // Those of one folder follow one another.
    var folder: (text: Substring, path: LakePath?)?
    return listed.compactMap { item in
      let own: LakePath?
      if let slash = item.name.utf8.lastIndex(of: UInt8(ascii: "/")) {
        let text = item.name[..<slash]
        if folder.map({ !$0.text.utf8.elementsEqual(text.utf8) }) ?? true {
          folder = (text, (try? LakePath(String(text)))?.below(root))
        }
        let name = String(item.name[item.name.utf8.index(after: slash)...])
        own = try? folder?.path?.appending(name) ?? LakePath(item.name).below(root)
      } else {
        own = (try? LakePath(item.name))?.below(root)
      }
      return own.map { item.entry(at: $0) }
    }
  }

  private func entry(at path: LakePath) -> LakeEntry {
    // A time that can't be read must never make a file look old.
    LakeEntry(
      path: path, length: isDirectory ? 0 : length, modified: modified ?? .distantFuture, etag: etag,
      isDirectory: isDirectory)
  }
}
