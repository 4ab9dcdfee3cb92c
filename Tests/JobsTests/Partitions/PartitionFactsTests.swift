import FoundationEssentials
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Database
@testable import Jobs

@Suite("The facts of native partitions")
struct PartitionFactsTests {
  /// What is known of `events.clicks`, made by `sql`, and of its partitions in `span`.
  func facts(_ sql: String, _ span: DaySpan) async throws -> (PartitionedTable, PartitionsOfSpan) {
    let fixture = try await Fixture("CREATE SCHEMA events;" + sql)
    defer { Task { await fixture.pools.close() } }
    let connection = try await fixture.otherSession()
    let facts = try await TableFacts.read(Self.clicks, for: .write, on: connection)
    let table = try #require(facts.partitions)
    let partitions = try await table.partitions(in: span, on: connection)
    await connection.close()
    return (table, partitions)
  }

  static let clicks = TableName(schema: "events", name: "clicks")

  static func day(_ kind: DaySpan.Kind = .instant) throws -> DaySpan {
    let day = try #require(Day("2024-01-10"))
    return try #require(DaySpan(DayWindow(day, in: .gmt), kind: kind))
  }

  @Test("The partition of a day is told with its range, and a default one beside it")
  func daily() async throws {
    let (table, found) = try await facts(
      """
      CREATE TABLE events.clicks (id int, at timestamptz) PARTITION BY RANGE (at);
      CREATE TABLE events.c9 PARTITION OF events.clicks FOR VALUES FROM ('2024-01-09+00') TO ('2024-01-10+00');
      CREATE TABLE events.c10 PARTITION OF events.clicks FOR VALUES FROM ('2024-01-10+00') TO ('2024-01-11+00');
      CREATE TABLE events.rest PARTITION OF events.clicks DEFAULT;
      """, try Self.day())
    #expect(table.key == "at")
    #expect(table.kind == .instant)
    #expect(table.count == 3)
    #expect(table.isOwner)
    #expect(table.owner == "postgres")
    #expect(table.defaultPartition == TableName(schema: "events", name: "rest"))
    #expect(found.partitions.map(\.table.name) == ["c10"])
    #expect(found.partitions.first?.bounds == .init(lower: "2024-01-10 00:00:00+00", upper: "2024-01-11 00:00:00+00"))
    #expect(found.defaults.map(\.table.name) == ["rest"])
    #expect(found.isCovered)
  }

  @Test("What no partition takes is a gap, and a default partition takes its rows", arguments: [true, false])
  func gaps(hasDefault: Bool) async throws {
    let (_, found) = try await facts(
      """
      CREATE TABLE events.clicks (id int, at timestamptz) PARTITION BY RANGE (at);
      CREATE TABLE events.h PARTITION OF events.clicks FOR VALUES FROM ('2024-01-10 06:00+00') TO ('2024-01-10 07:00+00');
      """ + (hasDefault ? "CREATE TABLE events.rest PARTITION OF events.clicks DEFAULT;" : ""), try Self.day())
    #expect(!found.isCovered)
    #expect(!found.isEmpty)
    #expect(found.gaps.map(\.start) == ["2024-01-10T00:00:00+00:00", "2024-01-10 07:00:00+00"])
    #expect(found.gaps.map(\.end) == ["2024-01-10 06:00:00+00", "2024-01-11T00:00:00+00:00"])
    #expect(found.gaps.allSatisfy { $0.parent == Self.clicks && ($0.takenBy != nil) == hasDefault })
    #expect(found.refused.count == (hasDefault ? 0 : 2))
  }

  @Test("Nested ranges are told level by level, other sub-partitions count as one range, and a gap names its parent")
  func nested() async throws {
    let (_, found) = try await facts(
      """
      CREATE TABLE events.clicks (id int, at timestamptz) PARTITION BY RANGE (at);
      CREATE TABLE events.y PARTITION OF events.clicks FOR VALUES FROM (MINVALUE) TO ('2024-01-10 12:00+00')
        PARTITION BY RANGE (at);
      CREATE TABLE events.y1 PARTITION OF events.y FOR VALUES FROM ('2024-01-01+00') TO ('2024-01-10 06:00+00');
      CREATE TABLE events.z PARTITION OF events.clicks FOR VALUES FROM ('2024-01-10 12:00+00') TO (MAXVALUE)
        PARTITION BY HASH (id);
      CREATE TABLE events.z1 PARTITION OF events.z FOR VALUES WITH (MODULUS 1, REMAINDER 0);
      """, try Self.day())
    #expect(found.partitions.map(\.table.name) == ["y1", "z"])
    #expect(found.partitions.map(\.strategy) == [nil, "hash"])
    #expect(
      found.partitions.first?.ranges == [
        .init(lower: nil, upper: "2024-01-10 12:00:00+00"),
        .init(lower: "2024-01-01 00:00:00+00", upper: "2024-01-10 06:00:00+00"),
      ])
    #expect(found.partitions.last?.bounds == .init(lower: "2024-01-10 12:00:00+00", upper: nil))
    #expect(found.gaps.map(\.parent.name) == ["y"])
    #expect(found.gaps.map(\.start) == ["2024-01-10 06:00:00+00"])
    #expect(found.gaps.map(\.end) == ["2024-01-10 12:00:00+00"])
  }

  @Test("Dates and timestamps are compared as such")
  func otherKinds() async throws {
    for (type, kind) in [("date", DaySpan.Kind.date), ("timestamp(3)", .wallClock)] {
      let (table, found) = try await facts(
        """
        CREATE TABLE events.clicks (id int, at \(type)) PARTITION BY RANGE (at);
        CREATE TABLE events.m PARTITION OF events.clicks FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
        """, try Self.day(kind))
      #expect(table.kind == kind)
      #expect(found.isCovered)
    }
  }

  @Test("A foreign partition and one whose detach is pending are told")
  func foreignAndDetaching() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE EXTENSION file_fdw;
      CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
      CREATE TABLE events.clicks (id int, at timestamptz) PARTITION BY RANGE (at);
      CREATE TABLE events.d PARTITION OF events.clicks FOR VALUES FROM ('2024-01-10+00') TO ('2024-01-10 12:00+00');
      CREATE FOREIGN TABLE events.f PARTITION OF events.clicks FOR VALUES FROM ('2024-01-10 12:00+00') TO ('2024-01-11+00')
        SERVER files OPTIONS (filename '/nowhere');
      """)
    let holder = try await fixture.otherSession()
    // A detach that is waiting for a reader, and is ended, stays pending.
    try await holder.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try await holder.query("SELECT FROM events.d")
    let detaching = try await fixture.otherSession("detaching")
    let detach = Task { try await detaching.query("ALTER TABLE events.clicks DETACH PARTITION events.d CONCURRENTLY") }
    try await fixture.waitUntilBlocked()
    try await fixture.psql(
      "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'detaching' AND datname = '\(fixture.database)'"
    )
    _ = await detach.result
    try await holder.query("COMMIT")
    let facts = try await TableFacts.read(Self.clicks, for: .write, on: holder)
    let found = try await #require(facts.partitions).partitions(in: Self.day(), on: holder)
    #expect(found.detaching.map(\.table.name) == ["d"])
    #expect(found.gaps.map(\.end) == ["2024-01-10 12:00:00+00"])
    #expect(found.partitions.compactMap(\.foreignPart) == ["events.f"])
    await holder.close()
    await detaching.close()
    await fixture.pools.close()
  }

  @Test("A table that is partitioned otherwise, or not at all, has no such facts")
  func others() async throws {
    for (definition, part) in [
      ("PARTITION BY LIST (id)", ""), ("PARTITION BY RANGE (id)", ""), ("PARTITION BY RANGE (at, id)", ""), ("", ""),
    ] {
      let fixture = try await Fixture(
        "CREATE SCHEMA events; CREATE TABLE events.clicks (id text, at timestamptz) \(definition); \(part)")
      let connection = try await fixture.otherSession()
      #expect(try await TableFacts.read(Self.clicks, for: .write, on: connection).partitions == nil)
      await connection.close()
      await fixture.pools.close()
    }
  }
}
