import Foundation
import Jobs
import Postgres
import TestSupport
import Testing

@Suite("TimescaleDB", .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct TimescaleTests {
  static let setUp = """
    CREATE EXTENSION timescaledb;
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at timestamptz NOT NULL, note text);
    SELECT create_hypertable('events.clicks', 'at', chunk_time_interval => interval '1 day');
    INSERT INTO events.clicks SELECT i, '2024-01-01'::timestamptz + i * interval '3 s', 'x' FROM generate_series(0, 28799) i;
    ALTER TABLE events.clicks SET (timescaledb.compress, timescaledb.compress_segmentby = 'note');
    SELECT compress_chunk(c) FROM show_chunks('events.clicks') c;
    """

  @Test(
    "A backup that waits while a chunk is decompressed, or compressed, archives its rows", arguments: [true, false])
  func chunk(decompress: Bool) async throws {
    let server = try await PostgresServer.withTimescale()
    let fixture = try await Fixture(Self.setUp, server: server)
    if !decompress { try await fixture.psql("SELECT decompress_chunk(c) FROM show_chunks('events.clicks') c") }
    let action = decompress ? "decompress" : "compress"
    let result = try await fixture.backup(
      waitingFor: ["SELECT \(action)_chunk(c) FROM show_chunks('events.clicks') c"], by: fixture.otherSession())
    #expect(result.status == .ok, "\(result.error as Any)")
    #expect(result.rows == 28_800)
    await fixture.pools.close()
    await server.stopAndWait()
  }

  @Test("A day of a hypertable is archived and restored")
  func roundTrip() async throws {
    let server = try await PostgresServer.withTimescale()
    let fixture = try await Fixture(Self.setUp, server: server)
    #expect(try await fixture.backupOne().rows == 28_800)
    try await fixture.psql("SELECT drop_chunks('events.clicks', older_than => '2024-01-02'::timestamptz)")
    #expect(try await fixture.restoreOne().rowsLoaded == 28_800)
    #expect(try await fixture.count() == 28_800)
    await fixture.pools.close()
    await server.stopAndWait()
  }
}
