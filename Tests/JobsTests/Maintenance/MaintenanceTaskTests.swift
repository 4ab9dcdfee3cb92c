import Essentials
import Foundation
import Reporting
import TableDays
import Testing

@testable import Jobs

@Suite("Maintenance tasks, as sluice.json declares them")
struct MaintenanceTaskTests {
  private func tasks(_ json: String) throws -> [MaintenanceTask] {
    try MaintenanceTask.list(JSONValue(json: Data("{\"tasks\": [\(json)]}".utf8)))
  }

  static let older = #""name": "old", "kind": "delete_older_than", "table": "a.b", "column": "at", "keep": "90 days""#

  @Test("Every field is read, and what is left out has its default")
  func reads() throws {
    let plain = try #require(try tasks("{\(Self.older)}").first)
    #expect(plain.schedule == .daily && plain.batchRows == 10_000 && plain.lockTimeout == .seconds(2))
    #expect(plain.pause == .milliseconds(100) && plain.budget == nil && !plain.archives)
    let table = TableName(schema: "a", name: "b")
    // Without a word about archives, nothing is deleted that none holds.
    #expect(
      plain.kind == .deleteOlderThan(.init(table: table, column: "at", keep: "90 days", requiresArchive: true)))
    let full = try #require(
      try tasks(
        """
        {\(Self.older), "archive": true, "schedule": "weekly: sunday", "order": 7, "batch_rows": 5, "lock_timeout": "100ms",
         "pause": "1s", "budget": "30m", "max_replication_lag": "30s", "max_active_sessions": 9}
        """
      ).first)
    #expect(full.schedule == .weekly(weekday: 1) && full.order == 7 && full.batchRows == 5 && full.archives)
    #expect(full.lockTimeout == .milliseconds(100) && full.pause == .seconds(1) && full.budget == .seconds(1800))
    #expect(full.maximumReplicationLag == .seconds(30) && full.maximumActiveSessions == 9)
    guard case .deleteOlderThan(let own) = full.kind else { return #expect(Bool(false)) }
    #expect(!own.requiresArchive)
  }

  @Test("The other kinds are read with their own fields")
  func kinds() throws {
    let read = try tasks(
      """
      {"name": "d", "kind": "deduplicate", "table": "a.b", "key": ["x", "y"], "keep": "newest", "by": "at", "null_keys": "together"},
      {"name": "o", "kind": "delete_orphans", "child": "a.c", "columns": "p", "parent": "a.p", "parent_columns": "id",
       "grace_column": "at", "grace": "1 hour"},
      {"name": "v", "kind": "vacuum", "patterns": ["a.*"], "analyze": true, "min_dead_share": "5%"},
      {"name": "n", "kind": "analyze", "all": true},
      {"name": "r", "kind": "reindex", "tables": ["a.b"], "min_bloat_share": "50%"},
      {"name": "s", "kind": "sql", "statement": "SELECT 1", "timeout": "10m"}
      """)
    #expect(read.map(\.kind.name) == [.deduplicate, .deleteOrphans, .vacuum, .analyze, .reindex, .sql])
    guard case .vacuum(let vacuum) = read[2].kind else { return #expect(Bool(false)) }
    #expect(vacuum.minimumDeadShare == 0.05 && vacuum.analyze && !vacuum.full && !vacuum.freeze)
    guard case .sql(let statement) = read[5].kind else { return #expect(Bool(false)) }
    #expect(statement.timeout == .seconds(600))
  }

  @Test(
    "A wrong field is named with its place, and a mistyped one with the nearest name",
    arguments: [
      (#"{"name": "x"}"#, "tasks[0].kind", "expected one of"),
      (#"{"name": "x", "kind": "dedupe"}"#, "tasks[0].kind", "got \"dedupe\""),
      ("{\(older), \"batchrows\": 1}", "tasks[0].batchrows", "did you mean batch_rows?"),
      (
        "{\(older), \"key\": [\"a\"]}", "tasks[0].key",
        "a field of deduplicate, and the task is of kind delete_older_than"
      ),
      ("{\(older), \"budget\": 30}", "tasks[0].budget", "unit"),
      ("{\(older), \"budget\": \"30\"}", "tasks[0].budget", "unit"),
      ("{\(older), \"lock_timeout\": \"0s\"}", "tasks[0].lock_timeout", "above 0"),
      ("{\(older), \"lock_timeout\": \"30d\"}", "tasks[0].lock_timeout", "to 24d"),
      ("{\(older), \"budget\": \"0s\"}", "tasks[0].budget", "above 0"),
      (
        #"{"name": "o", "kind": "delete_older_than", "table": "a.b", "column": "at", "keep": "P0D"}"#, "tasks[0].keep",
        "above 0"
      ),
      ("{\(older), \"schedule\": \"weekly: someday\"}", "tasks[0].schedule", "daily"),
      ("{\(older)}, {\(older)}", "tasks[1].name", "named twice"),
      (
        #"{"name": "o", "kind": "delete_older_than", "table": "a.b", "column": "at", "keep": "90"}"#, "tasks[0].keep",
        "90 days"
      ),
      (#"{"name": "v", "kind": "vacuum"}"#, "tasks[0].tables", "missing"),
      (#"{"name": "v", "kind": "vacuum", "all": true, "tables": ["a.b"]}"#, "tasks[0].all", "the one or the others"),
      (#"{"name": "v", "kind": "vacuum", "all": true, "min_dead_share": 0.2}"#, "tasks[0].min_dead_share", "20%"),
      (
        #"{"name": "o", "kind": "delete_orphans", "child": "a.c", "columns": "p", "parent": "a.p", "parent_columns": ["a", "b"]}"#,
        "tasks[0].parent_columns", "as many"
      ),
      (#"{"name": "s", "kind": "sql", "statement": "SELECT 1"}"#, "tasks[0].timeout", "missing"),
      ("{\(older), \"archive\": true, \"require_archive\": true}", "tasks[0].archive", "the one or the other"),
    ])
  func refuses(_ bad: (json: String, field: String, words: String)) throws {
    let error = try #require(throws: JobError.self) { try tasks(bad.json) }
    #expect(error.field == "maintenance.\(bad.field)", "\(error)")
    #expect(error.message.contains(bad.words), "\(error.message)")
  }

  @Test("A task is due on its days, by the zone's calendar; the last day stands for one that a month lacks")
  func due() throws {
    let zone = try #require(TimeZone(identifier: "Europe/Berlin"))
    // 2024-03-02 23:30 UTC is Sunday, 3 March, in Berlin.
    let sunday = try Date("2024-03-02T23:30:00Z", strategy: .iso8601)
    let weekly = try #require(MaintenanceSchedule("weekly: sunday"))
    #expect(weekly.isDue(at: sunday, in: zone) && !weekly.isDue(at: sunday, in: .gmt))
    let monthly = try #require(MaintenanceSchedule("monthly: 31"))
    #expect(monthly.isDue(at: try Date("2024-02-29T12:00:00Z", strategy: .iso8601), in: .gmt))
    #expect(!monthly.isDue(at: try Date("2024-03-29T12:00:00Z", strategy: .iso8601), in: .gmt))
    for text in ["daily", "weekly: friday", "monthly: 15"] { #expect(MaintenanceSchedule(text)?.description == text) }
    #expect(MaintenanceSchedule("monthly: 0") == nil && MaintenanceSchedule("hourly") == nil)
  }

  @Test(
    "A plan has the due tasks in their order, or those that are named; an unknown name is refused with the nearest one")
  func plan() throws {
    let options = MaintenanceOptions(
      tasks: try tasks(
        """
        {"name": "late", "kind": "analyze", "all": true, "order": 200}, {"name": "b", "kind": "analyze", "all": true},
        {"name": "a", "kind": "analyze", "all": true}, {"name": "sunday", "kind": "analyze", "all": true, "order": 1, "schedule": "weekly: sunday"}
        """))
    let monday = try Date("2024-03-04T12:00:00Z", strategy: .iso8601)
    let all = try MaintenancePlan(MaintenanceRequest(), options, now: monday, in: .gmt)
    #expect(all.items.map(\.task.name) == ["sunday", "b", "a", "late"])
    #expect(all.items.map(\.isDue) == [false, true, true, true])
    var named = MaintenanceRequest()
    named.tasks = ["late", "sunday"]
    let chosen = try MaintenancePlan(named, options, now: monday, in: .gmt)
    #expect(chosen.items.map(\.task.name) == ["sunday", "late"] && chosen.items.allSatisfy(\.isDue))
    named.tasks = ["lat"]
    let error = try #require(throws: JobError.self) { try MaintenancePlan(named, options, now: monday, in: .gmt) }
    #expect(error.field == "tasks" && error.message.contains("did you mean late?"))
  }
}
