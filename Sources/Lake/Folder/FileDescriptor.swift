import Foundation
import Glibc

/// An open file or folder; closed when its last owner releases it.
final class FileDescriptor: Sendable {
  let number: CInt

  init(_ number: CInt) {
    self.number = number
  }

  deinit {
    // An error of close(2) does not matter here: what has to be durable was synced before.
    Glibc.close(number)
  }

  /// Opens `name` in `folder`, or at an absolute path when that is nil. The descriptor is not inherited by programs.
  static func open(
    _ name: String, in folder: FileDescriptor? = nil, flags: CInt, mode: mode_t = 0
  ) throws(SystemError) -> FileDescriptor {
    let number = try SystemError.check { openat(folder?.number ?? AT_FDCWD, name, flags | O_CLOEXEC, mode) }
    return FileDescriptor(number)
  }

  /// Makes the file's content, or the folder's entries, durable.
  func sync() throws(SystemError) {
    try SystemError.check { fsync(number) }
  }

  /// What the system knows of the open file.
  func status() throws(SystemError) -> stat {
    var status = stat()
    try SystemError.check { fstat(number, &status) }
    return status
  }

  /// What the system knows of a name in this folder, of a symbolic link itself; nil when there is none.
  func status(of name: String) throws(SystemError) -> stat? {
    var status = stat()
    do {
      try SystemError.check { fstatat(number, name, &status, AT_SYMLINK_NOFOLLOW) }
      return status
    } catch {
      guard error.number == ENOENT else { throw error }
      return nil
    }
  }

  /// Writes all bytes at the file's current position.
  func write(_ bytes: [UInt8]) throws(SystemError) {
    var written = 0
    while written < bytes.count {
      let count = try SystemError.check {
        bytes.withUnsafeBytes { Glibc.write(number, $0.baseAddress.unsafelyUnwrapped + written, $0.count - written) }
      }
      // Of a plain file, write(2) takes at least one byte or fails.
      guard count > 0 else { throw SystemError(number: EIO) }
      written += count
    }
  }

  /// Up to `count` bytes from `offset`, fewer only where the file ends.
  func read(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(SystemError) {
        while filled < count {
          let place = filled
          let address = buffer.baseAddress.unsafelyUnwrapped + place
          let read = try SystemError.check { pread(number, address, count - place, off_t(offset + place)) }
          if read == 0 { return }
          filled += read
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}

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
