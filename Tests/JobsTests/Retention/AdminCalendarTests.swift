import Foundation
import TestSupport
import Testing

@Suite("Days and chunks that do not end together")
struct AdminCalendarTests {
  /// A partitioned table or hypertable whose units begin at `bounds`, with a row an hour, and its days by `clock`.
  static func table(
    _ database: RetentionDatabase, _ name: String, bounds: [String], clock: String, whole: Bool = true,
    type: String = "timestamptz"
  ) async throws -> [String] {
    let parts = zip(bounds, bounds.dropFirst()).enumerated().map { index, range in
      "CREATE TABLE events.\(name)_\(index) PARTITION OF events.\(name) FOR VALUES FROM ('\(range.0)') TO ('\(range.1)');"
    }
    try await database.psql(
      """
      SET timezone = 'UTC'; SET ROLE \(database.owner);
      CREATE TABLE events.\(name) (at \(type) NOT NULL, device int) PARTITION BY RANGE (at); \(parts.joined())
      INSERT INTO events.\(name) SELECT t, 1 FROM generate_series('\(bounds[0])'::\(type)::timestamp, '\(bounds.last ?? "")'::\(type)::timestamp - interval '1 hour', '1 hour') t;
      """)
    try await database.psql(
      as: database.other,
      "SELECT admin.set_policy('events.\(name)', '30 days', p_clock => '\(clock)', p_whole_days => \(whole))")
    try await database.settle()
    let zone = type == "timestamptz" ? "AT TIME ZONE '\(clock)'" : ""
    try await database.psql(
      """
      SET timezone = 'UTC';
      INSERT INTO admin.archived_day
      SELECT 'events', '\(name)', d, 'at', s::text, e::text, (SELECT count(*) FROM events.\(name) t WHERE t.at >= s AND t.at < e), 'hash',
        'sha-' || d, 'path', now(), pg_snapshot_xmin(pg_current_snapshot()), 'events.\(name)'::regclass
      FROM (
        SELECT g::date AS d, (g \(zone))::\(type) AS s, ((g + interval '1 day') \(zone))::\(type) AS e
        FROM generate_series(('\(bounds[0])'::\(type) \(zone))::date::timestamp, '\(bounds.last ?? "")'::timestamp, '1 day') g) AS days
      """)
    return (0..<parts.count).map { "'events.\(name)_\($0)'::regclass" }
  }

  static let hour = (0...24).map { "2024-01-0\($0 < 24 ? 4 : 5) \($0 % 24):00+00" }
  static let dayAndHalf = ["2024-01-04 00:00+00", "2024-01-05 12:00+00", "2024-01-07 00:00+00"]

  @Test("Units of an hour and of 36 hours cut a day and stay", arguments: [hour, dayAndHalf])
  func cut(bounds: [String]) async throws {
    let database = try await RetentionDatabase.shared
    let name = "cut_\(bounds.count)"
    let units = try await Self.table(database, name, bounds: bounds, clock: "UTC")
    for unit in units.prefix(3) { #expect(try await database.drop(name, unit).hasPrefix("kept|day_not_whole|")) }
    try await database.psql("UPDATE admin.retention_policy SET require_archive = false WHERE table_name = '\(name)'")
    #expect(try await database.drop(name, units[0]).hasPrefix("dropped|"))
  }

  @Test(
    "If the policy allows it, the parts of a day go one after the other, each accounted for by the log",
    arguments: [hour, dayAndHalf], [true, false])
  func parts(bounds: [String], proven: Bool) async throws {
    let database = try await RetentionDatabase.shared
    let name = "parts_\(bounds.count)_\(proven)"
    let units = try await Self.table(database, name, bounds: bounds, clock: "UTC", whole: false)
    let since = proven ? try await database.since(name) : nil
    #expect(try await database.drop(name, units[0], since: since).hasPrefix("dropped|-|"))
    // A late row in the rest of the day that was begun.
    let late = "device = 9"
    try await database.psql("INSERT INTO events.\(name) VALUES (timestamptz '\(bounds[1])' + interval '30 min', 9)")
    #expect(try await database.drop(name, units[1], since: since).hasPrefix("kept|late_rows|"))
    try await database.psql("DELETE FROM events.\(name) WHERE \(late)")
    #expect(try await database.drop(name, units[1], since: since).hasPrefix("dropped|-|"))
    #expect(try await database.count(name) == (units.count > 2 ? 22 : 0))
    guard units.count > 2 else { return }
    // A row of another part of the day is gone.
    try await database.psql("DELETE FROM events.\(name) WHERE at >= '\(bounds[5])' AND at < '\(bounds[6])'")
    #expect(try await database.drop(name, units[2], since: since).hasPrefix("kept|day_not_whole|"))
  }

  @Test("Days of 23 and 25 hours are whole", arguments: ["2024-03-31", "2023-10-29"])
  func daylightSaving(day: String) async throws {
    let database = try await RetentionDatabase.shared
    let name = "dst_\(day.prefix(4))"
    let isShort = day.hasPrefix("2024")
    let next = isShort ? "2024-04-01" : "2023-10-30"
    let bounds = ["\(day) 00:00 Europe/Berlin", "\(next) 00:00 Europe/Berlin"]
    let units = try await Self.table(database, name, bounds: bounds, clock: "Europe/Berlin")
    #expect(try await database.drop(name, units[0]) == "dropped|-|\(isShort ? 23 : 25)")
    // By UTC the same unit cuts two days.
    let other = try await Self.table(database, name + "_utc", bounds: bounds, clock: "UTC")
    #expect(try await database.drop(name + "_utc", other[0]).hasPrefix("kept|day_not_whole|"))
  }

  @Test("Columns without a zone have the days that they show", arguments: ["timestamp", "date"])
  func zoneless(type: String) async throws {
    let database = try await RetentionDatabase.shared
    let units = try await Self.table(
      database, "zoneless_\(type)", bounds: ["2024-01-04", "2024-01-05", "2024-01-06"], clock: "Asia/Tokyo", type: type)
    #expect(try await database.drop("zoneless_\(type)", units[0]) == "dropped|-|24")
  }

  @Test("Of a wall clock a day is over when it is over there")
  func wallClock() async throws {
    let database = try await RetentionDatabase.shared
    let bounds = try await database.psql(
      "SELECT ((now() AT TIME ZONE 'UTC')::date - 31) || ',' || ((now() AT TIME ZONE 'UTC')::date - 30)"
    ).split(separator: ",").map(String.init)
    let units = try await Self.table(database, "clock", bounds: bounds, clock: "UTC", type: "timestamp")
    #expect(try await database.drop("clock", units[0], dryRun: true).hasPrefix("droppable|"))
    // A day there lasts twelve hours longer: it is kept for as much longer.
    try await database.psql(
      "UPDATE admin.retention_policy SET clock = 'Etc/GMT+12', keep = (now() - ('\(bounds[1])'::timestamp AT TIME ZONE 'UTC')) - interval '1 minute' "
        + "WHERE table_name = 'clock'")
    #expect(try await database.drop("clock", units[0], dryRun: true).hasPrefix("kept|too_young|"))
  }

  @Test("Integers have the days that their archives have; without one nothing tells their age")
  func integers() async throws {
    let database = try await RetentionDatabase.shared
    try await database.psql(
      """
      SET ROLE \(database.owner); CREATE TABLE events.ints (at bigint NOT NULL) PARTITION BY RANGE (at);
      CREATE TABLE events.ints_0 PARTITION OF events.ints FOR VALUES FROM (1704326400000) TO (1704412800000);
      INSERT INTO events.ints SELECT 1704326400000 + i * 1000 FROM generate_series(0, 99) i;
      """)
    try await database.psql(as: database.other, "SELECT admin.set_policy('events.ints', '30 days')")
    #expect(try await database.drop("ints", "'events.ints_0'::regclass").hasPrefix("kept|no_archive|"))
    try await database.psql(
      "INSERT INTO admin.archived_day VALUES ('events', 'ints', '2024-01-04', 'at', '1704326400000', '1704412800000', 100, 'h', 's', 'p', now(), NULL, 'events.ints'::regclass)"
    )
    #expect(
      try await database.psql(
        as: database.caller, "SELECT outcome FROM admin.drop_chunks_older_than('events.ints', '90 days')") == "refused")
    #expect(try await database.drop("ints", "'events.ints_0'::regclass") == "dropped|-|100")
  }
}
