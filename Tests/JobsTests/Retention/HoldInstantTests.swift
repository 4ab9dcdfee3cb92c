import Essentials
import Foundation
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("The instants that a hold is compared with")
struct HoldInstantTests {
  @Test("Days of integers count from 14 hours before to 14 hours after, for holds and for their age")
  func integers() async throws {
    let database = try await RetentionDatabase.shared
    // A day of Berlin; the policy has UTC.
    try await database.psql(
      """
      SET ROLE \(database.owner); CREATE TABLE events.berlin (at bigint NOT NULL) PARTITION BY RANGE (at);
      CREATE TABLE events.berlin_0 PARTITION OF events.berlin FOR VALUES FROM (1704063600) TO (1704150000);
      INSERT INTO events.berlin SELECT 1704063600 + i FROM generate_series(0, 99) i;
      """)
    try await database.psql(as: database.other, "SELECT admin.set_policy('events.berlin', '30 days')")
    try await database.psql(
      "INSERT INTO admin.archived_day VALUES ('events', 'berlin', '2024-01-01', 'at', '1704063600', '1704150000', 100, 'h', 's', 'p', now(), NULL, 'events.berlin'::regclass)"
    )
    let unit = "'events.berlin_0'::regclass"
    #expect(try await database.drop("berlin", unit, dryRun: true).hasPrefix("droppable|"))
    try await database.psql(
      as: database.other,
      "SELECT admin.place_hold('events.berlin', 'law suit', NULL, '2023-12-31 23:00Z', '2023-12-31 23:59Z')")
    #expect(try await database.drop("berlin", unit).hasPrefix("kept|on_hold|"))
    try await database.psql("DELETE FROM admin.hold WHERE table_name = 'berlin'")
    // The day may end as late as at 14:00Z of the next one.
    func keep(_ instant: String, minimum: Bool) async throws -> String {
      try await database.psql(
        "UPDATE admin.retention_policy SET keep = '30 days', minimum_age = '7 days' WHERE table_name = 'berlin'; "
          + "UPDATE admin.retention_policy SET keep = now() - timestamptz '\(instant)'"
          + "\(minimum ? ", minimum_age = now() - timestamptz '\(instant)'" : "") WHERE table_name = 'berlin'")
      return try await database.psql(
        as: database.caller,
        "SELECT count(*) FROM admin.retention_units('events.berlin'); \(database.dropping("berlin", unit, dryRun: true))"
      )
    }
    for minimum in [false, true] {
      #expect(try await keep("2024-01-02 13:59Z", minimum: minimum) == "0\nkept|too_young|-1")
      #expect(try await keep("2024-01-02 14:01Z", minimum: minimum) == "1\ndroppable|-|100")
    }
  }

  @Test("The caller's abbreviations of time zones do not move a hold")
  func abbreviations() async throws {
    let database = try await RetentionDatabase.shared
    try await database.psql(
      """
      SET ROLE \(database.owner); CREATE TABLE events.est (at timestamp NOT NULL) PARTITION BY RANGE (at);
      CREATE TABLE events.est_0 PARTITION OF events.est FOR VALUES FROM ('2024-01-01') TO ('2024-01-02');
      """)
    try await database.psql(
      as: database.other,
      "SELECT admin.set_policy('events.est', '30 days', p_clock => 'EST', p_require_archive => false) \\g /dev/null\n"
        + "SELECT admin.place_hold('events.est', 'law suit', NULL, '2024-01-01 20:00-05', '2024-01-02 00:00-05')")
    for abbreviations in ["Default", "Australia"] {
      #expect(
        try await database.psql(
          as: database.caller,
          "SET timezone_abbreviations = '\(abbreviations)'; \(database.dropping("est", "'events.est_0'::regclass", dryRun: true))"
        ).hasPrefix("kept|on_hold|"), "\(abbreviations)")
    }
    // Of all that others may call.
    #expect(
      try await database.psql(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'admin'::regnamespace AND prosecdef "
          + "AND (has_function_privilege('\(database.caller)', oid, 'EXECUTE') OR has_function_privilege('\(database.other)', oid, 'EXECUTE')) "
          + "AND NOT proconfig @> ARRAY['TimeZone=UTC', 'timezone_abbreviations=Default']") == "")
  }

  @Test(
    "The caller's settings hide no compressed rows", .enabled(if: PostgresServer.hasTimescale),
    arguments: ["enable_optimizations", "enable_transparent_decompression"])
  func settings(name: String) async throws {
    let database = try await RetentionDatabase.shared
    let table = "hiding_\(name)"
    try await database.makeTable(table, .compressedDays)
    let unit = try await database.firstUnit(table, .compressedDays)
    let drop = database.dropping(table, unit, dryRun: true)
    #expect(
      try await database.psql(as: database.caller, "SET timescaledb.\(name) = off; \(drop)") == "droppable|-|24")
  }

  /// A site with a table whose archives are past their keep time while its rows are not.
  private func site(_ type: String, clock: String) async throws -> RetentionSite {
    let site = try await RetentionSite(RetentionDatabase(timescale: false))
    try await site.base.psql(
      """
      SET timezone = 'UTC'; SET ROLE \(site.base.owner);
      CREATE TABLE events.tk (at \(type) NOT NULL, device int);
      INSERT INTO events.tk SELECT t, 1 FROM generate_series('2024-01-04'::timestamp, '2024-01-08 23:00', '1 hour') t;
      GRANT SELECT ON events.tk TO \(site.base.caller);
      """)
    try await site.base.psql(
      as: site.base.other,
      "SELECT admin.set_policy('events.tk', '9000 days', p_clock => '\(clock)', p_time_column => 'at', p_keep_archives => '20 days')"
    )
    return site
  }

  @Test("An archive stays that a hold touches by the clock of the policy, where the column has no zone")
  func clock() async throws {
    let site = try await site("timestamp", clock: "Asia/Tokyo")
    try await site.archive("tk", from: "2024-01-04", to: "2024-01-08")
    try await site.base.psql(
      as: site.base.other,
      "SELECT admin.place_hold('events.tk', 'law suit', NULL, '2024-01-06 01:00+09', '2024-01-06 05:00+09')")
    #expect(
      try await site.base.psql(
        as: site.base.caller, "SELECT reason FROM admin.delete_rows('events.tk', '2024-01-06', NULL, true)")
        == "on_hold")
    let results = try await ArchiveRetention(site.job).run(dryRun: true)
    // The manifest has the instants by BACKUP_TIMEZONE, those of the day before.
    #expect(results.map { $0.reason ?? "" } == ["", "on_hold", "on_hold", "", ""])
  }

  @Test("An archive stays that a hold touches by its own span, whatever BACKUP_TIMEZONE is by now")
  func otherZone() async throws {
    let site = try await site("timestamptz", clock: "UTC")
    var options = site.settings.backup
    options.timeZone = try #require(TimeZone(ianaName: "Asia/Tokyo"))
    let backup = BackupJob(site.context, options)
    let request = #"{"table": "events.tk:at", "from": "2024-01-05", "to": "2024-01-08"}"#
    let report = try await backup.run(backup.plan(BackupRequest(JSONValue(json: Data(request.utf8)))))
    #expect(report.status == .ok, "\(report.results.compactMap(\.error))")
    try await site.base.psql(
      as: site.base.other,
      "SELECT admin.place_hold('events.tk', 'law suit', NULL, '2024-01-06 01:00+09', '2024-01-06 05:00+09')")
    let results = try await ArchiveRetention(site.job).run(dryRun: true)
    #expect(results.map { $0.reason ?? "" } == ["on_hold", "on_hold", "", ""])
  }

  @Test(
    "Holds on partitions and on the tables above are listed with the plan, and keep archives, also of a table that was renamed"
  )
  func listed() async throws {
    let site = try await RetentionSite(RetentionDatabase(timescale: false))
    try await site.makeTable("tree", .partitions)
    try await site.base.psql(
      as: site.base.other,
      """
      SELECT admin.set_policy('events.tree', '9000 days', p_keep_archives => '20 days');
      SELECT admin.place_hold('events.tree_1', 'law suit', NULL, '2024-01-12Z', '2024-01-13Z');
      """)
    try await site.makeTable("other", .plain)
    try await site.base.psql(as: site.base.other, "SELECT admin.place_hold('events.other', 'not of it')")
    let report = try await site.run("tree", dryRun: true)
    #expect(report.holds.map { "\($0.table) \($0.reason)" } == ["events.tree_1 law suit"])
    let kept = report.archives.filter { $0.reason == "on_hold" }
    #expect(kept.map { "\($0.date)" } == ["2024-01-12"])
    #expect(report.archives.count == 14)
    try await site.base.psql("ALTER TABLE events.tree_1 RENAME TO tree_renamed")
    let renamed = try await site.run("tree", dryRun: true)
    #expect(renamed.holds.map { "\($0.table)" } == ["events.tree_renamed"])
    #expect(renamed.archives.filter { $0.reason == "on_hold" }.count == 1)
    // A restore's hold of the table, under the name that it had.
    try await site.base.psql(
      "INSERT INTO sluice.hold VALUES ('load', 'events', 'was', 'timestamp with time zone', '2024-01-04 00:00:00+00', "
        + "'2024-01-04 01:00:00+00', now() + interval '1 day', '{}', now(), NULL, 'events.tree'::regclass)")
    #expect(try await site.run("tree", dryRun: true).archives.allSatisfy { $0.reason == "on_hold" })
  }
}
