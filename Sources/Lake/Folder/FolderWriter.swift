import Dispatch
import Glibc

/// One new file of a `FolderStore`; writing, hashing and syncing run on a queue of its own.
actor FolderWriter: LakeWriter {
  private enum State {
    case writing
    case failed(any Error)
    case closed(LakeFileDigest)
    case published
    case discarded
  }

  private let store: FolderStore
  private let temporary: LakePath
  private let place: FolderRoot.Place
  private let file: WrittenFile
  private var state = State.writing

  /// Makes the file; leaves none behind when it throws.
  static func start(_ temporary: LakePath, in store: FolderStore) async throws -> FolderWriter {
    do {
      return try await CancellationGrace.carryOn {
        try await store.operations.run(undo: { $0.place.remove() }) {
          try FolderWriter(store: store, temporary: temporary)
        }
      }
    } catch let error as CancellationError {
      store.options.onLeftover(temporary)
      throw error
    }
  }

  /// Makes the file; blocks.
  private init(store: FolderStore, temporary: LakePath) throws(LakeError) {
    guard let place = try store.root.place(of: temporary, making: true) else { throw .notFound(temporary) }
    do throws(SystemError) {
      file = WrittenFile(
        try FileDescriptor.open(
          place.name, in: place.folder, flags: O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: FolderRoot.fileMode))
    } catch {
      throw error.lakeError(temporary, operation: "creating the file")
    }
    self.store = store
    self.temporary = temporary
    self.place = place
  }

  func append(_ bytes: [UInt8]) async throws {
    try Task.checkCancellation()
    try checkWriting("appending")
    let (file, temporary) = (file, temporary)
    try await failing {
      try await store.operations.run(on: file.queue) {
        do throws(SystemError) {
          try file.write(bytes)
        } catch {
          throw error.lakeError(temporary, operation: "writing")
        }
      }
    }
  }

  func close() async throws -> LakeFileDigest {
    if case .closed(let digest) = state { return digest }
    try checkWriting("closing")
    let (file, temporary, place) = (file, temporary, place)
    let digest = try await failing {
      try await store.operations.run(on: file.queue) {
        let stored: LakeEntry
        do throws(SystemError) {
          stored = try file.sync().entry(at: temporary)
          try place.sync()
        } catch {
          // After a failed fsync(2) the kernel may have dropped the data and would call the next one a success: no
          // retry.
          throw error.lakeError(temporary, operation: "syncing")
        }
        guard stored.length == file.length else {
          throw LakeError.lengthMismatch(temporary, expected: file.length, found: stored.length)
        }
        return file.digest(etag: stored.etag)
      }
    }
    if case .writing = state { state = .closed(digest) }
    return digest
  }

  func publish(as path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry {
    try Task.checkCancellation()
    switch state {
    case .closed: break
    case .failed(let failure): throw failure
    case .writing, .published, .discarded: throw LakeError.outOfOrder(temporary, operation: "publishing")
    }
    let (root, operations, file) = (store.root, store.operations, file)
    let found = try await operations.run { try root.place(of: path, making: true) }
    guard let destination = found else { throw LakeError.notFound(path) }
    // One publisher at a time in a folder, over all processes: otherwise two could both find the ETag they expect.
    let lock = try await FolderLock(folder: destination.folder, path: path, store: store).acquire()
    let (place, temporary, syncFolders) = (place, temporary, store.syncFolders)
    let published: FolderRename.Published
    do {
      // A rename that has begun is completed: if it were cancelled, its outcome would be unknown.
      published = try await CancellationGrace.carryOn {
        try await operations.run(on: file.queue) {
          let rename = FolderRename(
            file: try file.open(), source: place, sourcePath: temporary, destination: destination,
            destinationPath: path, syncFolders: syncFolders, unlock: lock.release)
          let published = try rename.perform(condition)
          file.close()
          return published
        }
      }
    } catch is CancellationError {
      throw LakeError.outcomeUnknown(
        path, operation: "renaming a file to it", reason: "the file system did not answer before the job had to end")
    }
    // The file has its final name from here on, whether or not it was synced.
    state = .published
    if let reason = published.undurable { throw LakeError.notDurable(path, reason: reason) }
    return published.entry
  }

  func discard() async -> LakePath? {
    switch state {
    case .published, .discarded: return nil
    case .writing, .failed, .closed: break
    }
    state = .discarded
    let (place, operations, file) = (place, store.operations, file)
    // A file that can't be removed now is found and removed by the nightly run.
    let isRemoved = try? await CancellationGrace.cleanUp {
      try await operations.run(cleaningUp: true) { place.remove() }
    }
    // A removed file gives back its space only when nobody has it open.
    try? await CancellationGrace.cleanUp {
      try await operations.run(on: file.queue, cleaningUp: true) { file.close() }
    }
    return isRemoved == true ? nil : temporary
  }

  private func checkWriting(_ operation: String) throws {
    switch state {
    case .writing: return
    case .failed(let failure): throw failure
    case .closed, .published, .discarded: throw LakeError.outOfOrder(temporary, operation: operation)
    }
  }

  /// Notes a failure: after a step that failed or was abandoned, the content of the file is unknown.
  private func failing<Value: Sendable>(_ step: () async throws -> Value) async throws -> Value {
    do {
      return try await step()
    } catch {
      if case .writing = state { state = .failed(error) }
      throw error
    }
  }
}

/// The open file, its digest and its length.
///
/// `@unchecked Sendable`: all but `queue`, which never changes, is touched on `queue` alone once it is made.
private final class WrittenFile: @unchecked Sendable {
  let queue = DispatchQueue(label: "sluice.lake.writer")
  private(set) var length = 0
  private var descriptor: FileDescriptor?
  private var hasher = SHA256Hasher()

  init(_ descriptor: FileDescriptor) {
    self.descriptor = descriptor
  }

  func write(_ bytes: [UInt8]) throws(SystemError) {
    dispatchPrecondition(condition: .onQueue(queue))
    try open().write(bytes)
    hasher.update(bytes)
    length += bytes.count
  }

  /// Makes the content durable. Returns the status of the stored file.
  func sync() throws(SystemError) -> stat {
    dispatchPrecondition(condition: .onQueue(queue))
    try open().sync()
    return try open().status()
  }

  func open() throws(SystemError) -> FileDescriptor {
    dispatchPrecondition(condition: .onQueue(queue))
    guard let descriptor else { throw SystemError(number: EBADF) }
    return descriptor
  }

  /// close(2) may block on a network mount, so it is not left to whoever releases the file last.
  func close() {
    dispatchPrecondition(condition: .onQueue(queue))
    descriptor = nil
  }

  deinit {
    guard let descriptor else { return }
    queue.async { withExtendedLifetime(descriptor) {} }
  }

  func digest(etag: String) -> LakeFileDigest {
    dispatchPrecondition(condition: .onQueue(queue))
    return LakeFileDigest(length: length, sha256: hasher.finish(), etag: etag)
  }
}
