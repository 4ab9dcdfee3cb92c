import Foundation
import Glibc
package import HTTPClient

/// A lake in a folder of this machine.
///
/// Files get the mode 0640 and folders 0750, less the process's umask. What `close` and `publish` have confirmed
/// survives a power cut, folders on the way included. Symbolic links below the root are refused with
/// `LakeError.escapesRoot`, and passed over in listings; the root itself may be one. No call blocks a thread of the
/// cooperative pool, and a cancelled task does not wait for a file system that does not answer.
package struct FolderStore: LakeStore {
  let root: FolderRoot
  let options: FolderOptions
  let operations: FileOperations
  let strayLinks: StrayLinks
  let publishers = FolderPublishers()

  /// Entries in one page of a listing.
  let pageSize: Int

  /// Makes the names of a file's folders durable; see ``FolderRename``.
  var syncFolders: @Sendable (FolderRoot.Place) throws(SystemError) -> Void = { (place) throws(SystemError) in
    try place.sync()
  }

  /// Opens the folder at a path, absolute or relative to the process's folder; with `creating` it is made where it is
  /// missing, its parents too.
  ///
  /// Throws `LakeError.rootUnavailable`: a folder that is not there may be a disk that is not mounted.
  package init(root: String, creating: Bool = false, options: FolderOptions = FolderOptions()) async throws {
    try await self.init(root: root, creating: creating, options: options, pageSize: 1000)
  }

  init(
    root: String, creating: Bool = false, options: FolderOptions = FolderOptions(), pageSize: Int
  ) async throws {
    let folder = Self.root(root)
    self.root = folder
    self.options = options
    self.pageSize = pageSize
    operations = FileOperations(place: folder.path)
    strayLinks = StrayLinks(options.onStrayLink)
    try await operations.run {
      if creating { try folder.make() } else { _ = try folder.open() }
    }
  }

  /// Makes the folder at a path and its parents where they are missing. Returns whether the folder was missing.
  ///
  /// Throws `LakeError.rootUnavailable`.
  package static func make(root: String) async throws -> Bool {
    let folder = Self.root(root)
    return try await FileOperations(place: folder.path).run { try folder.make() }
  }

  private static func root(_ path: String) -> FolderRoot {
    let absolute = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    let names = absolute.split(separator: "/").filter { $0 != "." }
    return FolderRoot(path: "/" + names.joined(separator: "/"))
  }

  /// The root as a file URL.
  package var displayURL: String { FolderPlace(path: root.path).displayURL(of: nil) }

  /// Opens the root for reading, and reads none of its names; see `LakeStore`.
  package func probe() async throws {
    try Task.checkCancellation()
    try await operations.run { _ = try root.open() }
  }

  /// Starts a new file; see `LakeStore`.
  package func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    try Task.checkCancellation()
    return try await FolderWriter.start(temporary, in: self)
  }

  /// Opens a file; see `LakeStore`.
  package func openReader(_ path: LakePath) async throws -> any LakeReader {
    try Task.checkCancellation()
    return try await operations.run { [root, operations] in
      try FolderReader(root: root, path: path, operations: operations)
    }
  }

  /// What is known of a file or folder; see `LakeStore`.
  package func properties(of path: LakePath) async throws -> LakeEntry? {
    try Task.checkCancellation()
    return try await operations.run {
      guard let status = try status(of: path)?.status else { return nil }
      guard status.isFile || status.isFolder else { throw LakeError.notAFile(path) }
      return status.entry(at: path)
    }
  }

  /// One page of what is in a folder; see `LakeStore`. The continuation is the last path given.
  package func listPage(
    under folder: LakePath?, recursive: Bool, continuation: String?
  ) async throws -> LakePage {
    try Task.checkCancellation()
    var last: LakePath?
    if let continuation {
      guard let path = try? LakePath(continuation), path.below(folder) != nil else {
        throw LakeError.invalidContinuation
      }
      last = path
    }
    return try await operations.run { [last] in
      var listing = FolderListing(
        root: root, recursive: recursive, pageSize: pageSize, onStrayLink: strayLinks.met)
      return try listing.page(of: folder, after: last)
    }
  }

  /// Removes a file or an empty folder, durably; see `LakeStore`.
  package func delete(_ path: LakePath) async throws {
    try Task.checkCancellation()
    try await operations.run {
      guard let (place, status) = try status(of: path) else { return }
      do throws(SystemError) {
        try SystemError.check { unlinkat(place.folder.number, place.name, status.isFolder ? AT_REMOVEDIR : 0) }
        try place.folder.sync()
      } catch {
        if error.number == ENOENT { return }
        throw error.lakeError(path, operation: "removing")
      }
    }
  }

  /// Nil when there is nothing at `path`, also when a file stands in the place of a folder on the way.
  /// The room of the file system; see `LakeStore`.
  package func inspect() async throws -> LakeInspection {
    try Task.checkCancellation()
    return try await operations.run {
      let folder = try root.open()
      var room = statvfs()
      do throws(SystemError) {
        try SystemError.check { fstatvfs(folder.number, &room) }
      } catch {
        throw LakeError.rootUnavailable(root.path, reason: "its free space cannot be read: \(error.text)")
      }
      var inspection = LakeInspection()
      inspection.freeBytes = Int(
        clamping: UInt64(room.f_bavail).multipliedReportingOverflow(by: UInt64(room.f_frsize)).partialValue)
      return inspection
    }
  }

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
      throw error.lakeError(path, operation: "reading the properties")
    }
    guard let status else { return nil }
    guard !status.isLink else { throw .escapesRoot(path) }
    return (place, status)
  }
}

/// How long a lake in a folder waits, and what it reports.
package struct FolderOptions: Sendable {
  /// How long a lock that another process holds on a folder of the lake is waited for.
  package var lockLimit = Duration.seconds(60)
  /// The clock of that wait.
  package var timer = RetryTimer.system
  /// Called once for each wait for a lock that lasts longer than a second: the file that is to be published, and who
  /// holds the lock as far as the system tells.
  package var onLockWait: @Sendable (_ path: LakePath, _ holder: String) -> Void = { _, _ in }
  /// Called once for each symbolic link that a listing passes over.
  package var onStrayLink: @Sendable (LakePath) -> Void = { _ in }
  /// Called for a temporary file that may be left although no writer of it was returned: its job was cancelled
  /// meanwhile.
  package var onLeftover: @Sendable (LakePath) -> Void = { _ in }

  /// The defaults.
  package init() {}
}
