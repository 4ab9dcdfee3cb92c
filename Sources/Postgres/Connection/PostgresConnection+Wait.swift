import CPQ
import Dispatch
import Essentials
import Synchronization

extension PostgresConnection {
  /// Waits until the socket is ready for one of `events`, or `timeout` seconds have passed.
  /// - Returns: what it is ready for.
  @discardableResult
  func wait(for events: SocketWaiter.Events, timeout: Double? = nil) async throws -> SocketWaiter.Events {
    guard !handle.isClosed else { throw PostgresError.connectionLost(message: "it was closed") }
    let waiter = handle.waiter
    let ready = await withCheckedContinuation { waiter.wait(for: events, timeout: timeout, continuation: $0) }
    guard !handle.isClosed else { throw PostgresError.connectionLost(message: "it was closed") }
    return ready
  }

  /// Reads what the socket holds, waiting for it to hold something.
  ///
  /// Under TLS the end of a message may lie decrypted in OpenSSL while the socket is empty, and nothing would wake us: a
  /// server of version 17 or later sends records larger than the room libpq has. So there we look again after a while.
  func receive() async throws {
    try await wait(for: .read, timeout: PQsslInUse(handle.connection) == 1 ? 0.1 : nil)
    guard PQconsumeInput(handle.connection) == 1 else { throw connectionError() }
  }

  /// Sends what libpq holds back. While the server is not reading it may be writing: both directions are served, or
  /// each side could wait for the other (libpq, "Asynchronous Command Processing").
  func flush() async throws {
    while true {
      switch PQflush(handle.connection) {
      case 0: return
      case 1:
        if try await wait(for: [.read, .write]).contains(.read) { hasUnseenInput = true }
        guard PQconsumeInput(handle.connection) == 1 else { throw connectionError() }
      default: throw connectionError()
      }
    }
  }

  /// The next result of the statement under way, nil after its last. The caller clears it.
  func nextResult() async throws -> OpaquePointer? {
    while PQisBusy(handle.connection) == 1 { try await receive() }
    return PQgetResult(handle.connection)
  }

  /// Runs `body`, cancelling the server's statement when the task is cancelled meanwhile.
  ///
  /// After the cancel the statement still has to end by itself, with the server's error 57014; should the server not
  /// answer any more, the connection is shut down after ``cancelPatience`` seconds. Either way the caller gets
  /// `CancellationError`.
  func cancellingOnTaskCancel<Result: Sendable>(
    _ body: () async throws -> Result
  ) async throws -> Result {
    try Task.checkCancellation()
    do {
      return try await sendingCancelOnTaskCancel(body)
    } catch {
      throw Task.isCancelled ? CancellationError() : error
    }
  }

  /// Like ``cancellingOnTaskCancel(_:)``, but throws the statement's own error, from which its outcome is known.
  /// - Parameter patience: seconds until a server that does not answer the cancel is disconnected.
  func sendingCancelOnTaskCancel<Result: Sendable>(
    patience: Double = PostgresConnection.cancelPatience, _ body: () async throws -> Result
  ) async throws -> Result {
    statementNumber += 1
    let number = statementNumber
    let cancel = CancelRequest(handle.connection)
    defer { if Task.isCancelled { wasCancelled = true } }
    return try await withTaskCancellationHandler {
      try await body()
    } onCancel: {
      cancel.send()
      giveUpLater(onStatement: number, after: patience)
    }
  }

  /// Shuts the connection down should the statement not have ended within `patience` seconds from now.
  nonisolated func giveUpLater(onStatement number: Int, after patience: Double = PostgresConnection.cancelPatience) {
    executor.queue.asyncAfter(deadline: .now() + patience) { [weak self] in
      self?.assumeIsolated { $0.giveUp(onStatement: number) }
    }
  }

  private func giveUp(onStatement number: Int) {
    guard statementNumber == number, activity != .idle, !handle.isClosed else { return }
    handle.waiter.shutDownSocket()
  }
}

/// A cancel request for one session (libpq, `PQgetCancel`): safe to send from any thread.
///
/// `@unchecked Sendable`: libpq documents `PQcancel` as thread-safe, and the pointer is never changed.
final class CancelRequest: @unchecked Sendable {
  private let cancel: OpaquePointer?

  init(_ connection: OpaquePointer?) {
    cancel = PQgetCancel(connection)
  }

  deinit {
    PQfreeCancel(cancel)
  }

  /// Asks the server to end the statement, on a queue where blocking is allowed: it opens a connection of its own.
  func send(then done: @escaping @Sendable () -> Void = {}) {
    DispatchQueue.global().async { [self] in
      var problem = [CChar](repeating: 0, count: 256)
      _ = PQcancel(cancel, &problem, Int32(problem.count))
      done()
    }
  }

  /// Asks, and waits until the server has taken the request, `limit` seconds at most: a server that stands still takes none.
  func deliver(within limit: Double) async {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      let isTold = Mutex(false)
      @Sendable func tell() {
        let isFirst = isTold.withLock { told in
          defer { told = true }
          return !told
        }
        if isFirst { continuation.resume() }
      }
      send(then: tell)
      DispatchQueue.global().asyncAfter(deadline: .now() + limit, execute: tell)
    }
  }
}
