import CPQ
import Dispatch

extension PostgresConnection {
  /// Starts `COPY … TO STDOUT` and gives its rows as chunks of about `chunkBytes` bytes.
  ///
  /// A reader that stops before the end leaves the session in the COPY; ``withTransaction(_:_:)`` and the pool clear that
  /// up by cancelling the statement.
  public func copyOut(_ sql: String, chunkBytes: Int = 256 * 1024) async throws -> CopyOut {
    try begin(.copyOut)
    copiedRows = nil
    try await cancellingOnTaskCancel {
      try send(sql, [])
      try await flush()
      let result = try await nextResult()
      defer { PQclear(result) }
      if PQresultStatus(result) == PGRES_COPY_OUT { return }
      try await refuse(result, wanted: "COPY … TO STDOUT")
    }
    return CopyOut(connection: self, chunkBytes: chunkBytes)
  }

  /// Reads the statement to its end after its first result was not what was wanted, and throws.
  func refuse(_ result: OpaquePointer?, wanted: String) async throws {
    let status = PQresultStatus(result)
    let failure = failed(result)
    guard status == PGRES_FATAL_ERROR else {
      handle.close()
      throw PostgresError.busy(doing: "a statement that is not \(wanted)")
    }
    _ = try await collect()
    throw failure
  }

  func nextCopyChunk(bytes limit: Int) async throws -> CopyChunk? {
    guard activity == .copyOut else { return nil }
    return try await cancellingOnTaskCancel {
      var chunk = CopyChunk(bytes: [], rows: 0)
      chunk.bytes.reserveCapacity(limit + limit / 8)
      var pause = Pause.notYet
      while true {
        let rowsBefore = chunk.rows
        takeRows(into: &chunk, limit: limit)
        if chunk.rows > rowsBefore { pause = .notYet }
        switch (lastCopyStatus, pause) {
        case (1..., _):
          return chunk
        case (0, .notYet):
          // Read without waiting first: while the server is ahead of us there is always something.
          guard PQconsumeInput(handle.connection) == 1 else { throw connectionError() }
          pause = .due
        case (0, .due):
          await rest()
          guard PQconsumeInput(handle.connection) == 1 else { throw connectionError() }
          pause = .over
        case (0, .over):
          try await receive()
        case (-1, _):
          try await finishCopyOut()
          return chunk.rows > 0 ? chunk : nil
        default:
          throw connectionError()
        }
      }
    }
  }

  /// What has been done since the last row to get another.
  private enum Pause {
    case notYet
    case due
    case over
  }

  /// Lets the server run ahead for half a millisecond. It sends 8 KiB at a time, and waking up for each of them costs more
  /// processor time than all the rest of reading; in this time tens of KiB gather in the socket, which still has room.
  private func rest() async {
    let queue = executor.queue
    await withCheckedContinuation { continuation in
      queue.asyncAfter(deadline: .now() + DispatchTimeInterval.microseconds(500)) { continuation.resume() }
    }
  }

  /// Moves rows that libpq has already received into `chunk`, until it is full or ``lastCopyStatus`` is not a length.
  private func takeRows(into chunk: inout CopyChunk, limit: Int) {
    repeat {
      var row: UnsafeMutablePointer<CChar>?
      let length = PQgetCopyData(handle.connection, &row, 1)
      lastCopyStatus = length
      guard length > 0, let row else { return }
      chunk.bytes.append(contentsOf: UnsafeRawBufferPointer(start: row, count: Int(length)))
      chunk.rows += 1
      PQfreemem(row)
    } while chunk.bytes.count < limit
  }

  private func finishCopyOut() async throws {
    let result = try await collect()
    copiedRows = result.affectedRows
  }

  /// Cancels the COPY and throws away what is still on the way.
  func abandonCopyOut() async throws {
    wasCancelled = true
    await CancelRequest(handle.connection).deliver()
    var chunk = CopyChunk(bytes: [], rows: 0)
    while lastCopyStatus >= 0 {
      chunk.bytes.removeAll(keepingCapacity: true)
      takeRows(into: &chunk, limit: 64 * 1024)
      if lastCopyStatus == 0 { try await receive() }
    }
    do {
      _ = try await collect()
    } catch PostgresError.server {
      // 57014, or whatever else ended it: the session is idle again, and that is all that was wanted.
    }
  }
}
