/// Where a file or folder lies below the lake's root: one or more names, written with `/` between them.
///
/// A path never leaves the root and means the same to every store: names are not empty, not `.` or `..`, and hold no
/// slash, backslash or control character. Equality and order go by the UTF-8 bytes, as they do in the stores; two
/// spellings of `é` are two names.
package struct LakePath: Sendable {
  /// Characters (UTF-16 units, as the service counts) of the longest path. ADLS: "full path up to 1024 characters".
  package static let maximumLength = 1024

  /// Bytes of UTF-8 in the longest name: NAME_MAX of the usual file systems.
  package static let maximumNameBytes = 255

  /// The names from the root downwards; at least one.
  package let components: [String]

  /// Reads a path with `/` between its names; no slash at its start or end.
  ///
  /// Throws `LakeError.invalidPath`.
  package init(_ path: String) throws(LakeError) {
    // By bytes: a slash followed by a combining mark is one `Character`, and yet a slash to every file system.
    let names = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    try self.init(components: names.map { String(Substring($0)) })
  }

  /// Puts together a path from names.
  ///
  /// Throws `LakeError.invalidPath`.
  package init(components: [String]) throws(LakeError) {
    if let reason = Self.flaw(in: components) {
      throw .invalidPath(components.joined(separator: "/"), reason: reason)
    }
    // No text has more UTF-16 units than bytes.
    if components.reduce(components.count, { $0 + $1.utf8.count }) > Self.maximumLength {
      let path = components.joined(separator: "/")
      guard path.utf16.count <= Self.maximumLength else {
        throw .invalidPath(path, reason: "it is longer than \(Self.maximumLength) characters")
      }
    }
    self.components = components
  }

  private init(checked components: [String]) {
    self.components = components
  }

  private static func flaw(in components: [String]) -> String? {
    if components.isEmpty { return "it is empty" }
    for name in components {
      if name.isEmpty { return "it has an empty part: no slash may stand first, last or twice" }
      if name == "." || name == ".." { return "it has a part '.' or '..'" }
      if name.utf8.count > maximumNameBytes { return "a part is longer than \(maximumNameBytes) bytes" }
      for byte in name.utf8 {
        switch byte {
        case UInt8(ascii: "/"): return "a part holds a slash"
        case UInt8(ascii: "\\"): return "it holds a backslash"
        case 0..<0x20, 0x7F: return "it holds a control character"
        default: continue
        }
      }
    }
    return nil
  }

  /// The last name.
  package var name: String { components[components.count - 1] }

  /// The folder that holds this path; nil when that is the root.
  package var parent: LakePath? {
    components.count > 1 ? LakePath(checked: Array(components.dropLast())) : nil
  }

  /// The path one name further down.
  ///
  /// Throws `LakeError.invalidPath` when `name` is not a name or the result is too long.
  package func appending(_ name: String) throws(LakeError) -> LakePath {
    // This path is checked already.
    guard Self.flaw(in: [name]) == nil, bytes + 1 + name.utf8.count <= Self.maximumLength else {
      return try LakePath(components: components + [name])
    }
    return LakePath(checked: components + [name])
  }

  /// The length in bytes of UTF-8.
  private var bytes: Int { components.reduce(components.count - 1) { $0 + $1.utf8.count } }

  /// This path as seen from `folder` (nil: the root); nil when it does not lie below it.
  package func below(_ folder: LakePath?) -> LakePath? {
    guard let folder else { return self }
    let count = folder.components.count
    guard components.count > count, zip(components, folder.components).allSatisfy({ $0.utf8.elementsEqual($1.utf8) })
    else { return nil }
    return LakePath(checked: Array(components.dropFirst(count)))
  }
}

extension LakePath: CustomStringConvertible {
  /// The names with `/` between them.
  package var description: String { components.joined(separator: "/") }
}

extension LakePath: Hashable {
  /// Whether both are the same names, byte by byte.
  package static func == (left: LakePath, right: LakePath) -> Bool {
    left.components.elementsEqual(right.components) { $0.utf8.elementsEqual($1.utf8) }
  }

  /// Feeds the names' bytes to `hasher`.
  package func hash(into hasher: inout Hasher) {
    for component in components {
      for byte in component.utf8 { hasher.combine(byte) }
      hasher.combine(UInt8(ascii: "/"))
    }
  }
}

extension LakePath: Comparable {
  /// Name by name in the order of their bytes; a folder stands before what it holds.
  package static func < (left: LakePath, right: LakePath) -> Bool {
    left.components.lexicographicallyPrecedes(right.components) { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }
}
