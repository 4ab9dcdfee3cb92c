import Dispatch
import Essentials
import Foundation

/// The server's queue and what lives on it: the listening socket, the connections, the handlers' tasks.
///
/// `@unchecked Sendable`: every stored property that changes is touched on `queue` alone, a serial queue.
final class ServerLoop: @unchecked Sendable {
  private enum Phase {
    case new
    case running
    /// Requests under way are answered.
    case draining
    /// The handlers' tasks are cancelled and being waited for.
    case cancelling
    /// The last answers are on their way.
    case flushing
    case closing
    case stopped
  }

  private let queue = DispatchQueue(label: "http-server", qos: .userInitiated)
  private let configuration: HTTPServerConfiguration
  private let admit: HTTPServer.Gatekeeper
  private let handler: HTTPServer.Handler
  private let readBuffer = ReadBuffer()
  private var phase = Phase.new
  private var listener: ListeningSocket?
  private var acceptor: SwitchedSource?
  private var isExhausted = false
  private var connections: [Int: Connection] = [:]
  private var refusals = 0
  /// Connections that were closed to make room and whose sources have not ended yet.
  private var givingWay = 0
  private var untrusted: UntrustedMemory
  private var abandoned = 0
  private var tasks: [Int: Task<Void, Never>] = [:]
  private var lastID = 0
  private var waiters: [CheckedContinuation<Int, Never>] = []

  /// Connections over the cap that are answered 503 at a time; beyond them the socket is closed at once.
  private static let maximumRefusals = 64
  private static let exhaustionPause = DispatchTimeInterval.milliseconds(100)

  init(
    configuration: HTTPServerConfiguration, admit: @escaping HTTPServer.Gatekeeper,
    handler: @escaping HTTPServer.Handler
  ) {
    self.configuration = configuration
    self.admit = admit
    untrusted = UntrustedMemory(
      limit: configuration.maximumUntrustedBytes, connections: configuration.maximumConnections)
    self.handler = handler
  }

  func start() async throws -> Int {
    try await withCheckedThrowingContinuation { continuation in
      queue.async {
        do throws(HTTPServerError) {
          continuation.resume(returning: try self.listen())
        } catch {
          continuation.resume(throwing: error)
        }
      }
    }
  }

  func shutdown(grace: Duration, cleanup: Duration?) async -> Int {
    await withCheckedContinuation { continuation in
      queue.async {
        self.waiters.append(continuation)
        self.beginShutdown()
        self.queue.asyncAfter(deadline: .now() + grace.dispatchInterval) { self.graceEnded() }
        guard let cleanup else { return }
        self.queue.asyncAfter(deadline: .now() + (grace + cleanup).dispatchInterval) { self.cleanupEnded() }
      }
    }
  }

  // MARK: Accepting

  private func listen() throws(HTTPServerError) -> Int {
    guard phase == .new else { throw .alreadyStarted }
    let listener = try ListeningSocket(host: configuration.host, port: configuration.port)
    self.listener = listener
    phase = .running
    let source = DispatchSource.makeReadSource(fileDescriptor: listener.descriptor, queue: queue)
    let acceptor = SwitchedSource(source, onCancel: { self.listenerEnded() }, onEvent: { self.acceptAll() })
    self.acceptor = acceptor
    acceptor.turn(on: true)
    return listener.port
  }

  private func acceptAll() {
    guard phase == .running, let listener else { return }
    // A burst of new connections leaves room for the old ones: what is not accepted now makes the source fire again.
    for _ in 0..<64 {
      switch listener.accept() {
      case .none: return
      case .connection(let descriptor):
        isExhausted = false
        add(descriptor)
      case .exhausted(let number):
        pauseAccepting(number)
        return
      }
    }
  }

  /// The socket stays readable while nothing can be accepted, so a source left on would spin.
  private func pauseAccepting(_ number: Int32) {
    if !isExhausted {
      isExhausted = true
      configuration.onTrouble?(
        "cannot accept connections: \(String(cString: strerror(number))); trying again until it works. "
          + "If it lasts, raise the limit of open files (ulimit -n)")
    }
    acceptor?.turn(on: false)
    queue.asyncAfter(deadline: .now() + Self.exhaustionPause) { self.acceptor?.turn(on: true) }
  }

  private func add(_ descriptor: Int32) {
    let isFull = connections.count - refusals - givingWay >= configuration.maximumConnections
    let isRefusal = isFull && !makeRoom()
    if isRefusal {
      guard refusals < Self.maximumRefusals else {
        Glibc.close(descriptor)
        return
      }
      refusals += 1
    }
    lastID += 1
    let state = ConnectionState(
      limits: configuration.limits, timeouts: configuration.timeouts, date: { HTTPDate.text(Date()) },
      anonymousBody: configuration.maximumAnonymousBody, admit: admit, now: .now)
    let connection = Connection(
      id: lastID, descriptor: descriptor, isRefusal: isRefusal, state: state, queue: queue, readBuffer: readBuffer,
      events: Connection.Events(
        request: { self.handle($0, $1) }, changed: { self.changed($0) }, closed: { self.remove($0) }))
    connections[lastID] = connection
    connection.open()
  }

  /// Closes the connection that has been idle for the longest; where none is idle, one that has had its last answer, or the
  /// one whose head has been coming in for the longest. So a client that only holds connections
  /// open keeps nobody out.
  private func makeRoom() -> Bool {
    var best: (connection: Connection, rank: Connection.Rank)?
    for connection in connections.values where !connection.isRefusal && !connection.hasGivenWay {
      guard let rank = connection.rank else { continue }
      if best.map({ rank < $0.rank }) ?? true { best = (connection, rank) }
    }
    guard let connection = best?.connection else { return false }
    givingWay += 1
    connection.giveWay()
    return true
  }

  private func changed(_ connection: Connection) {
    let bytes = connection.untrustedBytes
    if bytes != connection.countedBytes {
      let hasGrown = bytes > connection.countedBytes
      untrusted.count(bytes, before: connection.countedBytes)
      connection.countedBytes = bytes
      if hasGrown, untrusted.isOver { shedUntrusted() }
    }
    advanceShutdown()
  }

  /// Refuses incoming requests of unauthenticated callers, the largest first, until there is room for some more: looking at
  /// all connections for each of them would take long.
  private func shedUntrusted() {
    let large = connections.values.filter { $0.isReceiving && untrusted.counts($0.countedBytes) }
      .sorted { $0.countedBytes > $1.countedBytes }
    for connection in large {
      connection.refuse(.tooMuchUnfinished)
      if untrusted.hasRoom { return }
    }
  }

  private func remove(_ connection: Connection) {
    connections[connection.id] = nil
    untrusted.count(0, before: connection.countedBytes)
    if connection.isRefusal { refusals -= 1 }
    if connection.hasGivenWay { givingWay -= 1 }
    finishIfClosed()
    advanceShutdown()
  }

  // MARK: Handling

  private func handle(_ connection: Connection, _ request: HTTPRequest) {
    lastID += 1
    let id = lastID
    let handler = handler
    // Its last act hops to this queue, so it cannot be taken out of `tasks` before it was put in.
    tasks[id] = Task {
      let response = await handler(request)
      queue.async {
        connection.answer(response)
        self.tasks[id] = nil
        self.advanceShutdown()
      }
    }
    // A request that was whole just when the grace ended: its handler starts, and finds itself cancelled.
    if phase == .cancelling { tasks[id]?.cancel() }
  }

  // MARK: Going down

  private func beginShutdown() {
    switch phase {
    case .new:
      phase = .stopped
    case .running:
      phase = .draining
      acceptor?.cancel()
      acceptor = nil
      for connection in Array(connections.values) { connection.drain() }
    case .draining, .cancelling, .flushing, .closing, .stopped: break
    }
    advanceShutdown()
  }

  private func graceEnded() {
    guard phase == .draining else { return }
    phase = .cancelling
    for task in tasks.values { task.cancel() }
    for connection in Array(connections.values) { connection.closeIfReceiving() }
    advanceShutdown()
  }

  /// Handlers that still run are left behind, and their callers are answered 503.
  private func cleanupEnded() {
    guard phase == .cancelling else { return }
    abandoned = tasks.count
    tasks = [:]
    for connection in Array(connections.values) { connection.abandon() }
    advanceShutdown()
  }

  private var isQuiet: Bool { tasks.isEmpty && !connections.values.contains(where: \.isBusy) }

  /// Goes as far as it can. Called whenever something has ended.
  private func advanceShutdown() {
    switch phase {
    case .draining where isQuiet: closeAll()
    case .cancelling where tasks.isEmpty:
      // What the handlers answered last gets as long as any last answer gets.
      phase = .flushing
      queue.asyncAfter(deadline: .now() + configuration.lingerTimeout.dispatchInterval) { self.closeAll() }
      advanceShutdown()
    case .flushing where isQuiet: closeAll()
    case .stopped:
      for waiter in waiters { waiter.resume(returning: abandoned) }
      waiters = []
    default: break
    }
  }

  private func closeAll() {
    guard phase == .draining || phase == .flushing else { return }
    phase = .closing
    for connection in Array(connections.values) { connection.close() }
    finishIfClosed()
  }

  private func listenerEnded() {
    if let listener { Glibc.close(listener.descriptor) }
    listener = nil
    finishIfClosed()
  }

  private func finishIfClosed() {
    guard phase == .closing, connections.isEmpty, listener == nil else { return }
    phase = .stopped
    advanceShutdown()
  }
}
