import Glibc

/// The folder that a `FolderStore` reads and writes below, and the descent from it to any path.
///
/// Every step is an `openat` that refuses symbolic links, so no path and no link leads out of the root. All calls
/// block.
struct FolderRoot: Sendable {
  static let folderMode: mode_t = 0o750
  static let fileMode: mode_t = 0o640

  /// The root's absolute path. The root itself may be a symbolic link.
  let path: String

  /// A folder, the folders it was reached through, and a name in it.
  struct Place: Sendable {
    /// From the root down to the folder that holds `name`; never empty.
    let folders: [FileDescriptor]
    let name: String

    var folder: FileDescriptor { folders[folders.count - 1] }

    /// Makes the names of the folders durable: a new folder survives a power cut only when its parent was synced.
    func sync() throws(SystemError) {
      for folder in folders.reversed() { try folder.sync() }
    }

    /// Removes the file of that name. Returns whether it is gone.
    @discardableResult
    func remove() -> Bool { unlinkat(folder.number, name, 0) == 0 || errno == ENOENT }
  }

  /// Makes the root and its parents where they are missing. Returns whether the root was missing.
  @discardableResult
  func make() throws(LakeError) -> Bool {
    var isMade = false
    do throws(SystemError) {
      var parent = "/"
      for name in path.split(separator: "/") {
        let folder = (parent == "/" ? "" : parent) + "/" + name
        do throws(SystemError) {
          try SystemError.check { mkdir(folder, Self.folderMode) }
          isMade = folder == path
          try FileDescriptor.open(parent, flags: O_RDONLY | O_DIRECTORY).sync()
        } catch {
          // An existing folder may answer with the error of its read-only or forbidden parent.
          var status = stat()
          guard stat(folder, &status) == 0 else { throw error }
        }
        parent = folder
      }
    } catch {
      throw .rootUnavailable(path, reason: error.text)
    }
    _ = try open()
    return isMade
  }

  /// The root, opened anew each time: what is mounted there may have changed.
  func open() throws(LakeError) -> FileDescriptor {
    do {
      return try FileDescriptor.open(path, flags: O_RDONLY | O_DIRECTORY)
    } catch {
      let remedy = error.number == ENOENT ? "; is its disk mounted? A new lake is made by 'sluice init'" : ""
      throw .rootUnavailable(path, reason: error.text + remedy)
    }
  }

  /// The folder that holds `path`; nil when it does not exist and `making` is false.
  ///
  /// Throws `LakeError.escapesRoot` for a symbolic link on the way, `.notAFolder` for a file.
  func place(of path: LakePath, making: Bool) throws(LakeError) -> Place? {
    guard let folders = try walk(path.components.dropLast(), for: path, making: making) else { return nil }
    return Place(folders: folders, name: path.name)
  }

  /// The folder `path` (nil: the root) itself; nil when it does not exist.
  func folder(_ path: LakePath?) throws(LakeError) -> FileDescriptor? {
    guard let path else { return try open() }
    return try walk(path.components[...], for: path, making: false)?.last
  }

  private func walk(
    _ names: ArraySlice<String>, for path: LakePath, making: Bool
  ) throws(LakeError) -> [FileDescriptor]? {
    var folders = [try open()]
    for name in names {
      guard let next = try step(from: folders[folders.count - 1], to: name, for: path, making: making) else {
        return nil
      }
      folders.append(next)
    }
    return folders
  }

  private func step(
    from folder: FileDescriptor, to name: String, for path: LakePath, making: Bool
  ) throws(LakeError) -> FileDescriptor? {
    var mayMake = making
    while true {
      do throws(SystemError) {
        return try FileDescriptor.open(name, in: folder, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      } catch {
        switch error.number {
        case ENOENT where mayMake:
          mayMake = false
          try make(name, in: folder, for: path)
        case ENOENT where !making: return nil
        case ELOOP, ENOTDIR:
          // For a link, O_DIRECTORY with O_NOFOLLOW answers as for a file.
          guard isLink(name, in: folder) else { throw .notAFolder(path) }
          throw .escapesRoot(path)
        default: throw error.lakeError(path, operation: "opening a folder of its path")
        }
      }
    }
  }

  private func make(_ name: String, in folder: FileDescriptor, for path: LakePath) throws(LakeError) {
    do throws(SystemError) {
      try SystemError.check { mkdirat(folder.number, name, Self.folderMode) }
    } catch {
      // Another writer may have made it meanwhile.
      guard error.number == EEXIST else { throw error.lakeError(path, operation: "making its folder") }
    }
    do throws(SystemError) {
      try folder.sync()
    } catch {
      throw error.lakeError(path, operation: "syncing its folder")
    }
  }

  private func isLink(_ name: String, in folder: FileDescriptor) -> Bool {
    var status = stat()
    return fstatat(folder.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.isLink
  }
}
