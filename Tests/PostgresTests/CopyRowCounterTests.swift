import Foundation
import TestSupport
import Testing

@testable import Postgres

@Suite("The rows of a COPY out") struct CopyRowCounterTests {
  /// Cuts rows as libpq does: a row at a time, or as much of it as there is room for.
  func pieces(_ rows: [String], room: Int) -> [[UInt8]] {
    rows.flatMap { row -> [[UInt8]] in
      let bytes = Array(row.utf8)
      return stride(from: 0, to: bytes.count, by: room).map { Array(bytes[$0..<min($0 + room, bytes.count)]) }
    }
  }

  @Test("Rows are counted with a buffer of any size", arguments: 1...12)
  func anyRoom(room: Int) {
    let rows = ["a\n", "\"x\ny\"\n", "\"\"\"\n\"\"\n\"\n", "1,2,\"\n\"\n", "\n", "a,\"b\"\"\nc\",d\n"]
    var counter = CopyRowCounter(quote: UInt8(ascii: "\""))
    var ends = 0
    for piece in pieces(rows, room: room) {
      if piece.withUnsafeBytes({ counter.endsRow($0, room: room) }) { ends += 1 }
    }
    #expect(ends == rows.count)
    #expect(!counter.isWithinRow)
    #expect(counter.widestRow == rows.map(\.utf8.count).max())
  }

  @Test("A row wider than a chunk comes in several, and its session is not used again")
  func wideRow() async throws {
    let server = try await PostgresServer.shared
    let pool = ConnectionPool(target: server.target(), passwords: FixedPassword(nil), maximum: 1)
    func read(_ sql: String) async throws -> (bytes: Int, rows: Int, widest: Int, pid: Int) {
      try await pool.withConnection { connection in
        let copy = try await connection.copyOut("COPY (\(sql)) TO STDOUT WITH (FORMAT csv, HEADER true)")
        var total = (bytes: 0, rows: 0, widest: 0)
        while let chunk = try await copy.next() {
          total = (
            total.bytes + chunk.bytes.count, total.rows + chunk.rowEnds.count, max(total.widest, chunk.bytes.count)
          )
        }
        #expect(await copy.reportedRows() == total.rows - 1)
        return (total.bytes, total.rows, total.widest, await connection.backendProcessID)
      }
    }
    let wide = try await read("SELECT repeat(E'x\\n', 6000000) AS t FROM generate_series(1, 2)")
    #expect(wide.bytes == 2 + 2 * 12_000_003)
    #expect(wide.rows == 3)
    #expect(wide.widest < 400_000)
    // The next caller gets another session: libpq's buffer does not shrink.
    let narrow = try await read("SELECT 'x' AS t")
    #expect(narrow.pid != wide.pid)
    #expect(try await read("SELECT 'x' AS t").pid == narrow.pid)
    await pool.close()
  }
}
