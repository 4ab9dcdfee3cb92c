import Foundation
import Synchronization

/// Writes whole lines, unbuffered: a line is written when the call returns, so it is not lost if the process is then
/// killed.
enum Output {
  /// What became of standard output.
  private struct Standard {
    /// Some of the output was taken.
    var hasTaken = false
    /// The error of the first write that failed; nothing is written after it.
    var failure: Int32?
  }

  private static let standard = Mutex(Standard())

  static func line(_ text: String) {
    bytes(Array((text + "\n").utf8))
  }

  static func error(_ text: String) {
    write(text + "\n", to: STDERR_FILENO)
  }

  static func bytes(_ bytes: [UInt8]) {
    standard.withLock { standard in
      guard standard.failure == nil else { return }
      let (count, failure) = write(bytes, to: STDOUT_FILENO)
      standard.hasTaken = standard.hasTaken || count > 0
      standard.failure = failure
    }
  }

  static func write(_ text: String, to descriptor: Int32) {
    _ = write(Array(text.utf8), to: descriptor)
  }

  /// Puts a descriptor that refuses reads and writes in the place of each standard stream that the caller closed. Else the
  /// next file or socket that the program opens would take its number, and receive what is printed.
  static func replaceClosedStreams() {
    for number in STDIN_FILENO...STDERR_FILENO where fcntl(number, F_GETFD) == -1 {
      _ = open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// The exit code of a command that would end with `code`: 1 in place of 0 where standard output could not be written.
  ///
  /// - Parameter isListing: a reader that closes the pipe after it has taken something has what it wants, as in
  ///   `sluice archives | head`.
  static func exitCode(_ code: ExitCode, isListing: Bool) -> ExitCode {
    let (hasTaken, failure) = standard.withLock { ($0.hasTaken, $0.failure) }
    guard let failure, !(isListing && hasTaken && failure == EPIPE) else { return code }
    error("sluice: standard output cannot be written: \(String(cString: strerror(failure)))")
    return code == .done || isListing ? .failed : code
  }

  /// - Returns: the number of bytes written, and the error that kept the rest from being.
  private static func write(_ bytes: [UInt8], to descriptor: Int32) -> (count: Int, failure: Int32?) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      guard count <= 0 else {
        rest = rest.dropFirst(count)
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        // A pipe or terminal that another program has made non-blocking.
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&waiting, 1, -1)
      case let failure: return (bytes.count - rest.count, failure)
      }
    }
    return (bytes.count, nil)
  }
}
