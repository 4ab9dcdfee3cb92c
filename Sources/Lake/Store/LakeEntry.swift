public import struct Foundation.Date

/// The properties of a file or folder.
public struct LakeEntry: Hashable, Sendable {
  /// Where it lies.
  public let path: LakePath

  /// A file's length in bytes; 0 for a folder.
  public let length: Int

  /// When its content last changed.
  public let modified: Date

  /// An opaque mark that changes with the content. Renaming keeps it.
  public let etag: String

  /// Whether it is a folder.
  public let isDirectory: Bool

  /// An entry as a store has found it.
  public init(path: LakePath, length: Int, modified: Date, etag: String, isDirectory: Bool) {
    self.path = path
    self.length = length
    self.modified = modified
    self.etag = etag
    self.isDirectory = isDirectory
  }
}
