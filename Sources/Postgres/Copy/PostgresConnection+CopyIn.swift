import CPQ

extension PostgresConnection {
  /// Starts `COPY … FROM STDIN`.
  public func copyIn(_ sql: String) async throws -> CopyIn {
    try begin(.copyIn)
    try await cancellingOnTaskCancel {
      try send(sql, [])
      try await flush()
      let result = try await nextResult()
      defer { PQclear(result) }
      if PQresultStatus(result) == PGRES_COPY_IN { return }
      try await refuse(result, wanted: "COPY … FROM STDIN")
    }
    return CopyIn(connection: self)
  }

  func writeCopy(_ bytes: [UInt8]) async throws {
    guard activity == .copyIn else { throw PostgresError.busy(doing: "no COPY … FROM STDIN") }
    guard !bytes.isEmpty else { return }
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
  }

  func finishCopyIn() async throws -> Int {
    guard activity == .copyIn else { throw PostgresError.busy(doing: "no COPY … FROM STDIN") }
    return try await cancellingOnTaskCancel {
      try await endCopyIn(reason: nil)
      return try await collect().affectedRows
    }
  }

  func abortCopyIn(reason: String) async {
    guard activity == .copyIn, !handle.isClosed else { return }
    // The server reads the abort only when it wants the next row: one that waits for a lock within a row must be woken.
    wasCancelled = true
    await CancelRequest(handle.connection).deliver()
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
