import CPQ
import Glibc

/// A `COPY … FROM STDIN` under way.
///
/// Write the rows, then ``finish()``. A COPY that is left before is aborted by ``PostgresConnection/rollBack()``, and the
/// server drops what it has. Once the server has refused a row, ``write(_:)`` and ``watch()`` throw ``Ended``, and `finish`
/// throws the server's error.
package struct CopyIn: Sendable {
  /// The server has ended the COPY by an error, which ``CopyIn/finish()`` throws.
  package struct Ended: Error {}

  let connection: PostgresConnection

  /// How often ``watch()`` looks.
  private static let watchInterval = Duration.milliseconds(500)

  /// Sends bytes of the file, in any cut. Returns when the server's socket has taken them, so a slow server slows the
  /// writer and no more than one buffer is held.
  package func write(_ bytes: [UInt8]) async throws {
    try await connection.writeCopy(bytes)
  }

  /// Returns when its task is cancelled; throws ``Ended`` when the server ends the COPY before. A writer that waits for its
  /// own source learns of it in this way.
  package func watch() async throws {
    while !Task.isCancelled {
      try? await Task.sleep(for: Self.watchInterval)
      if try await connection.copyInIsOver() { throw Ended() }
    }
  }

  /// Ends the data and gives the number of rows the server has stored.
  package func finish() async throws -> Int {
    try await connection.finishCopyIn()
  }
}

extension PostgresConnection {
  /// Starts `COPY … FROM STDIN`.
  package func copyIn(_ sql: String) async throws -> CopyIn {
    try begin(.copyIn)
    try await cancellingOnTaskCancel {
      try send(sql, [])
      try await flush()
      let result = try await nextResult()
      defer { PQclear(result) }
      if PQresultStatus(result) == PGRES_COPY_IN { return }
      try await refuse(result, wanted: "COPY … FROM STDIN")
    }
    hasUnseenInput = false
    copyInInput = nil
    copyInHasEnded = false
    return CopyIn(connection: self)
  }

  func writeCopy(_ bytes: [UInt8]) async throws {
    guard activity == .copyIn else { throw PostgresError.busy(doing: "no COPY … FROM STDIN") }
    guard !bytes.isEmpty else { return }
    isWritingCopy = true
    defer { isWritingCopy = false }
    try await cancellingOnTaskCancel {
      while true {
        let queued = bytes.withUnsafeBytes { buffer in
          PQputCopyData(
            handle.connection, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(buffer.count))
        }
        if queued == 1 { break }
        guard queued == 0 else { throw connectionError() }
        try await wait(for: [.read, .write])
      }
      // libpq would let its buffer grow without bound; an empty one after each write is our back-pressure.
      try await flush()
    }
    if try copyInHasFailed() { throw CopyIn.Ended() }
  }

  /// Whether the COPY in was ended by the server. A write that is under way finds out by itself.
  func copyInIsOver() throws -> Bool {
    guard activity == .copyIn, !isWritingCopy, !handle.isClosed else { return false }
    return try copyInHasFailed()
  }

  /// Looks at what has arrived during a COPY in. Until an error ends it, the server sends nothing but notices. libpq hands
  /// these on once they are whole, and keeps an error back until the end of the data: what has arrived, is not a notice,
  /// and goes on no further for a moment is an error.
  private func copyInHasFailed() throws -> Bool {
    var socket = pollfd(fd: PQsocket(handle.connection), events: Int16(POLLIN), revents: 0)
    guard !copyInHasEnded else { return true }
    if hasUnseenInput || poll(&socket, 1, 0) > 0 {
      hasUnseenInput = false
      let notices = handle.noticeCount
      guard PQconsumeInput(handle.connection) == 1 else { throw connectionError() }
      // The call that makes libpq read its buffer.
      PQfreemem(PQnotifies(handle.connection))
      copyInInput = handle.noticeCount == notices ? .now : nil
    }
    guard let copyInInput else { return false }
    copyInHasEnded = copyInInput.duration(to: .now) >= Self.noticePatience
    return copyInHasEnded
  }

  func finishCopyIn() async throws -> Int {
    guard activity == .copyIn else { throw PostgresError.busy(doing: "no COPY … FROM STDIN") }
    return try await cancellingOnTaskCancel {
      try await endCopyIn(reason: copyInHasEnded ? "the server was seen to have ended the COPY" : nil)
      return try await collect().affectedRows
    }
  }

  func abortCopyIn(reason: String) async {
    guard activity == .copyIn, !handle.isClosed else { return }
    // The server reads the abort only when it wants the next row: one that waits for a lock within a row must be woken.
    wasCancelled = true
    await CancelRequest(handle.connection).deliver(within: Self.cancelPatience)
    do {
      try await endCopyIn(reason: reason)
      _ = try await collect()
    } catch PostgresError.server {
      // The server's confirmation that the COPY has failed, as it was asked to.
    } catch {
      close()
    }
  }

  private func endCopyIn(reason: String?) async throws {
    while true {
      switch PQputCopyEnd(handle.connection, reason) {
      case 1: return try await flush()
      case 0: try await wait(for: [.read, .write])
      default: throw connectionError()
      }
    }
  }
}
