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
    return node.data?.read(at: 0, count: node.committed) ?? []
  }
}
