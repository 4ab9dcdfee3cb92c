import Dispatch
import Glibc

/// One open file of a `FolderStore`; reading runs on a queue of its own.
actor FolderReader: LakeReader {
  nonisolated let entry: LakeEntry
  private let operations: FileOperations
  private let queue = DispatchQueue(label: "sluice.lake.reader")
  private var file: FileDescriptor?
  private var offset = 0

  /// Opens the file; blocks.
  init(root: FolderRoot, path: LakePath, operations: FileOperations) throws(LakeError) {
    let place: FolderRoot.Place?
    do {
      place = try root.place(of: path, making: false)
    } catch .notAFolder {
      throw .notFound(path)
    }
    guard let place else { throw .notFound(path) }
    let file: FileDescriptor
    let status: stat
    do throws(SystemError) {
      // O_NONBLOCK: opening a named pipe would wait for a writer.
      file = try FileDescriptor.open(place.name, in: place.folder, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
      status = try file.status()
    } catch {
      throw error.lakeError(path, operation: "reading")
    }
    guard status.isFile else { throw .notAFile(path) }
    // Advice only: without it the kernel reads less far ahead.
    posix_fadvise(file.number, 0, 0, POSIX_FADV_SEQUENTIAL)
    self.file = file
    entry = status.entry(at: path)
    self.operations = operations
  }

  func read(maxBytes: Int) async throws -> [UInt8] {
    precondition(maxBytes > 0, "maxBytes must be at least 1")
    let bytes = try await bytes(at: offset, count: maxBytes)
    offset += bytes.count
    return bytes
  }

  func close() async {
    guard let file else { return }
    self.file = nil
    queue.async { withExtendedLifetime(file) {} }
  }

  deinit {
    // close(2) may block on a network mount.
    guard let file else { return }
    queue.async { withExtendedLifetime(file) {} }
  }

  private func bytes(at offset: Int, count: Int) async throws -> [UInt8] {
    try Task.checkCancellation()
    guard let file else { throw LakeError.outOfOrder(entry.path, operation: "reading") }
    let entry = entry
    return try await operations.run(on: queue) {
      let wanted = min(count, max(0, entry.length - offset))
      do throws(SystemError) {
        let bytes = wanted > 0 ? try file.read(at: offset, count: wanted) : []
        // A file replaced by a rename is still whole behind our descriptor. One that is written in place is not.
        if bytes.count == wanted, try file.status().etag == entry.etag { return bytes }
      } catch {
        throw error.lakeError(entry.path, operation: "reading")
      }
      throw LakeError.changed(entry.path)
    }
  }
}
