import CCurl
import Dispatch
import Glibc

/// Tells when one of libcurl's sockets can be read or written.
///
/// It watches a duplicate of the descriptor: libcurl may close its own at any time, while a Dispatch source needs the
/// descriptor to stay until its cancellation is through. Used on the loop's queue alone.
final class SocketWatch {
  private let reading: any DispatchSourceRead
  private let writing: any DispatchSourceWrite
  private var isReading = false
  private var isWriting = false

  init?(_ socket: curl_socket_t, queue: DispatchQueue, act: @escaping (Int32) -> Void) {
    let descriptor = fcntl(socket, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0 else { return nil }
    reading = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
    writing = DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue)
    reading.setEventHandler { act(CURL_CSELECT_IN) }
    writing.setEventHandler { act(CURL_CSELECT_OUT) }
    let open = OpenSources(descriptor)
    reading.setCancelHandler { open.oneLess() }
    writing.setCancelHandler { open.oneLess() }
  }

  func want(read: Bool, write: Bool) {
    if read != isReading {
      isReading = read
      if read { reading.resume() } else { reading.suspend() }
    }
    if write != isWriting {
      isWriting = write
      if write { writing.resume() } else { writing.suspend() }
    }
  }

  func cancel() {
    reading.cancel()
    writing.cancel()
    // A suspended source would never be told of its cancellation, nor could it be let go of.
    want(read: true, write: true)
  }
}

/// Closes the descriptor when both sources have let go of it; used on one queue.
private final class OpenSources {
  private let descriptor: Int32
  private var count = 2

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  func oneLess() {
    count -= 1
    if count == 0 { Glibc.close(descriptor) }
  }
}
