import Foundation
import TestSupport
import Testing

/// A state of the table in which its first unit stays.
enum Obstacle: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case noArchive, notVerified, lateRow, fewerRows, update, deleteAndInsert, hold, holdOnRange, policyHold, tooYoung
  case belowMinimumAge, referenced, noPolicy, disabled, dayNotWhole, aggregate, staleAggregate, recompressed,
    decompressed
  case newColumn, frozenUpdate, rewrittenUpdate, restoredHold

  var testDescription: String { rawValue }

  var verdict: String {
    switch self {
    case .noArchive: "kept|no_archive"
    case .notVerified: "kept|not_verified"
    case .lateRow: "kept|late_rows"
    case .fewerRows: "kept|fewer_rows"
    case .update, .deleteAndInsert, .recompressed, .decompressed, .newColumn, .frozenUpdate, .rewrittenUpdate:
      "kept|changed_rows"
    case .hold, .holdOnRange, .policyHold, .restoredHold: "kept|on_hold"
    case .tooYoung, .belowMinimumAge: "kept|too_young"
    case .referenced: "kept|referenced"
    case .noPolicy, .disabled: "refused|no_policy"
    case .dayNotWhole: "kept|day_not_whole"
    case .aggregate, .staleAggregate: "kept|needed_by_aggregate"
    }
  }

  func applies(to kind: RetentionDatabase.Kind) -> Bool {
    switch self {
    case .aggregate, .staleAggregate: kind.isHypertable
    case .recompressed: kind.isHypertable && kind != .dayChunks && kind != .weekChunks
    case .decompressed: kind == .compressedDays || kind == .compressedWeeks
    case .dayNotWhole: kind != .plain
    default: true
    }
  }

  /// What brings the state about.
  func sql(_ table: String, owner: String) -> String {
    let row = "at = '2024-01-04 03:00+00'"
    let chunk = "(SELECT c FROM tool.show_chunks('events.\(table)') c LIMIT 1)"
    return switch self {
    case .noArchive: "DELETE FROM admin.archived_day WHERE table_name = '\(table)' AND day = '2024-01-04'"
    case .notVerified: "UPDATE admin.archived_day SET verified_at = NULL WHERE table_name = '\(table)'"
    case .lateRow: "INSERT INTO events.\(table) VALUES ('2024-01-04 12:30+00', 9, 9)"
    case .fewerRows: "DELETE FROM events.\(table) WHERE \(row)"
    case .update: "UPDATE events.\(table) SET value = 7 WHERE \(row)"
    case .deleteAndInsert:
      "DELETE FROM events.\(table) WHERE \(row); INSERT INTO events.\(table) VALUES ('2024-01-04 03:00+00', 1, 7)"
    case .hold: "SELECT admin.place_hold('events.\(table)', 'law suit')"
    case .holdOnRange:
      "SELECT admin.place_hold('events.\(table)', 'law suit', NULL, '2024-01-04 23:59+00', '2024-01-04 23:59:30+00')"
    case .policyHold:
      "UPDATE admin.retention_policy SET hold_until = now() + interval '1 day', hold_reason = 'audit' WHERE table_name = '\(table)'"
    case .tooYoung: "UPDATE admin.retention_policy SET keep = '100 years' WHERE table_name = '\(table)'"
    case .belowMinimumAge:
      "UPDATE admin.retention_policy SET keep = '100 years', minimum_age = '99 years' WHERE table_name = '\(table)'"
    case .referenced:
      "SET ROLE \(owner); CREATE TABLE events.\(table)_ref (at timestamptz, device int, FOREIGN KEY (at, device) REFERENCES events.\(table) (at, device))"
    case .noPolicy: "SELECT admin.remove_policy('events', '\(table)')"
    case .disabled: "UPDATE admin.retention_policy SET enabled = false WHERE table_name = '\(table)'"
    case .dayNotWhole:
      "UPDATE admin.archived_day SET span_start = '2024-01-03 22:00+00' WHERE table_name = '\(table)' AND day = '2024-01-04'"
    case .aggregate: Self.aggregate(table, owner)
    case .staleAggregate:
      Self.aggregate(table, owner) + """
        RESET ROLE;
        CALL tool.refresh_continuous_aggregate('events.\(table)_sum', NULL, NULL);
        UPDATE events.\(table) SET value = 7 WHERE \(row);
        """
    case .recompressed:
      "SELECT tool.decompress_chunk(\(chunk)); SELECT tool.compress_chunk(\(chunk))"
    case .decompressed: "SELECT tool.decompress_chunk(\(chunk))"
    // Freezing and rewriting keep the xmin that tells of the change.
    case .frozenUpdate: "UPDATE events.\(table) SET value = 7 WHERE \(row); VACUUM FREEZE events.\(table)"
    case .rewrittenUpdate: "UPDATE events.\(table) SET value = 7 WHERE \(row); VACUUM (FULL, FREEZE) events.\(table)"
    case .restoredHold:
      "INSERT INTO sluice.hold VALUES ('load-\(table)', 'events', '\(table)', 'timestamp with time zone', '2024-01-04 00:00:00+00', "
        + "'2024-01-04 01:00:00+00', now() + interval '1 day', '{}', now(), NULL, 'events.\(table)'::regclass)"
    case .newColumn: "ALTER TABLE events.\(table) ADD COLUMN extra int DEFAULT 5"
    }
  }

  static func aggregate(_ table: String, _ owner: String) -> String {
    """
    SET ROLE \(owner);
    CREATE MATERIALIZED VIEW events.\(table)_sum WITH (timescaledb.continuous) AS
      SELECT tool.time_bucket('1 day', at) AS bucket, sum(value) FROM events.\(table) GROUP BY 1 WITH NO DATA;
    """
  }
}

@Suite("What the database drops by itself")
struct AdminVerdictTests {
  static let obstacles = RetentionDatabase.Kind.all.flatMap { kind in
    Obstacle.allCases.filter { $0.applies(to: kind) }.map { (kind, $0) }
  }

  @Test("A unit stays and says why, and the log has it", arguments: obstacles)
  func stays(kind: RetentionDatabase.Kind, obstacle: Obstacle) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_\(obstacle.rawValue)".lowercased()
    try await database.makeTable(table, kind)
    let unit = try await database.firstUnit(table, kind)
    let since = try await database.since(table)
    try await database.psql(
      // With a bitmap scan a DELETE misses rows that it has decompressed itself.
      "SET enable_bitmapscan = off; \(obstacle.sql(table, owner: database.owner))")
    let before = try await database.count(table)
    #expect(try await database.drop(table, unit, since: since, dryRun: true).hasPrefix(obstacle.verdict + "|"))
    #expect(try await database.drop(table, unit, since: since).hasPrefix(obstacle.verdict + "|"))
    #expect(try await database.count(table) == before)
    #expect(
      try await database.psql(
        "SELECT concat_ws('|', outcome, reason) FROM admin.chunk_maintenance_log WHERE table_name = '\(table)' AND action LIKE 'd%'"
      )
        == obstacle.verdict)
  }

  @Test(
    "What is proven goes, with its rows alone, and the log names its archives", arguments: RetentionDatabase.Kind.all)
  func goes(kind: RetentionDatabase.Kind) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_goes".lowercased()
    try await database.makeTable(table, kind)
    let unit = try await database.firstUnit(table, kind)
    let since = try await database.since(table)
    let before = try await database.count(table)
    let rows = kind.rows + (kind == .partialDays ? 1 : kind == .partialWeeks ? 7 : 0)
    #expect(try await database.drop(table, unit, since: since, dryRun: true) == "droppable|-|\(rows)")
    #expect(try await database.count(table) == before)
    #expect(try await database.drop(table, unit, since: since) == "dropped|-|\(rows)")
    #expect(try await database.count(table) == before - rows)
    let first = try await database.psql("SELECT min(at) AT TIME ZONE 'UTC' FROM events.\(table)")
    #expect(first == (kind.isWeekly ? "2024-01-11 00:00:00" : "2024-01-05 00:00:00"))
    let log = try await database.psql(
      """
      SELECT concat_ws('|', caller, as_role, outcome, rows, range_start, archives -> 0 ->> 'sha256', archives -> 0 ->> 'path',
        jsonb_array_length(archives))
      FROM admin.chunk_maintenance_log WHERE table_name = '\(table)' AND action LIKE 'd%'
      """)
    #expect(
      log
        == "\(database.caller)|\(database.owner)|dropped|\(rows)|2024-01-04 00:00:00+00|sha-2024-01-04|path-2024-01-04|"
        + (kind.isWeekly ? "7" : "1"))
  }

  @Test("What does not change rows does not keep a unit", arguments: RetentionDatabase.Kind.all)
  func untouched(kind: RetentionDatabase.Kind) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_untouched".lowercased()
    try await database.makeTable(table, kind)
    let unit = try await database.firstUnit(table, kind)
    let since = try await database.since(table)
    try await database.psql(
      "VACUUM FREEZE events.\(table); VACUUM FULL events.\(table); ANALYZE events.\(table); "
        + "CREATE INDEX ON events.\(table) (value); UPDATE events.\(table) SET value = 1 WHERE at = '2024-01-12 00:00+00'"
    )
    #expect(try await database.drop(table, unit, since: since).hasPrefix("dropped|-|"))
  }

  @Test("Without archives a unit goes if the policy does not ask for them", arguments: RetentionDatabase.Kind.all)
  func withoutArchives(kind: RetentionDatabase.Kind) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_unproven".lowercased()
    try await database.makeTable(table, kind)
    let unit = try await database.firstUnit(table, kind)
    try await database.psql(
      "UPDATE admin.retention_policy SET require_archive = false WHERE table_name = '\(table)'; "
        + "DELETE FROM admin.archived_day WHERE table_name = '\(table)'")
    #expect(try await database.drop(table, unit).hasPrefix("dropped|-|"))
  }

  @Test("A moment that not all transactions have reached is no proof")
  func future() async throws {
    let database = try await RetentionDatabase.shared
    try await database.makeTable("future", .plain)
    let ahead = try await database.psql("SELECT pg_current_xact_id()::text::int8 + 1000")
    #expect(try await database.drop("future", nil, since: ahead) == "refused|bad_since|24")
    try await database.makeTable("future_p", .partitions)
    let unit = try await database.firstUnit("future_p", .partitions)
    #expect(try await database.drop("future_p", unit, since: ahead) == "refused|bad_since|168")
  }

  @Test(
    "Under REPEATABLE READ, in which late rows are not seen, nothing is dropped",
    arguments: RetentionDatabase.Kind.native)
  func isolation(kind: RetentionDatabase.Kind) async throws {
    let database = try await RetentionDatabase.shared
    let table = "\(kind.rawValue)_isolation"
    try await database.makeTable(table, kind)
    let unit = try await database.firstUnit(table, kind)
    let answer = try await database.psql(
      as: database.caller, "BEGIN ISOLATION LEVEL REPEATABLE READ; \(database.dropping(table, unit)); COMMIT")
    #expect(answer == "refused|isolation|-1")
  }

  @Test("A partition that was swapped for another one with as many old rows is noticed")
  func swappedPartition() async throws {
    let database = try await RetentionDatabase.shared
    try await database.makeTable("swapped", .partitions)
    try await database.psql(
      "SET ROLE \(database.owner); CREATE TABLE events.stranger (LIKE events.swapped); INSERT INTO events.stranger SELECT at, 1, 99 FROM events.swapped_0"
    )
    try await database.prove("swapped")
    let since = try await database.since("swapped")
    try await database.psql(
      "SET ROLE \(database.owner); ALTER TABLE events.swapped DETACH PARTITION events.swapped_0; ALTER TABLE events.swapped "
        + "ATTACH PARTITION events.stranger FOR VALUES FROM ('2024-01-04 00:00+00') TO ('2024-01-11 00:00+00')")
    let unit = try await database.psql("SELECT 'events.stranger'::regclass::oid")
    #expect(try await database.drop("swapped", unit, since: since).hasPrefix("kept|changed_rows|"))
  }
}
