import Dispatch
import Essentials
import Glibc

/// Carries out what `ConnectionState` decides, on one non-blocking socket.
///
/// `@unchecked Sendable`: every stored property that changes is touched on `queue` alone, the server's serial queue. What
/// comes from elsewhere (a handler's answer) hops there first; `dispatchPrecondition` checks the entries.
final class Connection: @unchecked Sendable {
  /// What the server wants to hear, called on `queue`.
  struct Events {
    let request: (Connection, HTTPRequest) -> Void
    /// The connection may have stopped being busy, or hold more or less.
    let changed: (Connection) -> Void
    /// The descriptor is closed.
    let closed: (Connection) -> Void
  }

  let id: Int
  /// Whether it was accepted over the cap, only to be told so.
  let isRefusal: Bool
  private let descriptor: Int32
  private let queue: DispatchQueue
  private let readBuffer: ReadBuffer
  private var events: Events?
  private var state: ConnectionState
  private var reader: SwitchedSource?
  private var writer: SwitchedSource?
  private var timer: SwitchedSource?
  private var timerSource: (any DispatchSourceTimer)?
  private var timerSetFor: ConnectionState.Instant?
  private var openSources = 2
  /// Whether it was closed to make room for another.
  private(set) var hasGivenWay = false
  /// What the server has counted of `untrustedBytes`.
  var countedBytes = 0

  /// Beyond this many bytes in one go, other connections get their turn.
  private static let fairShare = 4 * 1024 * 1024

  init(
    id: Int, descriptor: Int32, isRefusal: Bool, state: ConnectionState, queue: DispatchQueue, readBuffer: ReadBuffer,
    events: Events
  ) {
    self.id = id
    self.descriptor = descriptor
    self.isRefusal = isRefusal
    self.state = state
    self.queue = queue
    self.readBuffer = readBuffer
    self.events = events
  }

  var isBusy: Bool { state.isBusy }
  /// How soon it gives way to another connection; nil when it does not.
  var rank: Rank? { state.rank }
  typealias Rank = ConnectionState.Rank
  var untrustedBytes: Int { state.untrustedBytes }
  var isReceiving: Bool { state.stage == .receiving }

  /// Begins to read, or to refuse. The sources hold the connection until it closes.
  func open() {
    dispatchPrecondition(condition: .onQueue(queue))
    reader = SwitchedSource(
      DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue), onCancel: { self.sourceEnded() },
      onEvent: { self.readable() })
    writer = SwitchedSource(
      DispatchSource.makeWriteSource(fileDescriptor: descriptor, queue: queue), onCancel: { self.sourceEnded() },
      onEvent: { self.carryOut([]) })
    let timerSource = DispatchSource.makeTimerSource(queue: queue)
    self.timerSource = timerSource
    timer = SwitchedSource(timerSource, onEvent: { self.timeIsUp() })
    carryOut(isRefusal ? state.refuse(.tooManyConnections, now: .now) : [])
  }

  func drain() {
    dispatchPrecondition(condition: .onQueue(queue))
    carryOut(state.drain())
  }

  /// Closes a connection whose request is still coming in; nobody waits for an answer on it yet.
  func closeIfReceiving() {
    dispatchPrecondition(condition: .onQueue(queue))
    if state.stage == .receiving { close() }
  }

  func close() {
    dispatchPrecondition(condition: .onQueue(queue))
    carryOut(state.failed())
  }

  /// Closes it to make room for another.
  func giveWay() {
    hasGivenWay = true
    close()
  }

  /// Answers a request that is coming in, and closes.
  func refuse(_ refusal: HTTPRefusal) {
    dispatchPrecondition(condition: .onQueue(queue))
    carryOut(state.refuse(refusal, now: .now))
  }

  /// Answers what is being handled, without waiting for the handler any longer.
  func abandon() {
    dispatchPrecondition(condition: .onQueue(queue))
    carryOut(state.abandon(now: .now))
  }

  /// Sends the handler's answer, or drops it when the client has gone.
  func answer(_ response: HTTPResponse) {
    dispatchPrecondition(condition: .onQueue(queue))
    carryOut(state.respond(response, now: .now))
  }

  private func readable() {
    var budget = Self.fairShare
    while budget > 0, state.wantsRead {
      let count = readBuffer.receive(from: descriptor)
      if count > 0 {
        budget -= count
        perform(state.received(readBuffer.bytes[..<count], now: .now))
      } else if count == 0 {
        perform(state.peerClosed())
      } else if errno == EAGAIN {
        break
      } else if errno != EINTR {
        perform(state.failed())
      }
    }
    carryOut([])
  }

  private func timeIsUp() {
    timerSetFor = nil
    carryOut(state.timePassed(now: .now))
  }

  private func carryOut(_ actions: [ConnectionState.Action]) {
    perform(actions)
    write()
    reader?.turn(on: state.wantsRead)
    writer?.turn(on: state.wantsWrite)
    setTimer()
    events?.changed(self)
  }

  private func perform(_ actions: [ConnectionState.Action]) {
    for action in actions {
      switch action {
      case .handle(let request): events?.request(self, request)
      case .shutdownWrite: _ = shutdown(descriptor, Int32(SHUT_WR))
      case .close:
        reader?.cancel()
        writer?.cancel()
        timer?.cancel()
      }
    }
  }

  private func write() {
    var budget = Self.fairShare
    while budget > 0, state.wantsWrite {
      let count = state.output.next.withUnsafeBytes { bytes in
        // MSG_NOSIGNAL: a client that has gone is an error to handle, not a SIGPIPE to die of.
        Glibc.send(descriptor, bytes.baseAddress, min(bytes.count, budget), Int32(MSG_NOSIGNAL))
      }
      if count >= 0 {
        budget -= count
        perform(state.sent(count, now: .now))
      } else if errno == EAGAIN {
        return
      } else if errno != EINTR {
        perform(state.failed())
      }
    }
  }

  /// A timer that is set for too early is left as it is: it finds nothing due and sets itself anew. So a busy connection
  /// does not touch its timer for each packet.
  private func setTimer() {
    guard let deadline = state.deadline, state.stage != .closed else { return }
    if let timerSetFor, timerSetFor <= deadline { return }
    timerSetFor = deadline
    let wait = max(.zero, ContinuousClock.now.duration(to: deadline))
    timerSource?.schedule(deadline: .now() + wait.dispatchInterval)
    timer?.turn(on: true)
  }

  /// The descriptor is closed when both sources have let go of it; earlier, its number could come back as another socket.
  private func sourceEnded() {
    openSources -= 1
    guard openSources == 0 else { return }
    Glibc.close(descriptor)
    let events = events
    self.events = nil
    reader = nil
    writer = nil
    timer = nil
    timerSource = nil
    events?.closed(self)
  }
}

/// The buffer that all connections of a server read into; they take turns on one queue.
final class ReadBuffer {
  private(set) var bytes = [UInt8](repeating: 0, count: 64 * 1024)

  /// - Returns: bytes read, 0 at the end, -1 with `errno`.
  func receive(from descriptor: Int32) -> Int {
    bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
  }
}
