import Glibc

/// One new file of a `FolderStore`; writing, hashing and syncing run on a queue of its own.
actor FolderWriter: LakeWriter {
  private enum State {
    case writing(FileDescriptor)
    case failed(LakeError)
    case closed(FileDescriptor, LakeFileDigest)
    case published
    case discarded
  }

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let executor: QueueExecutor
  private let root: FolderRoot
  private let temporary: LakePath
  private let place: FolderRoot.Place
  private var hasher = SHA256Hasher()
  private var length = 0
  // The descriptor lives in the state: a removed file gives back its space only when nobody has it open.
  private var state: State

  /// Makes the file; blocks. Leaves none behind when it throws.
  init(root: FolderRoot, temporary: LakePath) throws(LakeError) {
    guard let place = try root.place(of: temporary, making: true) else { throw .notFound(temporary) }
    do throws(SystemError) {
      state = .writing(
        try FileDescriptor.open(
          place.name, in: place.folder, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: FolderRoot.fileMode))
    } catch {
      throw error.lakeError(temporary, operation: "create")
    }
    self.root = root
    self.temporary = temporary
    self.place = place
    executor = QueueExecutor(label: "sluice.lake.writer")
  }

  func append(_ bytes: [UInt8]) async throws {
    try Task.checkCancellation()
    let file: FileDescriptor
    switch state {
    case .writing(let open): file = open
    case .failed(let failure): throw failure
    case .closed, .published, .discarded: throw LakeError.outOfOrder(temporary, operation: "append")
    }
    do throws(SystemError) {
      try file.write(bytes)
    } catch {
      throw fail(error.lakeError(temporary, operation: "write"))
    }
    hasher.update(bytes)
    length += bytes.count
  }

  func close() async throws -> LakeFileDigest {
    let file: FileDescriptor
    switch state {
    case .writing(let open): file = open
    case .closed(_, let digest): return digest
    case .failed(let failure): throw failure
    case .published, .discarded: throw LakeError.outOfOrder(temporary, operation: "close")
    }
    let stored: Int
    do throws(SystemError) {
      try file.sync()
      stored = Int(try file.status().st_size)
      try place.sync()
    } catch {
      // After a failed fsync(2) the kernel may have dropped the data and would call the next one a success: no retry.
      throw fail(error.lakeError(temporary, operation: "sync"))
    }
    guard stored == length else {
      throw fail(LakeError.lengthMismatch(temporary, expected: length, found: stored))
    }
    let digest = LakeFileDigest(length: length, sha256: hasher.finish())
    state = .closed(file, digest)
    return digest
  }

  func publish(as path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry {
    try Task.checkCancellation()
    let file: FileDescriptor
    switch state {
    case .closed(let open, _): file = open
    case .failed(let failure): throw failure
    case .writing, .published, .discarded: throw LakeError.outOfOrder(temporary, operation: "publish")
    }
    guard let destination = try root.place(of: path, making: true) else { throw LakeError.notFound(path) }
    let rename = FolderRename(
      file: file, source: place, sourcePath: temporary, destination: destination, destinationPath: path)
    try rename.perform(condition)
    // From here on the file has its final name, whatever becomes of the sync.
    state = .published
    do throws(SystemError) {
      try destination.sync()
      try place.folder.sync()
      return try file.status().entry(at: path)
    } catch {
      throw error.lakeError(path, operation: "sync")
    }
  }

  func discard() async -> LakePath? {
    switch state {
    case .published, .discarded: return nil
    case .writing, .failed, .closed: break
    }
    state = .discarded
    // A file that can't be removed now is found and removed by the nightly run.
    return unlinkat(place.folder.number, place.name, 0) == 0 || errno == ENOENT ? nil : temporary
  }

  private func fail(_ error: LakeError) -> LakeError {
    state = .failed(error)
    return error
  }
}
