import Essentials
import Foundation
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("Tables that a restore makes")
struct NewTableTests {
  static let table = """
    CREATE SCHEMA events; CREATE SCHEMA "other one";
    CREATE TYPE events.mood AS ENUM ('good', 'bad');
    CREATE TABLE events.clicks (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "at" timestamptz(3) NOT NULL, "no te" varchar(9) DEFAULT 'x',
      price numeric(8,2), tags text[], mood events.mood, twice bigint GENERATED ALWAYS AS (price * 2) STORED);
    INSERT INTO events.clicks ("at", price, tags, mood) SELECT '2024-01-01 10:00+00', i, ARRAY['a', 'b'], 'good' FROM generate_series(1, 5) i;
    """

  func restore(_ destination: String = "\"create_table\": true", more: String = "") -> String {
    "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\(destination)}\(more)"
  }

  @Test("A missing table is an error that names the option, and is made with its columns, types and NOT NULL")
  func plain() async throws {
    let fixture = try await Fixture(Self.table)
    _ = try await fixture.backupOne()
    #expect(try fixture.manifest()["hypertable"] == nil)
    try await fixture.psql("DROP TABLE events.clicks")
    let missing = try await fixture.restoreError(restore("\"create_table\": false"))
    #expect(missing.code == .tableNotFound)
    #expect(missing.message.contains("destination.create_table"))
    let result = try await fixture.restoreOne(restore())
    #expect(result.rowsLoaded == 5)
    #expect(result.warnings.contains { $0.contains("was created from the archive's manifest") }, "\(result.warnings)")
    #expect(
      try await fixture.psql(
        "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN '!' ELSE '' END, ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'events.clicks'::regclass AND attnum > 0"
      )
        == "id bigint!,at timestamp(3) with time zone!,no te character varying(9),price numeric(8,2),tags text[],mood events.mood"
    )
    // A second day, or the same again, finds it.
    #expect(
      try await fixture.restoreOne(restore("\"create_table\": true, \"on_existing\": \"replace\"")).rowsLoaded == 5)
    let other = try await fixture.restoreOne(
      restore(
        "\"create_table\": true, \"target_table\": \"\\\"other one\\\".t\"",
        more: ", \"copy\": {\"map\": {\"at\": \"seen\"}, \"ignore\": \"mood\"}"))
    #expect(other.rowsLoaded == 5)
    #expect(try await fixture.psql("SELECT count(seen) FROM \"other one\".t") == "5")
    await fixture.pools.close()
  }

  @Test("A load that fails leaves no table; a missing schema, an unknown type and a missing manifest are clear errors")
  func refusals() async throws {
    let fixture = try await Fixture(Self.table)
    _ = try await fixture.backupOne()
    try await fixture.psql("DROP TABLE events.clicks")
    let schema = try await fixture.restoreError(restore("\"create_table\": true, \"target_table\": \"nix.t\""))
    #expect(schema.code == .tableNotMade)
    #expect(schema.message.contains("schema nix"))
    try await fixture.psql("DROP TYPE events.mood")
    let type = try await fixture.restoreError(restore())
    #expect(type.code == .tableNotMade)
    #expect(type.message.contains("events.mood"))
    // The file's rows do not fit a column: nothing stays.
    try await fixture.psql("CREATE TYPE events.mood AS ENUM ('bad')")
    #expect(try await fixture.restoreError(restore()).code == .badRow)
    #expect(try await fixture.psql("SELECT to_regclass('events.clicks') IS NULL") == "t")
    try FileManager.default.removeItem(
      atPath: fixture.directory.file("\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    #expect(try await fixture.restoreError(restore()).code == .tableNotMade)
    await fixture.pools.close()
  }

  @Test(
    "A manifest's type is a type's name and no more",
    arguments: [
      "int, x int DEFAULT 1", "int DEFAULT 1", "int) WITH (fillfactor = 50", "int --", "int /* */", "(SELECT 1)", "",
    ])
  func injected(type: String) async throws {
    let fixture = try await Fixture()
    let connection = try await fixture.otherSession()
    try await connection.query("BEGIN")
    let table = NewTable(
      .init(schema: "events", name: "new"), columns: [.init(name: "a", type: type, isNotNull: false)], chunks: nil)
    let error = await #expect(throws: JobError.self) { _ = try await table.create(on: connection) }
    #expect(error?.code == .tableNotMade)
    await connection.close()
    await fixture.pools.close()
  }

  @Test(
    "A hypertable is made again with its interval and space partitions, in both editions, of instants and of integers",
    .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"),
    arguments: ["timescale", "apache"])
  func hypertable(licence: String) async throws {
    let server = try await PostgresServer(settings: [
      "shared_preload_libraries=timescaledb", "timescaledb.telemetry_level=off", "timescaledb.license=\(licence)",
    ])
    let fixture = try await Fixture(
      """
      CREATE EXTENSION timescaledb;
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz NOT NULL, device int);
      SELECT create_hypertable('events.clicks', 'at', chunk_time_interval => interval '7 days');
      SELECT add_dimension('events.clicks', 'device', number_partitions => 2);
      INSERT INTO events.clicks SELECT i, '2024-01-01 10:00+00', i FROM generate_series(1, 50) i;
      CREATE TABLE events.counted (id int, at bigint NOT NULL);
      SELECT create_hypertable('events.counted', 'at', chunk_time_interval => 86400);
      INSERT INTO events.counted SELECT i, 1704067200 + i FROM generate_series(1, 50) i;
      """, server: server)
    _ = try await fixture.backupOne()
    let counted = try await fixture.backupOne(
      "\"table\": \"events.counted\", \"date\": \"2024-01-01\", \"unit\": \"s\"")
    #expect(counted.rows == 50, "\(counted)")
    let facts =
      "SELECT string_agg(concat_ws('|', hypertable_name, column_name, time_interval, integer_interval, num_partitions), ',' ORDER BY hypertable_name, dimension_number) FROM timescaledb_information.dimensions"
    let before = try await fixture.psql(facts)
    try await fixture.psql("DROP TABLE events.clicks; DROP TABLE events.counted")
    #expect(try await fixture.restoreOne(restore()).rowsLoaded == 50)
    #expect(try await fixture.restoreOne(restore().replacing("events.clicks", with: "events.counted")).rowsLoaded == 50)
    #expect(try await fixture.psql(facts) == before)
    await fixture.pools.close()
    await server.stopAndWait()
  }
}
