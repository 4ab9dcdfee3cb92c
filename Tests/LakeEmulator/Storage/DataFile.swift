import Glibc

/// The bytes of one file, in a file of the system that loses its name at once: nothing is left when it is closed,
/// however the process ends.
final class DataFile: Sendable {
  let descriptor: Int32

  /// - Parameter folder: which disk it lies on.
  /// - Throws: ``ServiceError`` when the disk refuses.
  init(folder: String) throws(ServiceError) {
    var template = Array("\(folder)/lake-emulator-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    if descriptor >= 0 {
      unlink(template)
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
    guard descriptor >= 0 else {
      throw ServiceError(500, "InternalError", "The emulator's disk: \(String(cString: strerror(errno)))")
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// - Throws: ``ServiceError`` when the disk refuses.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(ServiceError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      guard count > 0 || errno == EINTR else {
        throw ServiceError(500, "InternalError", "The emulator's disk: \(String(cString: strerror(errno)))")
      }
      done += max(0, count)
    }
  }

  func read(at offset: Int, count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      initialized = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
    }
  }

  /// Gives back the room behind `length`.
  func cut(to length: Int) {
    var status = stat()
    if fstat(descriptor, &status) == 0, status.st_size > off_t(length) { ftruncate(descriptor, off_t(length)) }
  }
}
