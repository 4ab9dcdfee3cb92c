import Essentials

/// Connections to one target, opened on demand and kept for the next caller.
///
/// ``PoolStateMachine`` decides; this actor opens, closes, hands out and keeps the time.
package actor ConnectionPool {
  /// Where its connections lead.
  package nonisolated let target: PostgresTarget
  private let passwords: any PasswordProvider
  private let options: ConnectionOptions
  private var machine: PoolStateMachine
  private var connections: [Int: PostgresConnection] = [:]
  private var waiters: [Int: CheckedContinuation<Int, any Error>] = [:]
  private var lastOpenError: any Error = PostgresError.poolClosed
  private var lastNumber = 0
  private var timer: Task<Void, Never>?
  private var timerDeadline: ContinuousClock.Instant?

  /// A pool of at most `maximum` connections; nothing is opened yet.
  /// - Parameters:
  ///   - passwords: asked for each new connection.
  ///   - waitLimit: how long a caller waits for a free connection.
  package init(
    target: PostgresTarget, passwords: any PasswordProvider, maximum: Int,
    options: ConnectionOptions = ConnectionOptions(), waitLimit: Duration = .seconds(30)
  ) {
    self.target = target
    self.passwords = passwords
    self.options = options
    var configuration = PoolStateMachine.Configuration()
    configuration.maximum = max(1, maximum)
    configuration.waitLimit = waitLimit
    machine = PoolStateMachine(configuration: configuration)
  }

  /// Runs `body` with a connection of its own and takes it back afterwards, rolled back if `body` left it in a
  /// transaction or a COPY.
  /// - Throws: ``PostgresError`` when there is no connection; whatever `body` throws.
  package func withConnection<Result: Sendable>(
    _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    let (number, connection) = try await lease()
    do {
      let result = try await body(connection)
      await giveBack(number, connection)
      return result
    } catch {
      await giveBack(number, connection)
      throw error
    }
  }

  /// Its connections and the callers that wait for one.
  var reading: PoolReading {
    PoolReading(idle: machine.idleCount, busy: machine.count - machine.idleCount, waiting: waiters.count)
  }

  /// Whether it has no connection, is making none, and no caller waits for one.
  var isEmpty: Bool { machine.count == 0 && waiters.isEmpty }

  /// Refuses new callers and closes what is not in use; connections in use are closed when they come back.
  package func close() {
    timer?.cancel()
    carryOut(machine.close())
  }

  private func lease() async throws -> (Int, PostgresConnection) {
    while true {
      let number = try await wait()
      guard let connection = connections[number] else { throw PostgresError.poolClosed }
      // The server may have closed a connection that lay idle; then another one is taken or made.
      if await connection.isUsable() { return (number, connection) }
      carryOut(machine.released(connection: number, reusable: false, now: .now))
    }
  }

  private func giveBack(_ number: Int, _ connection: PostgresConnection) async {
    await connection.rollBack()
    let reusable = await connection.isUsable()
    carryOut(machine.released(connection: number, reusable: reusable, now: .now))
  }

  private func wait() async throws -> Int {
    try Task.checkCancellation()
    lastNumber += 1
    let waiter = lastNumber
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        waiters[waiter] = continuation
        carryOut(machine.request(waiter: waiter, now: .now))
        // The cancel handler may have run before the continuation was there to be found.
        if Task.isCancelled { carryOut(machine.cancelled(waiter: waiter)) }
      }
    } onCancel: {
      Task { await self.cancel(waiter: waiter) }
    }
  }

  private func cancel(waiter: Int) {
    carryOut(machine.cancelled(waiter: waiter))
  }

  private func carryOut(_ actions: [PoolStateMachine.Action]) {
    for action in actions {
      switch action {
      case .open:
        Task { await open() }
      case .lease(let connection, let waiter):
        waiters.removeValue(forKey: waiter)?.resume(returning: connection)
      case .close(let number):
        let connection = connections.removeValue(forKey: number)
        Task { await connection?.close() }
      case .refuse(let waiter, let refusal):
        waiters.removeValue(forKey: waiter)?.resume(throwing: error(for: refusal))
      }
    }
    scheduleTick()
  }

  private func error(for refusal: PoolStateMachine.Refusal) -> any Error {
    switch refusal {
    case .timeout: PostgresError.poolTimeout(target: target, seconds: machine.configuration.waitLimit.seconds)
    case .openFailed: lastOpenError
    case .closed: PostgresError.poolClosed
    case .cancelled: CancellationError()
    }
  }

  private func open() async {
    do {
      let connection = try await PostgresConnection.signIn(to: target, passwords: passwords, options: options)
      lastNumber += 1
      connections[lastNumber] = connection
      carryOut(machine.opened(connection: lastNumber, now: .now))
    } catch {
      lastOpenError = error
      carryOut(machine.openFailed())
    }
  }

  /// Timers so far; for tests.
  private(set) var timersMade = 0

  private func scheduleTick() {
    let deadline = machine.nextDeadline
    guard deadline != timerDeadline else { return }
    // One that fires too early only looks again. A cancelled sleep keeps its task and its Dispatch timer, more than half a
    // KiB, until its time: a new one for each connection that comes back would hold that for every job of an idle limit.
    if let armed = timerDeadline, deadline.map({ armed <= $0 }) ?? true, !machine.isClosed { return }
    timer?.cancel()
    timerDeadline = deadline
    guard let deadline, !machine.isClosed else { return }
    timersMade += 1
    timer = Task { [weak self] in
      try? await Task.sleep(until: deadline, clock: .continuous)
      guard !Task.isCancelled else { return }
      await self?.tick()
    }
  }

  private func tick() {
    timerDeadline = nil
    carryOut(machine.tick(now: .now))
  }
}

/// How a pool, or several, are used at one moment.
package struct PoolReading: Sendable, Equatable {
  /// Connections that nobody uses.
  package var idle = 0
  /// Connections in use or being opened.
  package var busy = 0
  /// Callers that wait for a connection.
  package var waiting = 0
}
