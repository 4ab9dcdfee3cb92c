import Configuration
import Essentials
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Database

@Suite(
  "Counts of a hypertable", .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct SteadyReadTests {
  /// A statement whose planner, once it has planned how the chunk is read, waits for the advisory lock 7.
  private static let more = """
    CREATE FUNCTION events.waits(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_advisory_lock(7), pg_advisory_unlock(7); RETURN true; END $$;
    """
  private static let slow =
    "WITH counted AS MATERIALIZED (SELECT count(*) AS n FROM events.clicks) SELECT n FROM counted WHERE events.waits(1)"

  /// A count that is planned before another session deletes a row of a compressed chunk, and has its snapshot after.
  private func count(
    _ fixture: Fixture, _ read: @escaping @Sendable (Hypertable, PostgresConnection) async throws -> Int
  ) async throws -> Int {
    let other = try await fixture.otherSession()
    try await other.query("SELECT pg_advisory_lock(7)")
    async let counted = fixture.pools.withConnection(to: fixture.settings.server.target()) { connection in
      let facts = try await TableFacts.read(
        TableName(schema: "events", name: "clicks"), for: .read, on: connection)
      return try await read(try #require(facts.hypertable), connection)
    }
    try await fixture.waitUntilBlocked()
    try await other.query("DELETE FROM events.clicks WHERE id = 5")
    try await other.query("SELECT pg_advisory_unlock(7)")
    let rows = try await counted
    await other.close()
    return rows
  }

  @Test("Rows that are moved out of a compressed chunk between the plan of a count and its snapshot are counted")
  func movedRows() async throws {
    let server = try await PostgresServer.withTimescale()
    let fixture = try await Fixture(TimescaleTests.setUp + Self.more, server: server)
    let span = DaySpan(kind: .instant, start: "2024-01-01", end: "2024-01-02")
    let column = TimeColumn(name: "at", kind: .instant)
    let rows = try await count(fixture) { hypertable, connection in
      try await ChunkVersions.steady(hypertable, of: span, by: column, on: connection) {
        try await connection.query(Self.slow).rows[0].decode("n")
      }
    }
    #expect(rows == 28_799)
    await fixture.pools.close()
    await server.stopAndWait()
  }

  /// Where this fails, the server has no longer the fault, and `steady` can go.
  @Test("Read once, they are not")
  func fault() async throws {
    let server = try await PostgresServer.withTimescale()
    let fixture = try await Fixture(TimescaleTests.setUp + Self.more, server: server)
    let rows = try await count(fixture) { _, connection in
      try await connection.query(Self.slow).rows[0].decode("n")
    }
    #expect(rows == 28_000)
    await fixture.pools.close()
    await server.stopAndWait()
  }
}
