import Essentials
import Foundation
import Postgres
import Reporting
import TestSupport
import Testing

@testable import Jobs

/// Backups of tables that are partitioned by PostgreSQL itself.
@Suite("Backups of native partitions")
struct PartitionBackupTests {
  /// Days in partitions of a month, of which January is partitioned by days.
  static let nested = """
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at timestamptz NOT NULL) PARTITION BY RANGE (at);
    CREATE TABLE events.january PARTITION OF events.clicks
      FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-02-01 00:00+00') PARTITION BY RANGE (at);
    CREATE TABLE events.day1 PARTITION OF events.january FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-01-02 00:00+00');
    CREATE TABLE events.day2 PARTITION OF events.january FOR VALUES FROM ('2024-01-02 00:00+00') TO ('2024-01-03 00:00+00');
    INSERT INTO events.clicks SELECT i, '2024-01-01 10:00+00' FROM generate_series(1, 3) i;
    INSERT INTO events.clicks SELECT i, '2024-01-02 10:00+00' FROM generate_series(1, 5) i;
    """
  static func day(_ day: String, _ more: String = "") -> String {
    "\"table\": \"events.clicks\", \"date\": \"\(day)\"\(more)"
  }

  @Test("A day without a partition is skipped, and told as dropped beside its archive; a default partition covers it")
  func dropped() async throws {
    let fixture = try await Fixture(Self.nested)
    #expect(try await fixture.backupOne(Self.day("2024-01-01")).rows == 3)
    let never = try await fixture.backupOne(Self.day("2024-01-05", ", \"empty\": \"archive\""))
    #expect(never.status == .skipped && never.skipped == "no partition" && never.dropped == nil)
    try await fixture.psql("DROP TABLE events.day1")
    let force = ", \"overwrite\": true, \"force\": true, \"empty\": \"archive\""
    for more in ["", force] {
      let result = try await fixture.backupOne(Self.day("2024-01-01", more))
      #expect(result.dropped == true && result.rows == 3, "\(result)")
      #expect(result.skipped == (more.isEmpty ? "exists" : "no partition"))
    }
    try await fixture.psql("CREATE TABLE events.rest PARTITION OF events.january DEFAULT")
    let covered = try await fixture.backupOne(Self.day("2024-01-05", ", \"empty\": \"archive\""))
    #expect(covered.status == .ok && covered.empty == true)
  }

  @Test(
    "A backup is refused when a detach begins while it waits, also of a partition of a partition",
    arguments: [true, false])
  func detach(isLong: Bool) async throws {
    let fixture = try await Fixture(Self.nested)
    // The backup waits for this session, and so does the detach, which has hidden the rows by then.
    let other = try await fixture.otherSession("other")
    try await other.query("BEGIN")
    try await other.query("LOCK TABLE ONLY events.day1 IN ACCESS EXCLUSIVE MODE")
    let reader = try await fixture.otherSession("reader")
    try await reader.query("BEGIN")
    try await reader.query("SELECT FROM ONLY events.january")
    let backup = Task { try await fixture.backupOne(Self.day("2024-01-01")) }
    try await fixture.waitUntilBlocked()
    if isLong {
      try await eventually {
        try await fixture.psql(
          "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(fixture.database)' AND wait_event_type = 'Lock' "
            + "AND query LIKE 'SELECT FROM%'") == "1"
      }
    }
    let detaching = try await fixture.otherSession("detaching")
    try await detaching.query("SET statement_timeout = '300ms'")
    await #expect(throws: (any Error).self) {
      try await detaching.query("ALTER TABLE events.january DETACH PARTITION events.day2 CONCURRENTLY")
    }
    try await other.query("COMMIT")
    let result = try await backup.value
    #expect(result.error?.code == .detachPending, "\(result)")
    #expect(fixture.files == [])
    for session in [other, reader, detaching] { await session.close() }
  }
}
