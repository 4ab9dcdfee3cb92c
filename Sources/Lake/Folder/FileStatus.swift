import Foundation
import Glibc

extension stat {
  var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }
  var isFile: Bool { st_mode & S_IFMT == S_IFREG }
  var isLink: Bool { st_mode & S_IFMT == S_IFLNK }

  /// Changes when the file is replaced (inode) or written to (size, time); a rename keeps all three.
  var etag: String {
    let time = UInt64(bitPattern: Int64(st_mtim.tv_sec)) &* 1_000_000_000 &+ UInt64(st_mtim.tv_nsec)
    return [UInt64(st_ino), UInt64(bitPattern: Int64(st_size)), time].map { String($0, radix: 16) }
      .joined(separator: "-")
  }

  var modified: Date {
    Date(timeIntervalSince1970: Double(st_mtim.tv_sec) + Double(st_mtim.tv_nsec) / 1e9)
  }

  /// Whether both are one file of one file system.
  func isSameFile(as other: stat) -> Bool { st_ino == other.st_ino && st_dev == other.st_dev }

  func entry(at path: LakePath) -> LakeEntry {
    LakeEntry(
      path: path, length: isFolder ? 0 : Int(st_size), modified: modified, etag: etag, isDirectory: isFolder)
  }
}
