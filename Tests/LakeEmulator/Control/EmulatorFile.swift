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
