import Essentials
import Foundation

/// The URL of a lake, or of a file or folder in one, read once and in normal form.
package struct LakeAddress: Sendable {
  /// The lake itself: for a storage account its filesystem.
  package let lake: any LakePlace

  /// The file or folder in it; nil for its top.
  ///
  /// A folder's URL does not say where the lake ends and the path in it begins. Its address is all `lake`, and
  /// ``path(below:)`` tells the path.
  package let path: LakePath?

  package init(lake: any LakePlace, path: LakePath?) {
    self.lake = lake
    self.path = path
  }

  /// Reads the URL of any kind of lake.
  ///
  /// `currentDirectory` is what a relative folder is relative to; nil is the process's own.
  /// Throws `LakeError.invalidURL`, whose text repeats nothing of the value but its scheme: the rest may hold a secret.
  package init(parsing text: String, currentDirectory: String? = nil) throws(LakeError) {
    guard let separator = text.range(of: "://") else { throw .invalidURL(reason: "it has no scheme") }
    let scheme = text[..<separator.lowerBound].asciiLowercased()
    let rest = text[separator.upperBound...]
    guard let provider = LakeProviders.provider(of: scheme) else {
      throw .invalidURL(reason: "its scheme is not known")
    }
    if rest.utf8.contains(UInt8(ascii: "?")) {
      throw .invalidURL(
        reason: provider.canMake
          ? "a \(scheme) URL must have no query but ?create=true, which LAKE_URL alone may have"
          : "an \(scheme) URL must have no query, and no SAS")
    }
    if rest.utf8.contains(UInt8(ascii: "#")) { throw .invalidURL(reason: "an \(scheme) URL must have no fragment") }
    guard rest.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F && $0 != "\\" }) else {
      throw .invalidURL(reason: "an \(scheme) URL must have no spaces, control characters or backslashes")
    }
    let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
    self = try provider.address(
      LakeURLParts(
        scheme: scheme, authority: rest[..<slash], path: rest[slash...],
        currentDirectory: currentDirectory ?? FileManager.default.currentDirectoryPath))
  }

  /// Reads a URL as `LAKE_URL` has it: it may end in `?create=true` where the program can make such a lake.
  ///
  /// Throws `LakeError.invalidURL`.
  package static func withCreation(
    parsing text: String, currentDirectory: String? = nil
  ) throws(LakeError) -> (address: LakeAddress, creates: Bool) {
    for (query, creates) in [("?create=true", true), ("?create=false", false)] where text.hasSuffix(query) {
      let plain = String(text.dropLast(query.count))
      let address = try LakeAddress(parsing: plain, currentDirectory: currentDirectory)
      let makers = LakeProviders.all.filter { $0.canMake }.flatMap { $0.schemes }
      guard makers.contains(where: { plain.hasPrefixIgnoringASCIICase("\($0)://") }) else {
        throw .invalidURL(reason: "?create= goes with \(makers.joined(separator: " or ")) alone")
      }
      return (address, creates)
    }
    return (try LakeAddress(parsing: text, currentDirectory: currentDirectory), false)
  }

  /// The URL in normal form; holds no secret.
  package var displayURL: String { lake.displayURL(of: path) }

  /// The path of this file or folder as seen from `root`; nil when it does not lie below it.
  package func path(below root: LakeAddress) -> LakePath? { root.lake.path(of: self, below: root.path) }

  /// Opens the lake with this address as its root; see ``LakePlace/open(root:_:creating:)``.
  package func open(_ resources: LakeResources, creating: Bool = false) async throws -> any LakeStore {
    try await lake.open(root: path, resources, creating: creating)
  }
}

extension LakeAddress: Hashable {
  package static func == (left: LakeAddress, right: LakeAddress) -> Bool {
    AnyHashable(left.lake) == AnyHashable(right.lake) && left.path == right.path
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(AnyHashable(lake))
    hasher.combine(path)
  }
}

extension LakeAddress: CustomStringConvertible {
  /// The same as `displayURL`.
  package var description: String { displayURL }
}
