import Foundation
import Synchronization

/// All filesystems of the account. What a request does to names is done under one lock; bytes move outside it.
final class LakeStorage: Sendable {
  /// On which disk the data files lie.
  let folder: String
  private let filesystems = Mutex<[String: Filesystem]>([:])
  private let serial = Atomic(0)

  init(folder: String) {
    self.folder = folder
  }

  /// A new ETag, with the time in whole seconds, as `Last-Modified` has no finer ones.
  func stamp() -> Stamp {
    let serial = serial.add(1, ordering: .relaxed).newValue
    return Stamp(serial: serial, time: Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down)))
  }

  /// Runs `work` on the set of filesystems, under the lock.
  func withAll<Value: Sendable>(_ work: (inout [String: Filesystem]) throws -> Value) throws -> Value {
    try filesystems.withLock { try work(&$0) }
  }

  /// Runs `work` on one filesystem, under the lock.
  /// - Throws: ``ServiceError`` 404 when it is missing, and what `work` throws.
  func within<Value: Sendable>(_ name: String, _ work: (inout Filesystem) throws -> Value) throws -> Value {
    try filesystems.withLock { filesystems in
      guard let stamp = filesystems[name]?.stamp else { throw ServiceError.filesystemNotFound }
      return try work(&filesystems[name, default: Filesystem(stamp: stamp)])
    }
  }

  /// Makes a filesystem.
  /// - Throws: ``ServiceError`` 409 when it is there, 400 for a name that cannot be one.
  @discardableResult
  func createFilesystem(_ name: String, properties: UserProperties = UserProperties()) throws -> Stamp {
    guard name.wholeMatch(of: /[$a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]/) != nil else {
      throw ServiceError(400, "InvalidResourceName", "The specified filesystem name has invalid characters.")
    }
    let stamp = stamp()
    try withAll { filesystems in
      guard filesystems[name] == nil else {
        throw ServiceError(409, "FilesystemAlreadyExists", "The specified filesystem already exists.")
      }
      filesystems[name] = Filesystem(stamp: stamp)
      filesystems[name]?.properties = properties
    }
    return stamp
  }
}
