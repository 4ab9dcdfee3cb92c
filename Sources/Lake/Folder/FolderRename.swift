import Glibc

/// The step that gives a closed file its final name. All calls block.
struct FolderRename {
  /// The file to be renamed.
  let file: FileDescriptor
  let source: FolderRoot.Place
  let sourcePath: LakePath
  let destination: FolderRoot.Place
  let destinationPath: LakePath

  /// renameat2(2) with RENAME_NOREPLACE; tests put a file system without it in its place.
  var renameWithoutReplacing: @Sendable (CInt, String, CInt, String) -> CInt = ExclusiveRename.perform

  /// Renames when `condition` holds; else throws and leaves both names as they are.
  func perform(_ condition: LakePublishCondition) throws(LakeError) {
    // One publisher at a time in a folder, over all processes: else two could both find the etag they expect.
    do throws(SystemError) {
      try destination.folder.lock()
    } catch {
      throw error.lakeError(destinationPath, operation: "lock the folder of")
    }
    defer { flock(destination.folder.number, LOCK_UN) }
    try checkSource()
    try check(condition)
    do throws(SystemError) {
      if condition == .ifAbsent {
        try renameIfAbsent()
      } else {
        try SystemError.check {
          renameat(source.folder.number, source.name, destination.folder.number, destination.name)
        }
      }
    } catch {
      if error.number == ENOENT { throw .notFound(sourcePath) }
      throw error.lakeError(destinationPath, operation: "rename a file to")
    }
  }

  /// A cleaner, or a second process with the same name, may have taken the temporary file away.
  private func checkSource() throws(LakeError) {
    do throws(SystemError) {
      if let found = try source.folder.status(of: source.name), found.isSameFile(as: try file.status()) { return }
    } catch {
      throw error.lakeError(sourcePath, operation: "look at")
    }
    throw .notFound(sourcePath)
  }

  private func check(_ condition: LakePublishCondition) throws(LakeError) {
    let present: stat?
    do throws(SystemError) {
      present = try destination.folder.status(of: destination.name)
    } catch {
      throw error.lakeError(destinationPath, operation: "look at")
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
      try SystemError.check { unlinkat(source.folder.number, source.name, 0) }
    }
  }
}
