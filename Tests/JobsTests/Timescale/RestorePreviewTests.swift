import Database
import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

extension Fixture {
  func previews(_ members: String) async throws -> [RestorePreview] {
    try await restoreJob().preview(RestoreRequest(JSONValue(json: Data("{\(members)}".utf8)))).results
  }
}

@Suite("Previews of restores")
struct RestorePreviewTests {
  @Test("A preview of a plain table compares columns and rows, and changes nothing")
  func plain() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try await fixture.psql(
      "ALTER TABLE events.clicks ADD made timestamptz DEFAULT now(), ADD twice text GENERATED ALWAYS AS (note || note) STORED; "
        + "ALTER TABLE events.clicks ALTER id TYPE bigint")
    let preview = try #require(
      try await fixture.previews("\"table\": \"events.clicks\", \"date\": \"2024-01-01\"").first)
    #expect(preview.outcome == .refuse)
    #expect(preview.problems.map(\.code) == [.rowsExist])
    #expect(preview.fileRows == 3)
    #expect(preview.tableRows == 3)
    #expect(preview.columns.map(\.name) == ["id", "at", "note", "made", "twice"])
    #expect(preview.columns.map(\.conversion) == ["text", "same", "same", nil, nil])
    #expect(preview.columns.map(\.filling) == [nil, nil, nil, "default", "generated"])
    #expect((preview.estimatedSeconds ?? -1) >= 0)
    let replace = try #require(
      try await fixture.previews(
        "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"replace\"}"
      ).first)
    // The default of the new column is in the rows that would be deleted.
    #expect(replace.problems.map(\.code) == [.archiveDiffers])
    let forced = try #require(
      try await fixture.previews(
        "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"replace\", \"force\": true}"
      ).first)
    #expect(forced.outcome == .load)
    #expect(try await fixture.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'sluice'") == "0")
    await fixture.pools.close()
  }

  @Test("A preview tells the rights that are missing, with the SQL that grants them")
  func rights() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try await fixture.psql("GRANT USAGE ON SCHEMA events TO plain; GRANT SELECT, INSERT ON events.clicks TO plain")
    let pools = ConnectionPools(passwords: FixedPassword(Secret(fixture.server.plainPassword)), maximum: 4)
    let plain = Fixture(fixture, pools: pools) { $0.server.user = "plain" }
    let preview = try #require(
      try await plain.previews(
        "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"replace\"}"
      ).first)
    #expect(preview.outcome == .refuse)
    #expect(preview.privilegesMissing.map(\.privilege) == ["DELETE"])
    #expect(preview.privilegesMissing.first?.remedy.contains("GRANT DELETE ON") == true)
    await pools.close()
    await fixture.pools.close()
  }

  @Test(
    "A preview of a hypertable tells its chunks, aggregates and jobs",
    .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
  func hypertable() async throws {
    let fixture = try await AggregateRefreshTests.aggregates(days: 9)
    _ = try await fixture.backup(AggregateRefreshTests.days(1, 9).replacing("clicks\"", with: "clicks:at\""))
    try await fixture.psql(
      """
      ALTER TABLE events.clicks SET (timescaledb.compress, timescaledb.compress_segmentby = 'device');
      SELECT compress_chunk(c) FROM show_chunks('events.clicks', older_than => '2024-01-03'::timestamptz) c;
      SELECT drop_chunks('events.clicks', older_than => '2024-01-02'::timestamptz);
      SELECT add_retention_policy('events.clicks', interval '30 days', initial_start => now() + interval '1 day');
      SELECT add_continuous_aggregate_policy('events.hourly', NULL, interval '1 day', interval '1 day',
        initial_start => now() + interval '1 day');
      """)
    let before = (try await fixture.hash(), try await fixture.chunkStates())
    let preview = try #require(
      try await fixture.previews(
        """
        "table": "events.clicks", "date": "2024-01-02", "destination": {"on_existing": "replace"},
        "timescaledb": {"refresh_caggs": ["events.hourly", "events.weekly"]}
        """
      ).first)
    #expect(preview.outcome == .refuse)
    #expect(preview.problems.map(\.code) == [.retentionWouldDrop])
    #expect(preview.chunks.map(\.state) == ["compressed"])
    #expect(preview.chunks.first?.start == "2024-01-02T00:00:00+00:00")
    #expect(preview.jobs.map(\.kind) == ["retention", "refresh"])
    #expect(preview.jobs.map(\.wouldDrop) == [true, false])
    let weekly = try #require(preview.aggregates.first { $0.view == "events.weekly" })
    #expect(weekly.buckets == [])
    #expect(weekly.daysLacking == ["2024-01-01"])
    let allowed = try #require(
      try await fixture.previews(
        """
        "table": "events.clicks", "date": "2024-01-02", "destination": {"on_existing": "replace"}, "ignore_retention": true,
        "timescaledb": {"refresh_caggs": "all"}
        """
      ).first)
    #expect(allowed.outcome == .load)
    #expect(allowed.chunks.first?.steps == ["decompress", "recompress"])
    #expect(allowed.aggregates.map(\.isRefreshed) == Array(repeating: true, count: 6))
    #expect((try await fixture.hash(), try await fixture.chunkStates()) == before)
    await fixture.pools.close()
  }
}
