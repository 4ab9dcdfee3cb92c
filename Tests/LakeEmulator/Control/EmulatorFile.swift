/// A file or directory in the emulator, with what a client cannot see.
public struct EmulatorFile: Sendable, Codable, Equatable {
  /// The filesystem it is in.
  public var filesystem: String
  /// Its path within the filesystem.
  public var path: String
  /// Whether it is a directory.
  public var isDirectory: Bool
  /// Its committed length in bytes.
  public var length: Int
  /// Appended bytes that no flush covered: above 0, a writer has left something behind.
  public var uncommitted: Int

  enum CodingKeys: String, CodingKey {
    case filesystem, path, length, uncommitted
    case isDirectory = "is_directory"
  }
}

extension LakeStorage {
  /// Everything that is there, by filesystem and path.
  func files() throws -> [EmulatorFile] {
    try withAll { filesystems in
      filesystems.sorted { $0.key < $1.key }.flatMap { name, filesystem in
        filesystem.nodes.sorted { $0.key < $1.key }.map { path, node in
          EmulatorFile(
            filesystem: name, path: path.text, isDirectory: node.kind == .directory, length: node.committed,
            uncommitted: node.uncommitted.reduce(0) { $0 + $1.count })
        }
      }
    }
  }

  /// A file's committed bytes.
  func content(_ name: String, _ path: PathName) throws -> [UInt8] {
    let node = try within(name) { filesystem in
      guard let node = filesystem.nodes[path] else { throw ServiceError.pathNotFound }
      return node
    }
    return node.data?.read(at: node.start, count: node.committed) ?? []
  }

  /// Puts files in their places, with the folders above them. They share one file of the system.
  func put(_ files: [String: String], in filesystem: String) throws {
    let data = try DataFile(folder: folder)
    var start = 0
    for (text, content) in files {
      let path = try PathName(decoded: text)
      let bytes = Array(content.utf8)
      try bytes.withUnsafeBytes { try data.write($0, at: start) }
      let stamp = stamp()
      var node = PathNode(kind: .file, stamp: stamp, access: AccessControl(kind: .file))
      node.committed = bytes.count
      node.data = data
      node.start = start
      start += bytes.count
      let put = node
      try within(filesystem) { filesystem in
        filesystem.nodes[path] = put
        var folder = path.parent
        while !folder.isRoot, filesystem.nodes[folder] == nil {
          filesystem.nodes[folder] = PathNode(kind: .directory, stamp: stamp, access: AccessControl(kind: .directory))
          folder = folder.parent
        }
      }
    }
  }
}
