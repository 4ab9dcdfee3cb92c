public import struct Foundation.Date

/// What the lake knows of a file or folder without reading it.
public struct LakeEntry: Hashable, Sendable {
  /// Where it lies.
  public let path: LakePath

  /// A file's length in bytes; 0 for a folder.
  public let length: Int

  /// When its content last changed.
  public let modified: Date

  /// A mark that changes with the content, to be compared and never read. Renaming keeps it.
  public let etag: String

  /// Whether it is a folder.
  public let isDirectory: Bool

  /// Puts together what a store has found.
  public init(path: LakePath, length: Int, modified: Date, etag: String, isDirectory: Bool) {
    self.path = path
    self.length = length
    self.modified = modified
    self.etag = etag
    self.isDirectory = isDirectory
  }
}
