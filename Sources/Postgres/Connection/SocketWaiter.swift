import Dispatch
import Glibc

/// Waits until a socket can be read or written, by dispatch sources on one queue.
///
/// It watches a duplicate of the descriptor: libpq may close its own socket at any time (when it goes on to the next
/// address, or finds the connection broken), and a dispatch source must never outlive its descriptor.
///
/// `@unchecked Sendable`: every stored property is read and written on `queue` alone: `wait` and `close` are called by
/// the actor whose executor is that queue, and the sources' handlers run on it. Each entry checks that it is.
final class SocketWaiter: @unchecked Sendable {
  struct Events: OptionSet, Sendable {
    let rawValue: Int
    static let read = Events(rawValue: 1)
    static let write = Events(rawValue: 2)
  }

  private let queue: DispatchQueue
  private let descriptor: Int32
  private let readSource: any DispatchSourceRead
  private let writeSource: any DispatchSourceWrite
  private var armed: Events = []
  private var continuation: CheckedContinuation<Events, Never>?
  private var timer: (any DispatchSourceTimer)?
  /// Counts the waits: a timer's event may come after its cancellation, and must not end the next wait.
  private var waitNumber = 0
  private var isClosed = false

  /// Nil when the descriptor cannot be duplicated (the process is out of descriptors).
  ///
  /// The sources' handlers hold the waiter, and Dispatch holds the handlers until a source's cancellation is complete. So
  /// it lives as long as any of them may run, and must be closed to go.
  init?(socket: Int32, queue: DispatchQueue) {
    let copy = fcntl(socket, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { return nil }
    self.queue = queue
    descriptor = copy
    readSource = DispatchSource.makeReadSource(fileDescriptor: copy, queue: queue)
    writeSource = DispatchSource.makeWriteSource(fileDescriptor: copy, queue: queue)
    readSource.setEventHandler { self.fired(.read) }
    writeSource.setEventHandler { self.fired(.write) }
    // The descriptor is closed when both sources are cancelled.
    let group = DispatchGroup()
    group.enter()
    group.enter()
    readSource.setCancelHandler { group.leave() }
    writeSource.setCancelHandler { group.leave() }
    group.notify(queue: queue) { Glibc.close(copy) }
  }

  /// Resumes when one of `events` holds, with what holds; with nothing when `timeout` (seconds) passed first.
  func wait(for events: Events, timeout: Double?, continuation: CheckedContinuation<Events, Never>) {
    dispatchPrecondition(condition: .onQueue(queue))
    guard !isClosed else { return continuation.resume(returning: []) }
    // Dispatch tells of a connection that is closed both ways once, and never again, while there may be more to read than
    // its reader took at that time. Such a socket is always ready: its reader finds out by itself how it ended.
    guard !isHungUp else { return continuation.resume(returning: events) }
    waitNumber += 1
    self.continuation = continuation
    if events.contains(.read) {
      armed.insert(.read)
      readSource.resume()
    }
    if events.contains(.write) {
      armed.insert(.write)
      writeSource.resume()
    }
    if let timeout { startTimer(timeout) }
  }

  private func startTimer(_ timeout: Double) {
    let timer = DispatchSource.makeTimerSource(queue: queue)
    let number = waitNumber
    timer.schedule(deadline: .now() + max(0, timeout))
    timer.setEventHandler { self.timeIsUp(inWait: number) }
    timer.resume()
    self.timer = timer
  }

  /// Ends the wait of that number; any other goes on.
  func timeIsUp(inWait number: Int) {
    dispatchPrecondition(condition: .onQueue(queue))
    if number == waitNumber { fired([]) }
  }

  private var isHungUp: Bool {
    var state = pollfd(fd: descriptor, events: 0, revents: 0)
    return poll(&state, 1, 0) > 0
  }

  /// Makes the peer and libpq see the end of the connection; a waiting reader wakes up.
  func shutDownSocket() {
    dispatchPrecondition(condition: .onQueue(queue))
    guard !isClosed else { return }
    Glibc.shutdown(descriptor, Int32(SHUT_RDWR))
  }

  func close() {
    dispatchPrecondition(condition: .onQueue(queue))
    guard !isClosed else { return }
    isClosed = true
    fired([])
    // A suspended source may not be released: both are resumed to be cancelled.
    readSource.resume()
    writeSource.resume()
    readSource.cancel()
    writeSource.cancel()
  }

  private func fired(_ events: Events) {
    if armed.contains(.read) { readSource.suspend() }
    if armed.contains(.write) { writeSource.suspend() }
    armed = []
    timer?.cancel()
    timer = nil
    let waiting = continuation
    continuation = nil
    waiting?.resume(returning: events)
  }
}
