import CPQ
import Dispatch
package import Essentials
import Glibc

extension PostgresConnection {
  /// Connects and signs in, trying every address of every host in order, and pins the session's settings.
  ///
  /// A server that answers and refuses (wrong password, no such database) ends the attempt: the next address would only
  /// repeat the refusal.
  /// - Throws: ``PostgresError/connectFailed(target:reasons:sqlState:)``, or `CancellationError`.
  package static func connect(
    to target: PostgresTarget, password: Secret?, options: ConnectionOptions = ConnectionOptions()
  ) async throws -> PostgresConnection {
    let connector = Connector(target: target, password: password, options: options)
    let connection = try await connector.connect()
    do {
      try await connection.pinSettings(options.sessionSettings)
    } catch {
      await connection.close()
      throw error
    }
    return connection
  }

  private func pinSettings(_ settings: [SessionSetting]) async throws {
    let known = settings.filter { serverVersion >= $0.since }
    guard !known.isEmpty else { return }
    let calls = known.indices.map { "pg_catalog.set_config($\($0 * 2 + 1), $\($0 * 2 + 2), false)" }
    try await query(
      "SELECT \(calls.joined(separator: ", "))", known.flatMap { [$0.name, $0.value] as [String?] })
  }
}

/// Carries one connection from its first address to a signed-in session, on the queue the session will live on.
private actor Connector {
  let target: PostgresTarget
  let password: Secret?
  let options: ConnectionOptions
  nonisolated let executor: QueueExecutor
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(target: PostgresTarget, password: Secret?, options: ConnectionOptions) {
    self.target = target
    self.password = password
    self.options = options
    executor = QueueExecutor(label: "sluice.postgres")
  }

  func connect() async throws -> PostgresConnection {
    let (addresses, problems) = HostAddress.resolve(target.host, port: target.port)
    var reasons = problems
    if addresses.isEmpty && problems.isEmpty { reasons.append("no host is given") }
    for address in addresses {
      try Task.checkCancellation()
      switch try await attempt(address) {
      case .connected(let handle):
        return PostgresConnection(
          handle: handle, target: target, applicationName: options.applicationName, executor: executor)
      case .refused(let message, let sqlState):
        throw PostgresError.connectFailed(
          target: target, reasons: ["\(address.description): \(message)"], sqlState: sqlState)
      case .unreachable(let message):
        reasons.append("\(address.description): \(message)")
      }
    }
    throw PostgresError.connectFailed(target: target, reasons: reasons, sqlState: nil)
  }

  private enum Outcome {
    case connected(SessionHandle)
    case refused(message: String, sqlState: String)
    case unreachable(message: String)

    static let noDescriptor = Outcome.unreachable(message: "the process is out of file descriptors")
  }

  private func attempt(_ address: HostAddress) async throws -> Outcome {
    guard let pointer = start(address) else { return .unreachable(message: "out of memory") }
    let libpq = LibpqConnection(pointer, onNotice: options.onNotice)
    do {
      let outcome = try await signIn(libpq)
      if case .connected = outcome { return outcome }
      libpq.finish()
      return outcome
    } catch {
      libpq.finish()
      throw error
    }
  }

  /// Drives libpq's state machine to its end. The caller ends the connection unless it is `.connected`.
  private func signIn(_ libpq: LibpqConnection) async throws -> Outcome {
    let connection = libpq.pointer
    // The SQLSTATE of a refused sign-in stands in the verbose message alone.
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
    let deadline = ContinuousClock.now + .seconds(options.connectTimeout)
    var poll = PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
    while poll != PGRES_POLLING_OK {
      if poll == PGRES_POLLING_FAILED { return failure(connection) }
      // libpq may have moved on to a new socket, even one of the same number: the waiter is made anew for each step.
      guard let waiter = SocketWaiter(socket: PQsocket(connection), queue: executor.queue) else { return .noDescriptor }
      let remaining = ContinuousClock.now.duration(to: deadline).seconds
      let events = await withTaskCancellationHandler {
        await self.wait(with: waiter, for: poll == PGRES_POLLING_READING ? .read : .write, timeout: remaining)
      } onCancel: {
        executor.queue.async { waiter.shutDownSocket() }
      }
      waiter.close()
      try Task.checkCancellation()
      if events.isEmpty { return .unreachable(message: "no answer within \(options.connectTimeout) s") }
      poll = PQconnectPoll(connection)
    }
    guard PQsetnonblocking(connection, 1) == 0,
      let waiter = SocketWaiter(socket: PQsocket(connection), queue: executor.queue)
    else { return .noDescriptor }
    PQsetErrorVerbosity(connection, PQERRORS_DEFAULT)
    return .connected(SessionHandle(libpq, waiter: waiter))
  }

  /// On the connection's queue, as every use of a waiter is. A closure that does not name `self` runs on any thread, actor or
  /// not: the wait is a method so that it can't.
  private func wait(
    with waiter: SocketWaiter, for events: SocketWaiter.Events, timeout: Double
  ) async -> SocketWaiter.Events {
    await withCheckedContinuation { waiter.wait(for: events, timeout: timeout, continuation: $0) }
  }

  private func failure(_ connection: OpaquePointer) -> Outcome {
    let failure = ConnectFailure(verboseMessage: SessionHandle.errorMessage(of: connection))
    // 57P03 cannot_connect_now and the like: this server is not ready, another one may be.
    guard let sqlState = failure.sqlState, !sqlState.hasPrefix("57") else {
      return .unreachable(message: failure.message)
    }
    return .refused(message: failure.message, sqlState: sqlState)
  }

  private func start(_ address: HostAddress) -> OpaquePointer? {
    var parameters: [(String, String)] = [
      ("host", address.host), ("port", String(target.port)), ("dbname", target.database), ("user", target.user),
      ("sslmode", target.sslMode.rawValue), ("application_name", options.applicationName),
      ("client_encoding", "UTF8"),
      // A peer that vanished without a word is noticed after about a minute, also in the middle of a long COPY.
      ("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"),
      ("tcp_user_timeout", "60000"),
      // Kerberos encryption would be tried before TLS where a ticket exists; no setting asks for it.
      ("gssencmode", "disable"),
    ]
    // Where anybody may listen in, a server is not told the password because it asks for it in clear (libpq 16 and later).
    if PQlibVersion() >= 160_000, !target.isLocal, target.sslMode.strength < PostgresTarget.SSLMode.require.strength {
      parameters.append(("require_auth", "!password"))
    }
    if let numeric = address.address { parameters.append(("hostaddr", numeric)) }
    if let password { parameters.append(("password", password.reveal())) }
    if let file = target.rootCertificateFile { parameters.append(("sslrootcert", file)) }
    // A null ends both lists.
    let keywords = parameters.map { strdup($0.0) } + [nil]
    let values = parameters.map { strdup($0.1) } + [nil]
    defer { (keywords + values).forEach { free($0) } }
    return PQconnectStartParams(keywords.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, 0)
  }
}

/// Takes libpq's verbose message of a failed sign-in apart: `… FATAL:  28P01: password authentication failed … LOCATION: …`.
struct ConnectFailure: Equatable {
  let message: String
  let sqlState: String?

  init(verboseMessage: String) {
    var text = verboseMessage
    if let location = text.firstRange(of: "LOCATION:") { text.removeSubrange(location.lowerBound...) }
    // A SQLSTATE has at least one digit; the severity before it has none.
    if let match = text.firstMatch(of: /[^\s:]+:\s+((?=[A-Z]*[0-9])[0-9A-Z]{5}):\s+/) {
      sqlState = String(match.1)
      message = String(text[match.range.upperBound...]).split(separator: " ").joined(separator: " ")
    } else {
      sqlState = nil
      message = text.split(separator: " ").joined(separator: " ")
    }
  }
}
