import CPQ
import Dispatch
import Essentials

/// A batch of rows as COPY sent them.
package struct CopyChunk: Sendable {
  /// The rows' bytes, in order. Rows are not cut, except one that is wider than a chunk.
  package var bytes: [UInt8]
  /// Where the rows that end in it do so: the offset after each row's line break. A header line counts as a row.
  package var rowEnds: [Int]
}

/// The rows of `COPY … TO STDOUT`, chunk by chunk.
///
/// They end after the server has said that the COPY is complete; an error in the middle throws, so a shortened
/// copy is never taken for a whole one. After the end ``reportedRows()`` gives the number in the server's tag.
package struct CopyOut: Sendable {
  let connection: PostgresConnection
  let chunkBytes: Int

  /// Rows the server says it copied, without a header line; nil before the end.
  package func reportedRows() async -> Int? {
    await connection.copiedRows
  }

  /// The next chunk, nil after the server has confirmed the end. A COPY can be read once.
  package func next() async throws -> CopyChunk? {
    try await connection.nextCopyChunk(bytes: chunkBytes)
  }
}

extension PostgresConnection {
  /// Starts `COPY … TO STDOUT` and gives its rows as chunks of about `chunkBytes` bytes.
  ///
  /// A reader that stops before the end leaves the session in the COPY; ``withTransaction(_:_:)`` and the pool clear that
  /// up by cancelling the statement.
  /// - Parameter quote: the quote character of a CSV; nil for the text format.
  package func copyOut(
    _ sql: String, chunkBytes: Int = 256 * 1024, quote: UInt8? = UInt8(ascii: "\"")
  ) async throws -> CopyOut {
    try begin(.copyOut)
    copiedRows = nil
    copyRows = CopyRowCounter(quote: quote)
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
      var chunk = CopyBuffer(limit: limit)
      var pause = Pause.notYet
      while true {
        let countBefore = chunk.count
        takeRows(into: &chunk)
        if chunk.count > countBefore { pause = .notYet }
        switch (lastCopyStatus, pause) {
        case (1..., _):
          return chunk.finish()
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
        default:
          // The end of the rows, or an error: the statement's result tells.
          try await finishCopyOut()
          return chunk.count > 0 ? chunk.finish() : nil
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

  /// Moves what libpq has of whole messages into `chunk`, until that is full or ``lastCopyStatus`` is not a length.
  ///
  /// libpq holds a row until it is whole, whatever its width (up to 1 GB). `PQgetlineAsync` hands it out in pieces, where
  /// `PQgetCopyData` would give a second copy of it.
  private func takeRows(into chunk: inout CopyBuffer) {
    repeat {
      let length = chunk.fill { room in
        Int(
          PQgetlineAsync(
            handle.connection, room.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(room.count)))
      } rowEnds: {
        copyRows.endsRow($0, room: $1)
      }
      lastCopyStatus = Int32(length)
      guard length > 0 else { return }
    } while !chunk.isFull
  }

  private func finishCopyOut() async throws {
    let result = try await collect()
    guard result.commandTag.hasPrefix("COPY "), !copyRows.isWithinRow else {
      throw PostgresError.connectionLost(message: "the COPY ended without its row count")
    }
    copiedRows = result.affectedRows
  }

  /// Cancels the COPY and throws away what is still on the way.
  func abandonCopyOut() async throws {
    wasCancelled = true
    await CancelRequest(handle.connection).deliver(within: Self.cancelPatience)
    while lastCopyStatus >= 0 {
      var chunk = CopyBuffer(limit: 64 * 1024)
      takeRows(into: &chunk)
      if lastCopyStatus == 0 { try await receive() }
    }
    do {
      _ = try await collect()
    } catch PostgresError.server {
      // 57014, or whatever else ended it: the session is idle again, and that is all that was wanted.
    }
  }
}

/// A chunk that is being filled.
private struct CopyBuffer {
  /// Room beyond the limit, so that a row of up to this many bytes is not cut.
  private static let slack = 64 * 1024

  private(set) var count = 0
  private var bytes: [UInt8]
  private var ends: [Int] = []
  private let limit: Int

  init(limit: Int) {
    self.limit = limit
    bytes = [UInt8](repeating: 0, count: limit + Self.slack)
  }

  var isFull: Bool { count >= limit }

  /// Asks `read` for bytes into the room that is left.
  /// - Returns: what `read` returned.
  mutating func fill(
    _ read: (UnsafeMutableRawBufferPointer) -> Int, rowEnds: (_ piece: UnsafeRawBufferPointer, _ room: Int) -> Bool
  ) -> Int {
    let start = count
    let (length, endsRow) = bytes.withUnsafeMutableBytes { buffer in
      let room = UnsafeMutableRawBufferPointer(rebasing: buffer[start...])
      let length = read(room)
      return (length, length > 0 && rowEnds(UnsafeRawBufferPointer(rebasing: room[..<length]), room.count))
    }
    count += max(0, length)
    if endsRow { ends.append(count) }
    return length
  }

  /// What was filled in. The buffer is spent.
  mutating func finish() -> CopyChunk {
    bytes.removeLast(bytes.count - count)
    defer { bytes = [] }
    return CopyChunk(bytes: bytes, rowEnds: ends)
  }
}
