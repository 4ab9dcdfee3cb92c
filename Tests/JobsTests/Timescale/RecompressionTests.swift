import Jobs
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Database
@testable import Reporting

/// A partly compressed chunk is compressed again between a backup's snapshot and its COPY: it holds EXCLUSIVE, the backup
/// ACCESS SHARE, so neither waits for the other, and the COPY does not see the rows that were beside the compressed ones.
@Suite(
  "Chunks that are compressed again during a backup",
  .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct RecompressionTests {
  static let day = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-05\""

  /// Readings in compressed chunks of a day, with 100 late rows on 2024-01-05.
  func withLateRows() async throws -> Fixture {
    let fixture = try await Fixture.readings(interval: "1 day")
    try await fixture.psql(
      "INSERT INTO events.clicks SELECT '2024-01-05'::timestamptz + i * interval '1 s', 9, 1 FROM generate_series(1, 100) i"
    )
    return fixture
  }

  @Test("A backup whose chunk is compressed again after its snapshot publishes nothing, and the next one has all rows")
  func recompressed() async throws {
    var fixture = try await withLateRows()
    let lake = fixture.lake
    var hooked = HookedStore(lake)
    hooked.beforeMaking = { [fixture] _ in
      try await fixture.psql("SELECT compress_chunk(c) FROM show_chunks('events.clicks') c")
    }
    fixture.lake = hooked
    let result = try await fixture.backupOne(Self.day)
    #expect(result.status == .failed)
    #expect(result.error?.code == .tableChanged)
    #expect(fixture.files == [])
    fixture.lake = lake
    #expect(try await fixture.backupOne(Self.day).rows == 4420)
    await fixture.pools.close()
  }

  @Test("A chunk of another day that is compressed again does not stop a backup, nor do late rows")
  func otherDay() async throws {
    var fixture = try await withLateRows()
    try await fixture.psql("INSERT INTO events.clicks VALUES ('2024-01-06 10:00+00', 9, 1)")
    var hooked = HookedStore(fixture.lake)
    hooked.beforeMaking = { [fixture] _ in
      try await fixture.psql(
        """
        SELECT compress_chunk(c) FROM show_chunks('events.clicks', newer_than => '2024-01-06'::timestamptz) c;
        INSERT INTO events.clicks VALUES ('2024-01-05 10:00+00', 9, 1);
        """)
    }
    fixture.lake = hooked
    #expect(try await fixture.backupOne(Self.day).rows == 4420)
    await fixture.pools.close()
  }

  @Test("A count of rows sees those of a chunk that is compressed again after the table was locked")
  func counted() async throws {
    let fixture = try await withLateRows()
    let connection = try await fixture.otherSession()
    let table = TableName(schema: "events", name: "clicks")
    let count = try await connection.reading(table, patience: .seconds(2)) { connection in
      // The first statement would fix the snapshot of a transaction that has one for all.
      try await connection.query("SELECT FROM pg_catalog.pg_class LIMIT 1")
      try await fixture.psql("SELECT compress_chunk(c) FROM show_chunks('events.clicks') c")
      let row = try await connection.query(
        "SELECT count(*) AS n FROM events.clicks WHERE at >= '2024-01-05' AND at < '2024-01-06'"
      ).rows[0]
      return try row.decode("n", as: Int.self)
    }
    #expect(count == 4420)
    await connection.close()
    await fixture.pools.close()
  }
}
