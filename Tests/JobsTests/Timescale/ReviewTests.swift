import Database
import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

/// What a review of restores into hypertables found.
@Suite(
  "Restores into hypertables, after a review",
  .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
struct ReviewTests {
  static let day = "\"table\": \"events.clicks\", \"date\": \"2024-01-04\""

  private func plain(_ fixture: Fixture) -> Fixture {
    let pools = ConnectionPools(passwords: FixedPassword(Secret(fixture.server.plainPassword)), maximum: 4)
    return Fixture(fixture, pools: pools) { $0.server.user = "plain" }
  }

  @Test("A bucket with a day that has neither rows nor an archive keeps the rows that it counted")
  func unarchivedDay() async throws {
    let fixture = try await Fixture.readings(
      more: """
        CREATE MATERIALIZED VIEW events.weekly WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
          SELECT time_bucket('1 week', at) AS at, count(*) AS n FROM events.clicks GROUP BY 1;
        """)
    _ = try await fixture.backup("\"table\": \"events.clicks:at\", \"from\": \"2024-01-04\", \"to\": \"2024-01-05\"")
    #expect(try await fixture.psql("SELECT sum(n) FROM events.weekly") == "17280")
    try await fixture.psql("SELECT drop_chunks('events.clicks', older_than => '2024-02-01'::timestamptz)")
    let report = try await fixture.restore(
      "\"table\": \"events.clicks\", \"from\": \"2024-01-04\", \"to\": \"2024-01-05\", "
        + "\"timescaledb\": {\"refresh_caggs\": \"all\"}")
    #expect(report.status == .ok)
    let rows = try await fixture.psql("SELECT sum(n) FROM events.weekly")
    #expect(rows == "17280", "\(report.results.flatMap(\.steps).filter { $0.name == .refresh })")
    await fixture.pools.close()
  }

  @Test("An aggregate that is named is not refreshed from one that was wiped and is not refreshed")
  func sourceNotNamed() async throws {
    let fixture = try await Fixture.readings(
      interval: "1 day", compressed: false,
      more: """
        CREATE MATERIALIZED VIEW events.hourly WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
          SELECT time_bucket('1 hour', at) AS at, count(*) AS n FROM events.clicks GROUP BY 1;
        CREATE MATERIALIZED VIEW events.daily WITH (timescaledb.continuous, timescaledb.materialized_only = true) AS
          SELECT time_bucket('1 day', at) AS at, sum(n) AS n FROM events.hourly GROUP BY 1;
        """)
    try await fixture.archiveDays()
    #expect(try await fixture.psql("SELECT sum(n) FROM events.daily") == "17280")
    try await fixture.psql("SELECT drop_chunks('events.clicks', older_than => '2024-01-05'::timestamptz)")
    try await fixture.psql("CALL refresh_continuous_aggregate('events.hourly', '2024-01-04', '2024-01-05')")
    let result = try await fixture.restoreOne(
      "\(Self.day), \"timescaledb\": {\"refresh_caggs\": [\"events.daily\"]}")
    #expect(try await fixture.psql("SELECT sum(n) FROM events.daily") == "17280", "\(result.status) \(result.steps)")
    await fixture.pools.close()
  }

  @Test("A job that two holds need paused runs again when both are over")
  func twoHolds() async throws {
    let fixture = try await HoldTests.withRetention()
    let early = Date.now.addingTimeInterval(3600).formatted(.iso8601)
    let late = Date.now.addingTimeInterval(7200).formatted(.iso8601)
    _ = try await fixture.restoreOne("\(Self.day), \"keep_until\": \"\(early)\", \"pause_jobs\": true")
    _ = try await fixture.restoreOne(
      "\(Self.day), \"keep_until\": \"\(late)\", \"pause_jobs\": true, \"destination\": {\"on_existing\": \"replace\"}")
    #expect(try await fixture.psql("SELECT count(*) FROM sluice.hold WHERE paused_jobs <> '{}'") == "2")
    try await fixture.psql("UPDATE sluice.hold SET keep_until = now() - interval '1 s' WHERE keep_until = '\(early)'")
    #expect(try await fixture.restoreJob().resume(load: nil).resumedJobs?.isEmpty != false)
    #expect(try await fixture.psql(HoldTests.scheduled) == "false")
    try await fixture.psql("UPDATE sluice.hold SET keep_until = now() - interval '1 s'")
    #expect(try await fixture.restoreJob().resume(load: nil).resumedJobs?.count == 1)
    #expect(try await fixture.psql(HoldTests.scheduled) == "true")
    await fixture.pools.close()
  }

  @Test("A hold whose job the role may not change does not keep the others from ending, nor debts from being told")
  func foreignJob() async throws {
    let fixture = try await HoldTests.withRetention()
    let until = Date.now.addingTimeInterval(3600).formatted(.iso8601)
    _ = try await fixture.restoreOne("\(Self.day), \"keep_until\": \"\(until)\", \"pause_jobs\": true")
    try await fixture.psql(
      """
      INSERT INTO sluice.hold (load, schema_name, table_name, kind, first_value, end_value, keep_until)
        VALUES ('other', 'events', 'clicks', 'timestamptz', '', '', now() - interval '1 s');
      UPDATE sluice.hold SET keep_until = now() - interval '1 s';
      GRANT USAGE ON SCHEMA sluice TO plain; GRANT SELECT, INSERT, UPDATE ON sluice.hold, sluice.restore_log TO plain;
      """)
    let plain = plain(fixture)
    let report = try await plain.restoreJob().resume(load: nil)
    #expect(report.resumedJobs?.isEmpty != false)
    #expect(
      try await fixture.psql("SELECT string_agg(load, ',') FROM sluice.hold WHERE ended_at IS NOT NULL") == "other")
    #expect(try await fixture.psql(HoldTests.scheduled) == "false")
    #expect(try await fixture.restoreJob().resume(load: nil).resumedJobs?.count == 1)
    #expect(try await fixture.psql(HoldTests.scheduled) == "true")
    await plain.pools.close()
    await fixture.pools.close()
  }

  @Test("A trigger for each DELETE statement runs where rows are replaced")
  func statementTrigger() async throws {
    let fixture = try await Fixture.readings(
      compressed: false,
      more: """
        CREATE TABLE events.audit (n int8);
        CREATE FUNCTION events.note() RETURNS trigger LANGUAGE plpgsql AS
          $$ BEGIN INSERT INTO events.audit VALUES (1); RETURN NULL; END $$;
        CREATE TRIGGER note AFTER DELETE ON events.clicks FOR EACH STATEMENT EXECUTE FUNCTION events.note();
        """)
    try await fixture.archiveDays()
    let result = try await fixture.restoreOne("\(Self.day), \"destination\": {\"on_existing\": \"replace\"}")
    #expect(result.warnings.contains { $0.contains("DELETE triggers, which ran") })
    #expect(try await fixture.psql("SELECT count(*) FROM events.audit") == "1")
    await fixture.pools.close()
  }

  @Test("A policy that would drop the first of two chunks of a day is told of")
  func firstChunkDropped() async throws {
    let fixture = try await Fixture.readings(interval: "1 day", compressed: false)
      .with { $0.backup.timeZone = TimeZone(identifier: "Europe/Berlin")! }
    _ = try await fixture.backup("\"table\": \"events.clicks:at\", \"date\": \"2024-01-05\"")
    try await fixture.psql("DELETE FROM events.clicks")
    // The next run takes chunks that end on 2024-01-05T00:00Z or before.
    try await fixture.psql(
      "SELECT add_retention_policy('events.clicks', drop_after => "
        + "date_trunc('hour', now() + interval '1 day') - '2024-01-05 12:00+00'::timestamptz, initial_start => now() + interval '1 day')"
    )
    let error = await #expect(throws: JobError.self) {
      _ = try await fixture.restore("\"table\": \"events.clicks\", \"date\": \"2024-01-05\"")
    }
    #expect(error?.code == .retentionWouldDrop)
    await fixture.pools.close()
  }

  @Test("A preview for a role that may only insert says what the restore does")
  func insertOnly() async throws {
    let fixture = try await Fixture.readings(interval: "1 day", compressed: false)
    try await fixture.archiveDays()
    try await fixture.psql("GRANT USAGE ON SCHEMA events TO plain; GRANT INSERT ON events.clicks TO plain")
    let plain = plain(fixture)
    let members = "\(Self.day), \"destination\": {\"on_existing\": \"append\"}"
    let preview = try #require(try await plain.previews(members).first)
    #expect(preview.outcome == .load)
    #expect(preview.tableRows == nil)
    #expect(try await plain.restoreOne(members).status == .ok)
    await plain.pools.close()
    await fixture.pools.close()
  }

  @Test(
    "A debt of a table that was renamed is paid, also by a restore into it under its new name",
    arguments: [true, false])
  func renamed(byRestore: Bool) async throws {
    let fixture = try await Fixture.readings(interval: "1 day")
    try await fixture.archiveDays()
    let result = try await fixture.restoreOne(
      "\(Self.day), \"destination\": {\"on_existing\": \"replace\"}, \"key\": \"one\"")
    #expect(result.status == .ok)
    let chunk = try await fixture.psql("SELECT c FROM show_chunks('events.clicks') c ORDER BY 1 LIMIT 1")
    try await fixture.psql(
      """
      SELECT decompress_chunk('\(chunk)');
      UPDATE sluice.restore_log SET owed = jsonb_build_object('archives', '\(fixture.database)', 'schema', 'events', 'table', 'clicks',
        'day', '2024-01-04', 'column', 'at', 'kind', 'timestamp with time zone', 'start', '2024-01-04T00:00:00Z', 'end', '2024-01-05T00:00:00Z',
        'refresh', '[]'::jsonb, 'recompress', jsonb_build_array(jsonb_build_object('schema', split_part('\(chunk)', '.', 1),
        'name', split_part('\(chunk)', '.', 2))));
      ALTER TABLE events.clicks RENAME TO hits;
      """)
    if byRestore {
      _ = try await fixture.restoreOne(
        "\(Self.day), \"destination\": {\"on_existing\": \"skip\", \"target_table\": \"events.hits\"}")
    } else {
      let report = try await fixture.restoreJob().resume(load: nil)
      #expect(
        report.results.flatMap(\.steps).filter { $0.name == .recompress }.map(\.status) == [.done], "\(report.results)")
    }
    #expect(try await fixture.chunkStates("events.hits") == "1,1,1,1")
    await fixture.pools.close()
  }
}

/// What a review of restores into other tables found.
@Suite("Restores, after a review")
struct ReviewOfPlainTests {
  static let day = "\"table\": \"events.clicks\", \"date\": \"2024-01-01\""

  @Test(
    "Values of a type that holds more than the table's are told of",
    arguments: [
      ("timestamp", "'2024-01-01 12:34:56'", "date"), ("numeric", "1.23456", "numeric(10,2)"),
      ("timestamptz", "'2024-01-01 12:34:56.789+00'", "timestamptz(0)"), ("float8", "0.1234567890123", "real"),
      ("timestamptz", "'2024-01-01 12:34:56+00'", "time"), ("timestamp", "'2024-01-01 12:34:56'", "time"),
    ])
  func narrower(from: String, value: String, to: String) async throws {
    let fixture = try await Fixture()
    try await fixture.psql("ALTER TABLE events.clicks ADD more \(from) DEFAULT \(value)")
    _ = try await fixture.backupOne()
    try await fixture.psql(
      "TRUNCATE events.clicks; ALTER TABLE events.clicks DROP more; ALTER TABLE events.clicks ADD more \(to)")
    let result = try await fixture.restoreOne(Self.day)
    #expect(result.status == .ok)
    #expect(result.warnings.contains { $0.contains("more") }, "\(result.warnings)")
    await fixture.pools.close()
  }

  @Test("A preview refuses a partition that the restore would not make")
  func previewOfPartition() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz) PARTITION BY RANGE (at);
      CREATE TABLE events.clicks_p20240101 PARTITION OF events.clicks FOR VALUES FROM ('2024-01-01+00') TO ('2024-01-02+00');
      CREATE TABLE events.clicks_p20240102 PARTITION OF events.clicks FOR VALUES FROM ('2024-01-02+00') TO ('2024-01-03+00');
      INSERT INTO events.clicks VALUES (1, '2024-01-01 10:00+00');
      """)
    _ = try await fixture.backupOne()
    // The partition is detached, and its name taken.
    try await fixture.psql("ALTER TABLE events.clicks DETACH PARTITION events.clicks_p20240101")
    let members = "\(Self.day), \"destination\": {\"create_partition\": true}"
    let preview = try #require(try await fixture.previews(members).first)
    #expect(preview.outcome == .refuse)
    #expect(preview.problems.map(\.code) == [.partitionNotMade])
    #expect(try await fixture.restoreError(members).code == .partitionNotMade)
    await fixture.pools.close()
  }

  @Test("A preview refuses a table that the restore would not make")
  func previewOfTable() async throws {
    let fixture = try await Fixture()
    try await fixture.put("id,at,note\n1,2024-01-01 10:00+00,x\n")
    try await fixture.psql("DROP TABLE events.clicks")
    let members = "\(Self.day), \"destination\": {\"create_table\": true}"
    #expect(try await fixture.previews(members).first?.outcome == .refuse)
    #expect(try await fixture.restoreError(members).code == .tableNotMade)
    await fixture.pools.close()
  }
}
