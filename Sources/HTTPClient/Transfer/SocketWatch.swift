import CCurl
import Dispatch
import Glibc

/// Tells when one of libcurl's sockets can be read or written.
///
/// It watches a duplicate of the descriptor: libcurl may close its own at any time, while a Dispatch source needs the
/// descriptor to stay until its cancellation is through. Its sources hold it until then: who makes one must ``cancel()`` it.
///
/// `@unchecked Sendable`: its calls are made, and its handlers run, on `queue` alone; each call checks that it is.
final class SocketWatch: @unchecked Sendable {
  /// For `act`: there is something to read.
  static let readable = CURL_CSELECT_IN

  private let descriptor: Int32
  private let queue: DispatchQueue
  private let act: (Int32) -> Void
  private let reading: any DispatchSourceRead
  private let writing: any DispatchSourceWrite
  private var isReading = false
  private var isWriting = false
  private var isRepeating = false
  private var isCancelled = false

  /// `act` is called with `CURL_CSELECT_IN` and `CURL_CSELECT_OUT` for as long as they hold and are wanted. Nil when the
  /// process is out of descriptors.
  init?(_ socket: curl_socket_t, queue: DispatchQueue, act: @escaping (Int32) -> Void) {
    let descriptor = fcntl(socket, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else { return nil }
    self.descriptor = descriptor
    self.queue = queue
    self.act = act
    reading = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
    writing = DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue)
    let open = OpenSources(descriptor)
    reading.setCancelHandler { open.oneLess() }
    writing.setCancelHandler { open.oneLess() }
    reading.setEventHandler { self.fired(CURL_CSELECT_IN) }
    writing.setEventHandler { self.fired(CURL_CSELECT_OUT) }
  }

  func want(read: Bool, write: Bool) {
    dispatchPrecondition(condition: .onQueue(queue))
    switchSources(read: read, write: write)
    repeatWhenHungUp()
  }

  /// Ends it; `act` is not called any more.
  func cancel() {
    dispatchPrecondition(condition: .onQueue(queue))
    guard !isCancelled else { return }
    isCancelled = true
    reading.cancel()
    writing.cancel()
    // A suspended source would never run its cancel handler, and may not be released.
    switchSources(read: true, write: true)
    isReading = false
    isWriting = false
  }

  private func switchSources(read: Bool, write: Bool) {
    if read != isReading {
      isReading = read
      if read { reading.resume() } else { reading.suspend() }
    }
    if write != isWriting {
      isWriting = write
      if write { writing.resume() } else { writing.suspend() }
    }
  }

  private func fired(_ events: Int32) {
    guard !isCancelled else { return }
    act(events)
    repeatWhenHungUp()
  }

  /// Dispatch tells of a connection that is closed both ways once, and never again, while there may be more to read than
  /// libcurl took at that time. Such a socket is always ready.
  private func repeatWhenHungUp() {
    guard isReading || isWriting, !isRepeating, !isCancelled else { return }
    var state = pollfd(fd: descriptor, events: 0, revents: 0)
    guard poll(&state, 1, 0) > 0 else { return }
    isRepeating = true
    // Later: libcurl may be the caller.
    queue.async { [self] in
      isRepeating = false
      guard isReading || isWriting else { return }
      fired((isReading ? CURL_CSELECT_IN : 0) | (isWriting ? CURL_CSELECT_OUT : 0))
    }
  }
}

/// Closes the descriptor when both sources are cancelled; used on one queue.
private final class OpenSources {
  private let descriptor: Int32
  private var count = 2

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  func oneLess() {
    count -= 1
    if count == 0 { Glibc.close(descriptor) }
  }
}
