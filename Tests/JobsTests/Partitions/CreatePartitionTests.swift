import Essentials
import FoundationEssentials
import Postgres
import TestSupport
import Testing

@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("Partitions that a restore makes")
struct CreatePartitionTests {
  /// A table with `partitions` whose day 2024-01-10 is archived, after which `drop` is dropped.
  func archived(
    _ partitions: String, drop: String = "events.clicks_p20240110", column: String = "at timestamptz",
    settings: [String: String] = [:]
  ) async throws -> Fixture {
    var fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int NOT NULL, \(column), note text DEFAULT 'none', twice int GENERATED ALWAYS AS (id * 2) STORED,
        CHECK (id > 0)) PARTITION BY RANGE (at);
      CREATE INDEX clicks_id ON events.clicks (id);
      \(partitions)
      INSERT INTO events.clicks (id, at) SELECT i, '2024-01-10'::timestamp + i * interval '20 min' FROM generate_series(1, 70) i;
      """, settings: settings)
    fixture.now = { .init(timeIntervalSince1970: 1_710_000_000) }
    let result = try await fixture.backupOne(day)
    #expect(result.status == .ok, "\(result.error as Any)")
    try await fixture.psql("DROP TABLE \(drop)")
    return fixture
  }

  let day = "\"table\": \"events.clicks\", \"date\": \"2024-01-10\""

  func create(_ more: String = "") -> String {
    "\(day), \"destination\": {\"create_partition\": true\(more.isEmpty ? "" : ", " + more)}"
  }

  static func daily(_ days: ClosedRange<Int>, _ zone: String = "") -> String {
    days.map { day in
      """
      CREATE TABLE events.clicks_p202401\(day) PARTITION OF events.clicks
        FOR VALUES FROM ('2024-01-\(day)\(zone)') TO ('2024-01-\(day + 1)\(zone)');
      """
    }.joined(separator: "\n")
  }

  @Test("A missing partition is an error before anything is loaded, and is made on request like its neighbours")
  func dailyPartition() async throws {
    let fixture = try await archived(
      Self.daily(10...12)
        + "ALTER TABLE events.clicks_p20240111 SET (fillfactor = 70); CREATE ROLE reader_\(Self.unique);"
        + "GRANT SELECT ON events.clicks_p20240111 TO reader_\(Self.unique);")
    let error = try await fixture.restoreError(day)
    #expect(error.code == .noPartition)
    #expect(error.details["start"]?.string?.hasPrefix("2024-01-10") == true)
    let result = try await fixture.restoreOne(create())
    #expect(result.status == .ok)
    #expect(result.rowsLoaded == 70)
    #expect(result.step(.createPartition)?.status == .done)
    #expect(result.warnings == [])
    #expect(try await fixture.count("events.clicks_p20240110") == 70)
    #expect(try await fixture.psql("SELECT count(*) FROM events.clicks WHERE twice = id * 2 AND note = 'none'") == "70")
    let like = try await fixture.psql(
      """
      SELECT count(DISTINCT (relpersistence, reloptions, relowner, reltablespace, replace(relacl::text, 'x', '')))
      FROM pg_class WHERE relname IN ('clicks_p20240110', 'clicks_p20240111')
      """)
    #expect(like == "1")
    #expect(
      try await fixture.psql(
        "SELECT count(DISTINCT (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid)) FROM pg_class c WHERE relname LIKE 'clicks_p%' AND relkind = 'r'"
      ) == "1")
    // A second time it has its partition.
    let again = try await fixture.restoreOne(create("\"on_existing\": \"replace\""))
    #expect(again.rowsLoaded == 70)
    #expect(again.step(.createPartition)?.status == .skipped)
    await fixture.pools.close()
  }

  static let unique = Int.random(in: 0..<1_000_000)

  @Test("A load that fails leaves no partition")
  func failedLoad() async throws {
    let fixture = try await archived(Self.daily(10...12))
    try await fixture.psql(
      "ALTER TABLE events.clicks ADD CHECK (id < 60)  NOT VALID; ALTER TABLE events.clicks ADD CONSTRAINT c CHECK (id < 60)"
    )
    #expect(try await fixture.restoreError(create()).code == .constraintViolation)
    #expect(try await fixture.psql("SELECT to_regclass('events.clicks_p20240110') IS NULL") == "t")
    await fixture.pools.close()
  }

  @Test(
    "The range goes on as its neighbours' do",
    arguments: [
      ("Europe/Berlin", ["2023-12-01+01", "2024-01-01+01", "2024-02-01+01", "2024-03-01+01"]),
      ("UTC", ["2024-01-01+00", "2024-01-08+00", "2024-01-15+00", "2024-01-22+00"]),
      ("UTC", ["2023-12-01+00", "2024-01-01+00", "2024-02-01+00", "2024-03-01+00"]),
    ])
  func ranges(zone: String, bounds: [String]) async throws {
    var sql = ""
    var dropped = ""
    for (number, (from, to)) in zip(bounds, bounds.dropFirst()).enumerated() {
      sql += "CREATE TABLE events.part\(number) PARTITION OF events.clicks FOR VALUES FROM ('\(from)') TO ('\(to)');\n"
      if number == 1 { dropped = "events.part1" }
    }
    let fixture = try await archived(
      sql, drop: dropped, settings: ["BACKUP_TIMEZONE": zone])
    let before = try await fixture.psql(
      "SET timezone = 'UTC'; SELECT '\(bounds[1])'::timestamptz || ',' || '\(bounds[2])'::timestamptz")
    let result = try await fixture.restoreOne(create())
    #expect(result.status == .ok, "\(zone)")
    let after = try await fixture.psql(
      """
      SET timezone = 'UTC';
      SELECT (regexp_match(pg_get_expr(relpartbound, oid), 'FROM \\(''(.*)''\\) TO'))[1] || ','
        || (regexp_match(pg_get_expr(relpartbound, oid), 'TO \\(''(.*)''\\)'))[1]
      FROM pg_class WHERE relispartition AND relkind = 'r' AND relname LIKE 'clicks_p%'
      """)
    #expect(after == before, "\(zone)")
    await fixture.pools.close()
  }

  @Test("Several missing partitions of a day are made, hours too, of a timestamp column and of dates")
  func hours() async throws {
    let hours = (0..<26).map { hour in
      let from = hour < 24 ? "2024-01-10 \(hour):00" : "2024-01-11 0\(hour - 24):00"
      let to = hour < 23 ? "2024-01-10 \(hour + 1):00" : "2024-01-11 0\(hour - 23):00"
      return "CREATE TABLE events.h\(hour) PARTITION OF events.clicks FOR VALUES FROM ('\(from)') TO ('\(to)');"
    }
    let fixture = try await archived(
      hours.joined() + Self.daily(12...12), drop: "events.h3, events.h4, events.h23", column: "at timestamp")
    let result = try await fixture.restoreOne(create("\"on_existing\": \"replace\""))
    #expect(result.rowsLoaded == 70)
    #expect(
      try await fixture.psql(
        "SELECT count(*) FROM pg_class WHERE relname IN ('clicks_p20240110_0300', 'clicks_p20240110_0400', 'clicks_p20240110_2300')"
      ) == "3")
    await fixture.pools.close()
    let dates = try await archived(Self.daily(10...12), column: "at date")
    #expect(try await dates.restoreOne(create()).rowsLoaded == 70)
    #expect(try await dates.count("events.clicks_p20240110") > 0)
    await dates.pools.close()
  }

  @Test("A default partition takes the rows with a warning, and its rows of the range forbid the partition")
  func defaultPartition() async throws {
    let fixture = try await archived(
      Self.daily(10...12) + "CREATE TABLE events.rest PARTITION OF events.clicks DEFAULT;")
    let result = try await fixture.restoreOne(day)
    #expect(result.rowsLoaded == 70)
    #expect(result.warnings.contains { $0.contains("default partition events.rest") }, "\(result.warnings)")
    let error = try await fixture.restoreError(create("\"on_existing\": \"append\""))
    #expect(error.code == .partitionNotMade)
    #expect(error.details["rows"] == .integer(70))
    try await fixture.psql("TRUNCATE events.rest")
    #expect(try await fixture.restoreOne(create()).step(.createPartition)?.status == .done)
    #expect(try await fixture.count("events.rest") == 0)
    await fixture.pools.close()
  }

  @Test("A taken name, sub-partitioned neighbours, none at all and a missing right are clear errors")
  func refusals() async throws {
    let fixture = try await archived(Self.daily(10...12))
    try await fixture.psql("CREATE TABLE events.clicks_p20240110 (id int)")
    let taken = try await fixture.restoreError(create())
    #expect(taken.code == .partitionNotMade)
    #expect(taken.message.contains("is taken"))
    try await fixture.psql("DROP TABLE events.clicks_p20240110, events.clicks_p20240111, events.clicks_p20240112")
    let none = try await fixture.restoreError(create())
    #expect(none.code == .partitionNotMade)
    try await fixture.psql(
      """
      CREATE TABLE events.sub PARTITION OF events.clicks FOR VALUES FROM ('2024-01-11+00') TO ('2024-01-12+00') PARTITION BY HASH (id);
      """)
    let nested = try await fixture.restoreError(create())
    #expect(nested.message.contains("itself partitioned"))
    await fixture.pools.close()
  }

  @Test("A partition that is missing below another one is made there")
  func nested() async throws {
    let fixture = try await archived(
      """
      CREATE TABLE events.y PARTITION OF events.clicks FOR VALUES FROM ('2024-01-01+00') TO ('2025-01-01+00') PARTITION BY RANGE (at);
      CREATE TABLE events.d10 PARTITION OF events.y FOR VALUES FROM ('2024-01-10+00') TO ('2024-01-11+00');
      CREATE TABLE events.d11 PARTITION OF events.y FOR VALUES FROM ('2024-01-11+00') TO ('2024-01-12+00');
      """, drop: "events.d10")
    #expect(try await fixture.restoreOne(create()).rowsLoaded == 70)
    #expect(
      try await fixture.psql(
        "SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = 'events.y_p20240110'::regclass") == "events.y")
    await fixture.pools.close()
  }

  @Test("Integers that count time go on in the length of their neighbours")
  func integers() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at bigint) PARTITION BY RANGE (at);
      CREATE TABLE events.clicks_1704844800 PARTITION OF events.clicks FOR VALUES FROM (1704844800) TO (1704931200);
      CREATE TABLE events.clicks_1704931200 PARTITION OF events.clicks FOR VALUES FROM (1704931200) TO (1705017600);
      CREATE TABLE events.clicks_1705017600 PARTITION OF events.clicks FOR VALUES FROM (1705017600) TO (1705104000);
      INSERT INTO events.clicks SELECT i, 1704844800 + i FROM generate_series(1, 70) i;
      """)
    var later = fixture
    later.now = { .init(timeIntervalSince1970: 1_710_000_000) }
    #expect(try await later.backupOne("\(day), \"unit\": \"s\"").rows == 70)
    try await fixture.psql("DROP TABLE events.clicks_1704844800")
    let error = try await fixture.restoreError(day)
    #expect(error.code == .noPartition)
    #expect(try await fixture.restoreOne(create()).rowsLoaded == 70)
    #expect(try await fixture.count("events.clicks_1704844800") == 70)
    await fixture.pools.close()
  }
}
