import Glibc

/// The rename that gives a closed file its final name. All calls block.
struct FolderRename: Sendable {
  /// The file to be renamed.
  let file: FileDescriptor
  let source: FolderRoot.Place
  let sourcePath: LakePath
  let destination: FolderRoot.Place
  let destinationPath: LakePath

  /// Makes the names of a file's folders durable; tests replace it by a failing disk.
  var syncFolders: @Sendable (FolderRoot.Place) throws(SystemError) -> Void = { (place) throws(SystemError) in
    try place.sync()
  }

  /// Releases the lock of the destination's folder.
  var unlock: @Sendable () -> Void = {}

  /// renameat2(2) with RENAME_NOREPLACE; tests replace it by a file system without it.
  var renameWithoutReplacing: @Sendable (CInt, String, CInt, String) -> CInt = ExclusiveRename.perform

  /// The result of a rename.
  struct Published: Sendable {
    let entry: LakeEntry
    /// Why the storage did not confirm that the new name is durable; nil when it did.
    let undurable: String?
  }

  /// Renames when `condition` holds; else throws and leaves both names as they are. The caller has locked the
  /// destination's folder; it is unlocked before the folders are synced.
  func perform(_ condition: LakePublishCondition) throws(LakeError) -> Published {
    let entry = try rename(condition)
    do throws(SystemError) {
      try syncFolders(destination)
      try source.folder.sync()
      return Published(entry: entry, undurable: nil)
    } catch {
      return Published(entry: entry, undurable: error.text)
    }
  }

  private func rename(_ condition: LakePublishCondition) throws(LakeError) -> LakeEntry {
    defer { unlock() }
    try checkSource()
    try check(condition)
    do throws(SystemError) {
      // Read before the rename: after it, only the sync can fail.
      let entry = try file.status().entry(at: destinationPath)
      if condition == .ifAbsent {
        try renameIfAbsent()
      } else {
        try SystemError.check {
          renameat(source.folder.number, source.name, destination.folder.number, destination.name)
        }
      }
      return entry
    } catch {
      if error.number == ENOENT { throw .notFound(sourcePath) }
      throw error.lakeError(destinationPath, operation: "renaming a file to it")
    }
  }

  /// A cleaner, or a second process with the same name, may have taken the temporary file away.
  private func checkSource() throws(LakeError) {
    do throws(SystemError) {
      if let found = try source.folder.status(of: source.name), found.isSameFile(as: try file.status()) { return }
    } catch {
      throw error.lakeError(sourcePath, operation: "reading the properties")
    }
    throw .notFound(sourcePath)
  }

  private func check(_ condition: LakePublishCondition) throws(LakeError) {
    let present: stat?
    do throws(SystemError) {
      present = try destination.folder.status(of: destination.name)
    } catch {
      throw error.lakeError(destinationPath, operation: "reading the properties")
    }
    if present?.isLink == true { throw .escapesRoot(destinationPath) }
    switch condition {
    case .ifAbsent:
      if present != nil { throw .alreadyExists(destinationPath) }
    case .ifMatch(let etag):
      guard let present, present.isFile, present.etag == etag else { throw .conditionNotMet(destinationPath) }
    case .always:
      if let present, !present.isFile { throw .notAFile(destinationPath) }
    }
  }

  private func renameIfAbsent() throws(SystemError) {
    do throws(SystemError) {
      try SystemError.check {
        renameWithoutReplacing(source.folder.number, source.name, destination.folder.number, destination.name)
      }
    } catch {
      // Not every file system has the flag; a second name by link(2) is as exclusive.
      guard [EINVAL, ENOSYS, EOPNOTSUPP].contains(error.number) else { throw error }
      try SystemError.check {
        linkat(source.folder.number, source.name, destination.folder.number, destination.name, 0)
      }
      // The file has its final name. If this fails, the temporary name stays until the nightly run removes it by its
      // age.
      unlinkat(source.folder.number, source.name, 0)
    }
  }
}

/// renameat2(2) with RENAME_NOREPLACE: a rename that fails with EEXIST where the new name is taken.
enum ExclusiveRename {
  private typealias Function =
    @convention(c) @Sendable (CInt, UnsafePointer<CChar>, CInt, UnsafePointer<CChar>, CUnsignedInt) -> CInt

  private static let noReplace: CUnsignedInt = 1  // linux/fs.h

  /// The C library's function by its name: its header shows it only to GNU sources, which Swift's import is not.
  private static let function: Function? = dlsym(nil, "renameat2").map { unsafeBitCast($0, to: Function.self) }

  /// 0, or -1 with the reason in `errno`; ENOSYS where the C library has no such function.
  @Sendable static func perform(
    _ sourceFolder: CInt, _ source: String, _ destinationFolder: CInt, _ destination: String
  ) -> CInt {
    guard let function else {
      errno = ENOSYS
      return -1
    }
    return function(sourceFolder, source, destinationFolder, destination, noReplace)
  }
}
