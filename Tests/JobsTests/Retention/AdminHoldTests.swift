import Foundation
import Postgres
import TestSupport
import Testing

@Suite("What a hold keeps")
struct AdminHoldTests {
  private func hold(_ database: RetentionDatabase, _ relation: String, _ more: String = "") async throws {
    try await database.psql(
      as: database.other, "SELECT admin.place_hold('events.\(relation)', 'law suit'\(more)) \\g /dev/null\n")
  }

  @Test("A hold on a partition keeps that one; one on a partitioned table keeps all that is below it")
  func partitions() async throws {
    let database = try await RetentionDatabase.shared
    try await database.makeTable("held_part", .partitions)
    try await hold(database, "held_part_0")
    #expect(try await database.drop("held_part", "'events.held_part_0'::regclass").hasPrefix("kept|on_hold|"))
    #expect(try await database.drop("held_part", "'events.held_part_1'::regclass").hasPrefix("dropped|"))

    try await database.makeTable("held_mid", .partitions)
    try await database.psql(
      """
      SET timezone = 'UTC'; SET ROLE \(database.owner);
      CREATE TABLE events.held_root (LIKE events.held_mid) PARTITION BY RANGE (at);
      ALTER TABLE events.held_root ATTACH PARTITION events.held_mid FOR VALUES FROM ('2024-01-01') TO ('2024-02-01')
      """)
    try await hold(database, "held_root", ", p_start => '2024-01-12', p_end => '2024-01-13'")
    #expect(try await database.drop("held_mid", "'events.held_mid_0'::regclass").hasPrefix("dropped|"))
    #expect(try await database.drop("held_mid", "'events.held_mid_1'::regclass").hasPrefix("kept|on_hold|"))
  }

  @Test("A hold on a partition of the unit keeps it, also after it was renamed")
  func leaf() async throws {
    let database = try await RetentionDatabase.shared
    try await database.psql(
      """
      SET timezone = 'UTC'; SET ROLE \(database.owner);
      CREATE TABLE events.held_deep (at timestamptz NOT NULL, device int) PARTITION BY RANGE (at);
      CREATE TABLE events.held_deep_0 PARTITION OF events.held_deep FOR VALUES FROM ('2024-01-01') TO ('2024-02-01') PARTITION BY LIST (device);
      CREATE TABLE events.held_leaf PARTITION OF events.held_deep_0 DEFAULT
      """)
    try await database.psql(
      as: database.other, "SELECT admin.set_policy('events.held_deep', '30 days', p_require_archive => false)")
    let unit = "'events.held_deep_0'::regclass"
    #expect(try await database.drop("held_deep", unit, dryRun: true).hasPrefix("droppable|"))
    try await hold(database, "held_leaf")
    try await database.psql("ALTER TABLE events.held_leaf RENAME TO held_leaf_other")
    #expect(try await database.drop("held_deep", unit).hasPrefix("kept|on_hold|"))
  }

  @Test("A hold goes with a table that is renamed, and stays with one that is made anew", arguments: [true, false])
  func renamed(isEarlier: Bool) async throws {
    let database = try await RetentionDatabase(timescale: false)
    try await database.makeTable("before", .partitions)
    try await hold(database, "before")
    if isEarlier {
      // As an earlier version has left it.
      try await database.psql("ALTER TABLE admin.hold DROP COLUMN table_oid")
      try await database.apply()
    }
    try await database.psql("ALTER TABLE events.before RENAME TO after")
    try await database.psql(as: database.other, "SELECT admin.set_policy('events.after', '30 days') \\g /dev/null\n")
    try await database.psql("UPDATE admin.archived_day SET table_name = 'after'")
    #expect(try await database.drop("after", "'events.before_0'::regclass").hasPrefix("kept|on_hold|"))
    try await database.makeTable("before2", .partitions)
    try await database.psql(
      "UPDATE admin.hold SET table_oid = 1; DROP TABLE events.after; ALTER TABLE events.before2 RENAME TO after; "
        + "DELETE FROM admin.archived_day WHERE table_name = 'after'; UPDATE admin.archived_day SET table_name = 'after' WHERE table_name = 'before2'"
    )
    // In a copy of the database OIDs are others; the hold has the name that its table had when the policy was set.
    #expect(try await database.drop("after", "'events.before2_0'::regclass").hasPrefix("kept|on_hold|"))
  }

  @Test(
    "A hold on another table of the tree waits while a unit is being dropped", arguments: ["tree_root", "tree_mid_1"])
  func meanwhile(relation: String) async throws {
    let database = try await RetentionDatabase(timescale: false)
    try await database.makeTable("tree_mid", .partitions)
    try await database.psql(
      """
      SET timezone = 'UTC'; SET ROLE \(database.owner);
      CREATE TABLE events.tree_root (LIKE events.tree_mid) PARTITION BY RANGE (at);
      ALTER TABLE events.tree_root ATTACH PARTITION events.tree_mid FOR VALUES FROM ('2024-01-01') TO ('2024-02-01')
      """)
    let dropper = try await AdminLockTests.session(database, database.caller)
    try await dropper.query("BEGIN")
    try await dropper.query(database.dropping("tree_mid", "'events.tree_mid_0'::regclass"))
    let placed = try await database.attempt(
      as: database.other, "SELECT admin.place_hold('events.\(relation)', 'law suit')")
    #expect(placed.errors.contains("lock timeout"), "\(placed.errors)")
    // A hold on what is gone is none. Its own time limit must not come first.
    try await database.psql("ALTER FUNCTION admin.place_hold SET lock_timeout = '60s'")
    async let late = database.attempt(
      as: database.other, "SELECT admin.place_hold('events.tree_mid_0', 'law suit')")
    try await eventually {
      try await database.psql(
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
          + "WHERE NOT l.granted AND a.usename = '\(database.other)' AND a.query LIKE '%place_hold%'") == "1"
    }
    try await dropper.query("COMMIT")
    #expect(try await late.errors.contains("was dropped meanwhile"))
    try await hold(database, relation)
    await dropper.close()
    #expect(try await database.drop("tree_mid", "'events.tree_mid_1'::regclass").hasPrefix("kept|on_hold|"))
  }

  /// What keeps the functions from reading the holds of restores.
  enum Flaw: String, CaseIterable, Sendable {
    case earlier, stranger, strangersSchema, unreadable, view

    func sql(_ database: RetentionDatabase) -> String {
      switch self {
      case .earlier: "ALTER TABLE sluice.hold DROP COLUMN table_oid"
      case .stranger: "ALTER TABLE sluice.hold OWNER TO \(database.caller)"
      case .strangersSchema: "ALTER SCHEMA sluice OWNER TO \(database.caller)"
      case .unreadable: "REVOKE ALL ON sluice.hold FROM \(database.owner)"
      case .view: "ALTER TABLE sluice.hold RENAME TO kept; CREATE VIEW sluice.hold AS SELECT * FROM sluice.kept"
      }
    }

    func remedy(_ database: RetentionDatabase) -> String {
      switch self {
      case .earlier: "sluice setup apply --part restore-log"
      case .stranger: "belongs to \(database.caller)"
      case .strangersSchema: "its schema to \(database.caller)"
      case .unreadable: "GRANT SELECT ON sluice.hold TO \(database.owner)"
      case .view: "is no plain table"
      }
    }
  }

  @Test("Where the holds of restores cannot be read, a unit stays and says what to do", arguments: Flaw.allCases)
  func unreadable(flaw: Flaw) async throws {
    // The script grants it what the test takes away: the owner is no superuser, and owns no database.
    let database = try await RetentionDatabase(timescale: false)
    try await database.makeTable("flawed", .partitions)
    let unit = "'events.flawed_0'::regclass"
    #expect(try await database.drop("flawed", unit, dryRun: true).hasPrefix("droppable|"))
    try await database.psql(flaw.sql(database))
    let answer = try await database.psql(
      as: database.caller,
      "SELECT concat_ws('|', outcome, reason, detail) FROM admin.drop_unit('events.flawed', \(unit))")
    #expect(answer.hasPrefix("kept|on_hold|the holds of restores cannot be read: "), "\(answer)")
    #expect(answer.contains(flaw.remedy(database)), "\(answer)")
    try await database.psql("DROP SCHEMA sluice CASCADE")
    #expect(try await database.drop("flawed", unit).hasPrefix("dropped|"))
  }

  @Test("A restore's hold counts by the table's OID, and by its name, also of a partition", arguments: [true, false])
  func restored(isByName: Bool) async throws {
    let database = try await RetentionDatabase(timescale: false)
    try await database.makeTable("restored", .partitions)
    let (name, oid) = isByName ? ("restored", "1") : ("other", "'events.restored'::regclass")
    try await database.psql(
      "INSERT INTO sluice.hold VALUES ('load', 'events', '\(name)', 'timestamp with time zone', '2024-01-04 00:00:00+00', "
        + "'2024-01-04 01:00:00+00', now() + interval '1 day', '{}', now(), NULL, \(oid))")
    #expect(try await database.drop("restored", "'events.restored_0'::regclass").hasPrefix("kept|on_hold|"))
    #expect(try await database.drop("restored", "'events.restored_1'::regclass", dryRun: true).hasPrefix("droppable|"))
    try await database.psql(
      "UPDATE sluice.hold SET table_name = '\(isByName ? "restored_1" : "other")', table_oid = \(isByName ? "1" : "'events.restored_1'::regclass"), "
        + "first_value = '2024-01-12 00:00:00+00', end_value = '2024-01-13 00:00:00+00'")
    #expect(try await database.drop("restored", "'events.restored_1'::regclass").hasPrefix("kept|on_hold|"))
    #expect(try await database.drop("restored", "'events.restored_0'::regclass").hasPrefix("dropped|"))
  }
}
