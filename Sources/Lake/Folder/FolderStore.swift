import Dispatch
import Foundation
import Glibc

/// A lake in a folder of this machine.
///
/// Files get the mode 0640 and folders 0750, less the process's umask. What `close` and `publish` have confirmed survives
/// a power cut, folders on the way included. Symbolic links below the root are refused with `LakeError.escapesRoot`; the
/// root itself may be one. No call blocks a thread of the cooperative pool.
public struct FolderStore: LakeStore {
  let root: FolderRoot
  private let queue = DispatchQueue(label: "sluice.lake.folder", attributes: .concurrent)

  /// Entries in one page of a listing.
  let pageSize: Int

  /// Opens the folder at a path, absolute or relative to the process's folder, and makes it where it is missing.
  ///
  /// Throws `LakeError.rootUnavailable`.
  public init(root: String) async throws {
    try await self.init(root: root, pageSize: 1000)
  }

  init(root: String, pageSize: Int) async throws {
    let absolute = root.hasPrefix("/") ? root : FileManager.default.currentDirectoryPath + "/" + root
    let names = absolute.split(separator: "/").filter { $0 != "." }
    let folder = FolderRoot(path: "/" + names.joined(separator: "/"))
    self.root = folder
    self.pageSize = pageSize
    try await offPool { try folder.make() }
  }

  /// The root as a file URL.
  public var displayURL: String { LakeURL.folder(path: root.path).displayURL }

  /// Starts a new file; see `LakeStore`.
  public func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    try Task.checkCancellation()
    return try await offPool { try FolderWriter(root: root, temporary: temporary) }
  }

  /// Opens a file; see `LakeStore`.
  public func openReader(_ path: LakePath) async throws -> any LakeReader {
    try Task.checkCancellation()
    return try await offPool { try FolderReader(root: root, path: path) }
  }

  /// What is known of a file or folder; see `LakeStore`.
  public func properties(of path: LakePath) async throws -> LakeEntry? {
    try Task.checkCancellation()
    return try await offPool {
      guard let status = try status(of: path)?.status else { return nil }
      guard status.isFile || status.isFolder else { throw LakeError.notAFile(path) }
      return status.entry(at: path)
    }
  }

  /// Removes a file or an empty folder, durably; see `LakeStore`.
  public func delete(_ path: LakePath) async throws {
    try Task.checkCancellation()
    try await offPool {
      guard let (place, status) = try status(of: path) else { return }
      do throws(SystemError) {
        try SystemError.check { unlinkat(place.folder.number, place.name, status.isFolder ? AT_REMOVEDIR : 0) }
        try place.folder.sync()
      } catch {
        if error.number == ENOENT { return }
        throw error.lakeError(path, operation: "remove")
      }
    }
  }

  /// Nil when there is nothing at `path`, also when a file stands in the place of a folder on the way.
  private func status(of path: LakePath) throws(LakeError) -> (place: FolderRoot.Place, status: stat)? {
    let place: FolderRoot.Place?
    do {
      place = try root.place(of: path, making: false)
    } catch .notAFolder {
      return nil
    }
    guard let place else { return nil }
    let status: stat?
    do {
      status = try place.folder.status(of: place.name)
    } catch {
      throw error.lakeError(path, operation: "look at")
    }
    guard let status else { return nil }
    guard !status.isLink else { throw .escapesRoot(path) }
    return (place, status)
  }

  /// Runs blocking work on the store's own queue.
  func offPool<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Result(catching: work)) }
    }
  }
}
