package import struct Foundation.Date

/// The properties of a file or folder.
package struct LakeEntry: Hashable, Sendable {
  /// Where it lies.
  package let path: LakePath

  /// A file's length in bytes; 0 for a folder.
  package let length: Int

  /// When its content last changed.
  package let modified: Date

  /// An opaque mark that changes with the content. Renaming keeps it.
  package let etag: String

  /// Whether it is a folder.
  package let isDirectory: Bool

  /// An entry as a store has found it.
  package init(path: LakePath, length: Int, modified: Date, etag: String, isDirectory: Bool) {
    self.path = path
    self.length = length
    self.modified = modified
    self.etag = etag
    self.isDirectory = isDirectory
  }
}
