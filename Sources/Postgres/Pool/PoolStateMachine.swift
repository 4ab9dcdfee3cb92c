/// The decisions of a connection pool, without connections, sockets or a clock.
///
/// Events go in with the time at which they happened, actions come out for the pool to carry out. Connections and waiters
/// are known by number.
struct PoolStateMachine {
  typealias Instant = ContinuousClock.Instant

  struct Configuration: Sendable {
    /// Most connections at a time, those being opened included.
    var maximum = 8
    /// How long a caller waits for a connection.
    var waitLimit: Duration = .seconds(30)
    /// How long an unused connection is kept.
    var idleLimit: Duration = .seconds(60)
    /// How old a connection may become; it is looked at when the connection is given back.
    var ageLimit: Duration = .seconds(30 * 60)
  }

  enum Refusal: Equatable {
    case timeout
    case openFailed
    case closed
    case cancelled
  }

  enum Action: Equatable {
    /// Open a connection; report with `opened` or `openFailed`.
    case open
    case lease(connection: Int, waiter: Int)
    case close(connection: Int)
    case refuse(waiter: Int, Refusal)
  }

  private struct Connection {
    let openedAt: Instant
    /// Nil while it is leased.
    var idleSince: Instant?
  }

  private struct Waiter {
    let number: Int
    let deadline: Instant
  }

  let configuration: Configuration
  private var connections: [Int: Connection] = [:]
  /// Unused connections, the last used at the end: it is taken first, so that the others may grow old and go.
  private var idle: [Int] = []
  private var waiters: [Waiter] = []
  private(set) var opening = 0
  private(set) var isClosed = false

  init(configuration: Configuration) {
    self.configuration = configuration
  }

  /// Connections that nobody uses.
  var idleCount: Int { idle.count }

  /// Connections open or being opened.
  var count: Int { connections.count + opening }

  /// When `tick` has something to do next.
  var nextDeadline: Instant? {
    let expiries = idle.compactMap { connections[$0]?.idleSince?.advanced(by: configuration.idleLimit) }
    return (waiters.map(\.deadline) + expiries).min()
  }

  /// A caller wants a connection.
  mutating func request(waiter: Int, now: Instant) -> [Action] {
    guard !isClosed else { return [.refuse(waiter: waiter, .closed)] }
    waiters.append(Waiter(number: waiter, deadline: now.advanced(by: configuration.waitLimit)))
    return serve()
  }

  /// A connection asked for by `.open` is there.
  mutating func opened(connection: Int, now: Instant) -> [Action] {
    opening -= 1
    guard !isClosed else { return [.close(connection: connection)] }
    connections[connection] = Connection(openedAt: now, idleSince: now)
    idle.append(connection)
    return serve()
  }

  /// A connection asked for by `.open` could not be opened: the first in the queue gets the error, the next tries anew.
  mutating func openFailed() -> [Action] {
    opening -= 1
    guard !waiters.isEmpty else { return [] }
    let first = waiters.removeFirst()
    return [.refuse(waiter: first.number, .openFailed)] + serve()
  }

  /// A leased connection comes back. One that is broken, or too old, is closed, and opened anew if a caller waits.
  mutating func released(connection: Int, reusable: Bool, now: Instant) -> [Action] {
    guard let held = connections[connection] else { return [] }
    let tooOld = held.openedAt.duration(to: now) >= configuration.ageLimit
    guard reusable, !tooOld, !isClosed else {
      connections[connection] = nil
      return [.close(connection: connection)] + serve()
    }
    connections[connection]?.idleSince = now
    idle.append(connection)
    return serve()
  }

  /// A caller gave up waiting.
  mutating func cancelled(waiter: Int) -> [Action] {
    guard let index = waiters.firstIndex(where: { $0.number == waiter }) else { return [] }
    waiters.remove(at: index)
    return [.refuse(waiter: waiter, .cancelled)]
  }

  /// Time has passed: late waiters are refused, connections unused for too long are closed.
  mutating func tick(now: Instant) -> [Action] {
    var actions: [Action] = []
    while let first = waiters.first, first.deadline <= now {
      waiters.removeFirst()
      actions.append(.refuse(waiter: first.number, .timeout))
    }
    for connection in idle {
      guard let since = connections[connection]?.idleSince, since.duration(to: now) >= configuration.idleLimit else {
        continue
      }
      connections[connection] = nil
      actions.append(.close(connection: connection))
    }
    idle.removeAll { connections[$0] == nil }
    return actions
  }

  /// No more connections: waiters are refused, unused connections closed, leased ones when they come back.
  mutating func close() -> [Action] {
    isClosed = true
    let actions =
      waiters.map { Action.refuse(waiter: $0.number, .closed) } + idle.map { Action.close(connection: $0) }
    for connection in idle { connections[connection] = nil }
    idle = []
    waiters = []
    return actions
  }

  private mutating func serve() -> [Action] {
    var actions: [Action] = []
    while !waiters.isEmpty, let connection = idle.popLast() {
      connections[connection]?.idleSince = nil
      actions.append(.lease(connection: connection, waiter: waiters.removeFirst().number))
    }
    while opening < waiters.count, count < configuration.maximum {
      opening += 1
      actions.append(.open)
    }
    return actions
  }
}
