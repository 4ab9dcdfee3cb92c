import Configuration
import Database
import Essentials
import Foundation
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Jobs

extension Fixture {
  /// The chunks or partitions of `events.clicks`.
  func chunkList(_ members: String = "") async throws -> ChunksReport {
    let text = "{\"table\": \"events.clicks\"\(members)}"
    return try await ChunksJob(context, settings.backup).run(ChunksRequest(JSONValue(json: Data(text.utf8))))
  }
}

/// What a listing of chunks says of native partitions; the fixture's clock shows 2024-01-10.
@Suite("The listing of partitions")
struct PartitionListTests {
  static let parts = """
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
    CREATE TABLE events.day1 PARTITION OF events.clicks FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-01-02 00:00+00');
    CREATE TABLE events.days2 PARTITION OF events.clicks FOR VALUES FROM ('2024-01-02 00:00+00') TO ('2024-01-04 00:00+00');
    CREATE TABLE events.day10 PARTITION OF events.clicks FOR VALUES FROM ('2024-01-10 00:00+00') TO ('2024-01-11 00:00+00');
    CREATE TABLE events.rest PARTITION OF events.clicks DEFAULT;
    INSERT INTO events.clicks SELECT i, '2024-01-01 10:00+00' FROM generate_series(1, 3) i;
    INSERT INTO events.clicks SELECT i, '2024-01-02 10:00+00' FROM generate_series(1, 5) i;
    INSERT INTO events.clicks SELECT i, '2024-01-03 10:00+00' FROM generate_series(1, 7) i;
    """

  @Test("Each partition has its range, its days and rows in archives and in the table, and why it is not to be dropped")
  func partitions() async throws {
    let fixture = try await Fixture(Self.parts)
    _ = try await fixture.backup("\"table\": \"events.clicks\", \"from\": \"2024-01-01\", \"to\": \"2024-01-02\"")
    var report = try await fixture.chunkList()
    #expect(report.chunks.map(\.name.name) == ["day1", "days2", "day10", "rest"])
    #expect(report.chunks.map(\.state) == ["attached", "attached", "attached", "default"])
    #expect(report.chunks.map(\.droppable) == [true, false, false, false], "\(report.chunks)")
    #expect(report.chunks.map(\.days) == [1, 2, 1, nil] && report.chunks.map(\.daysArchived) == [1, 1, 0, nil])
    #expect(report.chunks.map(\.archiveRows) == [3, 5, 0, nil] && report.chunks.map(\.liveRows) == [3, 12, 0, nil])
    #expect(report.chunks[0].start == "2024-01-01 00:00:00+00" && (report.chunks[0].bytes ?? 0) > 0)
    #expect(report.chunks[1].reasons == ["2024-01-03 is not archived"])
    #expect(report.chunks[2].reasons == ["2024-01-10 is not over"])
    #expect(report.chunks[3].reasons == ["it is default"])
    // Rows that came after the archive.
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 11:00+00')")
    report = try await fixture.chunkList()
    #expect(report.chunks[0].reasons == ["the archive of 2024-01-01 has 3 rows, the table 4"])
    let uncounted = try await fixture.chunkList(", \"count\": false")
    #expect(uncounted.chunks[0].reasons == ["the rows were not counted"] && uncounted.chunks[0].liveRows == nil)
  }

  @Test("Days and a limit bound the listing, which says how much it leaves out")
  func bounds() async throws {
    let fixture = try await Fixture(Self.parts)
    let some = try await fixture.chunkList(", \"from\": \"2024-01-03\", \"to\": \"2024-01-09\"")
    #expect(some.chunks.map(\.name.name) == ["days2", "rest"])
    let first = try await fixture.chunkList(", \"limit\": 1")
    #expect(first.chunks.count == 1 && first.total == 4)
    #expect(first.warnings.contains { $0.hasPrefix("3 more chunks") })
  }

  @Test("An archive of another time zone's day does not stand for the day")
  func otherZone() async throws {
    var fixture = try await Fixture(Self.parts, settings: ["BACKUP_TIMEZONE": "Asia/Tokyo"])
    _ = try await fixture.backupOne("\"table\": \"events.clicks\", \"date\": \"2024-01-01\"")
    fixture.settings.backup.timeZone = .gmt
    let chunk = try await fixture.chunkList().chunks[0]
    #expect(chunk.reasons == ["2024-01-01 is not archived by a manifest that describes the day"], "\(chunk)")
  }

  @Test("A table without chunks or partitions has an empty listing")
  func others() async throws {
    let fixture = try await Fixture()
    let request = try ChunksRequest(["table": "events.clicks:at"])
    let report = try await ChunksJob(fixture.context, fixture.settings.backup).run(request)
    #expect(report.chunks == [] && report.total == 0)
    #expect(report.warnings == ["events.clicks has no chunks or partitions by ranges of at"])
  }

  @Test("A role that is not the owner may drop no partition")
  func owner() async throws {
    var fixture = try await Fixture(
      Self.parts + "GRANT USAGE ON SCHEMA events TO plain; GRANT SELECT ON ALL TABLES IN SCHEMA events TO plain;",
      password: PostgresServer.shared.plainPassword)
    fixture.settings.server.user = fixture.server.plainUser
    let report = try await fixture.chunkList()
    #expect(report.chunks.allSatisfy { $0.reasons.contains("the role does not own the table") }, "\(report)")
  }
}

@Suite(
  "The listing of chunks", .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct ChunkListTests {
  @Test("Chunks are listed with their state and sizes, and judged by the days that they overlap")
  func chunks() async throws {
    let server = try await PostgresServer.withTimescale()
    let fixture = try await Fixture(TimescaleBackupTests.days(), server: server)
    _ = try await fixture.backup("\"table\": \"events.clicks\", \"from\": \"2024-01-01\", \"to\": \"2024-01-02\"")
    try await fixture.psql(
      "SELECT compress_chunk(c) FROM show_chunks('events.clicks', older_than => '2024-01-03'::timestamptz) c;"
        + "SELECT _timescaledb_functions.freeze_chunk(c) FROM show_chunks('events.clicks', older_than => '2024-01-02'::timestamptz) c;"
        + "INSERT INTO events.clicks VALUES (1, '2024-01-02 10:00+00', 'late')")
    let report = try await fixture.chunkList()
    #expect(report.chunks.map(\.state) == ["frozen", "partial", "uncompressed"], "\(report.chunks)")
    #expect(
      report.chunks.map(\.archiveRows) == [1440, 1440, 0] && report.chunks.map(\.liveRows) == [1440, 1441, 1440])
    #expect(report.chunks[0].start == "2024-01-01T00:00:00+00:00")
    #expect((report.chunks[0].bytesBeforeCompression ?? 0) > (report.chunks[0].bytesAfterCompression ?? 0))
    #expect(report.chunks[2].bytesAfterCompression == nil)
    #expect(
      report.chunks.map(\.reasons) == [
        ["it is frozen"], ["the archive of 2024-01-02 has 1440 rows, the table 1441"], ["2024-01-03 is not archived"],
      ])
    await fixture.pools.close()
    await server.stopAndWait()
  }

  @Test("Chunks of an integer column show numbers and instants; those of a week need all of its days")
  func integers() async throws {
    let server = try await PostgresServer.withTimescale()
    let sql = TimescaleBackupTests.integers.replacing("=> 86400000)", with: "=> 604800000)")
    let fixture = try await Fixture(sql, server: server)
    _ = try await fixture.backup("\"table\": \"events.clicks\", \"from\": \"2024-01-01\", \"to\": \"2024-01-03\"")
    let report = try await fixture.chunkList()
    #expect(report.chunks.map(\.start) == ["1703721600000"] || report.chunks.count == 1, "\(report.chunks)")
    #expect(
      report.chunks[0].startAt == "2023-12-28T00:00:00+00:00" && report.chunks[0].endAt == "2024-01-04T00:00:00+00:00")
    #expect(report.chunks[0].days == 7 && report.chunks[0].daysArchived == 3)
    #expect(report.chunks[0].archiveRows == 4320 && report.chunks[0].liveRows == 4320)
    // The other days of the week have no rows.
    #expect(report.chunks[0].droppable, "\(report.chunks[0].reasons)")
    await fixture.pools.close()
    await server.stopAndWait()
  }
}
