/// The lakes in folders of this machine.
package enum FolderProvider: LakeProvider {
  package static let schemes = ["file"]
  package static let forms = ["file:///folder"]
  package static let canMake = true

  /// Reads `file:///folder` (RFC 8089), and `file://./folder` for a relative one.
  package static func address(_ url: LakeURLParts) throws(LakeError) -> LakeAddress {
    var segments: [String]
    switch url.authority {
    case "", "localhost":  // RFC 8089, 2
      segments = []
    case ".", "..":
      segments = url.currentDirectory.split(separator: "/").map(String.init) + [String(url.authority)]
    default: throw .invalidURL(reason: "a file URL names no host; a relative folder is written file://./folder")
    }
    segments += try url.segments()
    var folders: [String] = []
    for segment in segments {
      guard !segment.utf8.contains(where: { $0 == 0 || $0 == UInt8(ascii: "/") }) else {
        throw .invalidURL(reason: "a file URL must not hide a slash or a NUL behind a percent sign")
      }
      switch segment {
      case "", ".": continue
      case "..": _ = folders.popLast()
      default: folders.append(segment)
      }
    }
    guard !folders.isEmpty else { throw .invalidURL(reason: "a file URL must name a folder below /") }
    return LakeAddress(lake: FolderPlace(path: "/" + folders.joined(separator: "/")), path: nil)
  }
}

/// A folder of this machine, by its absolute path.
package struct FolderPlace: LakePlace {
  package static let noun = "a folder"
  package static let topNoun = "the folder"

  /// Without a slash at its end, and without `.` and `..`.
  package let path: String

  package init(path: String) {
    self.path = path
  }

  package func displayURL(of path: LakePath?) -> String {
    let folders = self.path.split(separator: "/").map(String.init) + (path?.components ?? [])
    return "file://" + LakeURLParts.path(of: folders)
  }

  package var shownHost: String? { nil }
  package func isHosted(by entry: LakeHost) -> Bool { false }
  package func sharesHost(with other: any LakePlace) -> Bool { false }

  package func path(of address: LakeAddress, below root: LakePath?) -> LakePath? {
    guard let file = address.lake as? FolderPlace else { return nil }
    let folder = (folder(root) + "/").utf8
    let full = file.folder(address.path).utf8
    // By bytes: a slash followed by a combining mark is one `Character`.
    guard full.starts(with: folder) else { return nil }
    return try? LakePath(String(decoding: full.dropFirst(folder.count), as: UTF8.self))
  }

  package func open(
    root: LakePath?, _ resources: LakeResources, creating: Bool
  ) async throws -> any LakeStore {
    var options = FolderOptions()
    options.onLockWait = { resources.onEvent(.lockWait($0, holder: $1)) }
    options.onLeftover = { resources.onEvent(.leftover($0)) }
    options.onStrayLink = { resources.onEvent(.strayLink($0)) }
    return try await FolderStore(root: folder(root), creating: creating, options: options)
  }

  package func make() async throws -> Bool { try await FolderStore.make(root: path) }

  private func folder(_ path: LakePath?) -> String { path.map { "\(self.path)/\($0)" } ?? self.path }
}
