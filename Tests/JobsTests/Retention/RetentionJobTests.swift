import Essentials
import Foundation
import Postgres
import Synchronization
import TableDays
import TestSupport
import Testing

@testable import Archive
@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("Retention")
struct RetentionJobTests {
  typealias Kind = RetentionDatabase.Kind

  private func units(_ kind: Kind) -> Int { kind.isWeekly ? 2 : 14 }

  @Test(
    "What is past its keep time and archived is planned, read back, dropped, logged and audited, and restores",
    arguments: Kind.all)
  func drops(kind: Kind) async throws {
    let site = try await RetentionSite.shared()
    let table = "drop_\(kind.rawValue.asciiLowercased())"
    try await site.makeTable(table, kind)
    let before = try await site.base.psql("SELECT string_agg(c::text, ';' ORDER BY at, device) FROM events.\(table) c")
    let plan = try await site.run(table, dryRun: true)
    #expect(plan.verdicts == [String](repeating: "kept not_verified", count: units(kind)))
    #expect(plan.results.allSatisfy { $0.detail?.contains("a run reads it") == true })
    // What the backups have written stays as it is.
    let proofs = "SELECT count(verified_at) FROM \(site.base.admin).archived_day WHERE table_name = '\(table)'"
    #expect(try await site.base.psql(proofs) == "14")
    let rows = try await site.base.count(table)

    let report = try await site.run(table)
    #expect(report.status == .ok)
    #expect(report.verdicts == [String](repeating: "dropped", count: units(kind)))
    #expect(report.results.reduce(0) { $0 + ($1.rows ?? 0) } == rows)
    #expect(report.results.flatMap(\.archives).count == 14)
    #expect(try await site.base.count(table) == 0)
    #expect(report.results.flatMap(\.warnings) == [])
    let logged = try await site.base.psql(
      "SELECT count(*) || ' ' || sum(rows) FROM \(site.base.admin).chunk_maintenance_log WHERE outcome = 'dropped' AND table_name = '\(table)'"
    )
    #expect(logged == "\(units(kind)) \(rows)")
    // Runs of other tests tell of this table too, each in the lake of its own.
    let unaudited = "SELECT count(*) FROM \(site.base.admin).unaudited(1000) WHERE entry ->> 'table_name' = '\(table)'"
    #expect(try await site.base.psql(unaudited) == "0")
    #expect(try await site.run(table).results.isEmpty)

    guard kind != .partitions else { return }
    let restore = #"{"table": "events.\#(table)", "from": "2024-01-04", "to": "2024-01-17"}"#
    var options = site.settings
    options.server.user = site.base.server.superuser
    var context = site.context
    context.server = options.server
    let job = RestoreJob(context, options.restoreOptions { _ in throw JobError(.outsideLake, "no other lake") })
    let restored = try await job.run(RestoreRequest(JSONValue(json: Data(restore.utf8))))
    #expect(restored.status == .ok, "\(restored.results.compactMap(\.error))")
    let after = try await site.base.psql("SELECT string_agg(c::text, ';' ORDER BY at, device) FROM events.\(table) c")
    #expect(after == before)
  }

  @Test(
    "An archive that was damaged since it was read back keeps its unit, and a verification that finds it takes back what was said"
  )
  func damagedSince() async throws {
    var site = try await RetentionSite.shared()
    try await site.makeTable("rotten", .partitions)
    _ = try await VerifyJob(site.context, site.settings.backup).run(VerifyRequest())
    // The same length, and the same time of the last change: the ETag does not tell.
    let path = site.path("rotten", "2024-01-05")
    let date = try #require(FileManager.default.attributesOfItem(atPath: path)[.modificationDate])
    let handle = try FileHandle(forUpdating: URL(filePath: path))
    try handle.seek(toOffset: 60)
    let byte = try #require(try handle.read(upToCount: 1)?.first)
    try handle.seek(toOffset: 60)
    try handle.write(contentsOf: [byte ^ 1])
    try handle.close()
    try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
    site.now = { Date().addingTimeInterval(2 * 86_400) }
    #expect(try await site.run("rotten").verdicts == ["kept not_verified", "dropped"])
    let manifest = try String(contentsOfFile: site.manifestPath("rotten", "2024-01-05"), encoding: .utf8)
    #expect(!manifest.contains("verified_at"))
    let proven = "SELECT count(verified_at) FROM admin.archived_day WHERE table_name = 'rotten' AND day = '2024-01-05'"
    #expect(try await site.base.psql(proven) == "0")
  }

  @Test("A run that is cancelled tells what it has dropped, and what it has not begun")
  func cancelled() async throws {
    let site = try await RetentionSite.shared()
    try await site.makeTable("cut_short", .partitions)
    try await site.base.psql(
      "SELECT \(site.base.admin).set_policy('events.cut_short', '30 days', p_keep_archives => '20 days')")
    var request = RetentionRequest()
    request.tables = [TableName(schema: "events", name: "cut_short")]
    let wanted = request
    let cancel = Mutex<@Sendable () -> Void>({})
    let run = Task {
      try await RetentionJob(
        site.context, site.settings.backup,
        onResult: { result in if result.status == .dropped { cancel.withLock { $0() } } }
      ).run(wanted)
    }
    cancel.withLock { $0 = { run.cancel() } }
    let report = try await run.value
    #expect(report.status == .partial)
    #expect(report.verdicts == ["dropped", "not_begun"])
    #expect(report.results.last?.error?.code == .cancelled)
    #expect(report.failures.map(\.error.code) == [.cancelled])
    #expect(report.auditError == nil)
    #expect(try await site.audited().contains("drop"))
    try await site.base.psql("SELECT \(site.base.admin).remove_policy('events', 'cut_short')")
  }

  @Test("A proof that is being taken back keeps the unit, and one that was taken back is not written again")
  func proofTakenBack() async throws {
    let site = try await RetentionSite.shared()
    try await site.makeTable("doubtful", .partitions)
    let table = TableName(schema: "events", name: "doubtful")
    let other = try await PostgresConnection.connect(to: site.settings.server.target(), password: nil)
    try await other.query("BEGIN")
    let schema = try #require(try await RetentionSchema.find("admin", on: other))
    try await schema.forget(#require(Day("2024-01-05")), of: table, on: other)
    let unit = try await site.base.firstUnit("doubtful", .partitions)
    #expect(try await site.base.drop("doubtful", unit).hasPrefix("kept|locked|"))
    try await other.query("COMMIT")
    #expect(try await site.base.drop("doubtful", unit).hasPrefix("kept|no_archive|"))
    let day = RetentionSchema.ArchivedDay(
      day: try #require(Day("2024-01-05")), timeColumn: ColumnName("at"),
      span: DaySpan(kind: .instant, start: "2024-01-05", end: "2024-01-06"), rows: 24, rowsHash: nil, sha256: "",
      path: "",
      verifiedAt: nil)
    #expect(try await schema.confirm([day], of: table, on: other) == false)
    await other.close()
  }

  @Test("A policy on a table that the functions refuse is a failure, and not nothing to do")
  func refusedTable() async throws {
    let site = try await RetentionSite(RetentionDatabase(timescale: false))
    try await site.makeTable("clicks", .plain)
    try await site.base.psql("ALTER TABLE events.clicks OWNER TO \(site.base.other)")
    let report = try await site.job.run(RetentionRequest())
    #expect(report.status == .failed)
    #expect(report.failures.map(\.error.code) == [.notConfigured])
    #expect(report.failures.first?.error.message.contains("not_owner") == true)
  }

  @Test("Partitions of a partition go with it, and a changed row in one of them keeps it")
  func subpartitions() async throws {
    let site = try await RetentionSite.shared()
    try await site.base.psql(
      """
      SET ROLE \(site.base.owner);
      CREATE TABLE events.nested (at timestamptz NOT NULL, value int) PARTITION BY RANGE (at);
      CREATE TABLE events.nested_1 PARTITION OF events.nested FOR VALUES FROM ('2024-01-04Z') TO ('2024-01-05Z')
        PARTITION BY RANGE (at);
      CREATE TABLE events.nested_1a PARTITION OF events.nested_1 FOR VALUES FROM ('2024-01-04Z') TO ('2024-01-04 12:00Z');
      CREATE TABLE events.nested_1b PARTITION OF events.nested_1 FOR VALUES FROM ('2024-01-04 12:00Z') TO ('2024-01-05Z');
      CREATE TABLE events.nested_2 PARTITION OF events.nested FOR VALUES FROM ('2024-01-05Z') TO ('2024-01-06Z');
      INSERT INTO events.nested SELECT t, 1 FROM generate_series('2024-01-04Z'::timestamptz, '2024-01-05 23:00Z', '1 hour') t;
      GRANT SELECT ON events.nested TO \(site.base.caller)
      """)
    try await site.base.psql(
      as: site.base.other, "SELECT admin.set_policy('events.nested', '30 days', p_time_column => 'at') \\g /dev/null\n")
    try await site.base.settle()
    try await site.archive("nested", from: "2024-01-04", to: "2024-01-05")
    try await site.base.psql("UPDATE events.nested SET value = 2 WHERE at = '2024-01-04 13:00Z'")
    #expect(try await site.run("nested").verdicts == ["kept changed_rows", "dropped"])
    try await site.archive("nested", from: "2024-01-04", to: "2024-01-04")
    #expect(try await site.run("nested").verdicts == ["dropped"])
    #expect(try await site.base.psql("SELECT to_regclass('events.nested_1b') IS NULL") == "t")
  }

  @Test("An archive that was read back is not read again; without reading it, its unit stays")
  func verification() async throws {
    let site = try await RetentionSite()
    try await site.makeTable("clicks", .partitions)
    #expect(try await site.run("clicks", verify: false).verdicts == ["kept not_verified", "kept not_verified"])
    let verified = try await VerifyJob(site.context, site.settings.backup).run(VerifyRequest())
    #expect(verified.status == .ok)
    #expect(try await site.run("clicks", dryRun: true).verdicts == ["droppable", "droppable"])
    #expect(try await site.run("clicks", verify: false).verdicts == ["dropped", "dropped"])
  }

  @Test("A hold wins, is listed, and ends; policies and holds are logged and audited")
  func hold() async throws {
    let site = try await RetentionSite()
    try await site.makeTable("clicks", .partitions)
    try await site.base.psql(
      "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA \(site.base.admin) TO \(site.base.caller)")
    let administration = RetentionAdministration(site.job)
    let table = TableName(schema: "events", name: "clicks")
    let hold = try await administration.hold(
      table, reason: "case 7", from: Day("2024-01-12"), to: Day("2024-01-12"), until: nil)
    let report = try await site.run("clicks")
    #expect(report.verdicts == ["dropped", "kept on_hold"])
    #expect(report.holds.map(\.reason) == ["case 7"])
    _ = try await administration.release(hold: try #require(hold.hold), note: "closed")
    await #expect(throws: JobError.self) { try await administration.release(hold: hold.hold ?? 0, note: nil) }
    #expect(try await site.run("clicks").verdicts == ["dropped"])

    var change = RetentionSchema.PolicyChange()
    change.keep = "3650 days"
    _ = try await administration.set(change, of: table, note: nil)
    let kept = try await administration.list().policies.map(\.keep)
    #expect(kept == ["P3650D"])
    change.keep = "1 day"
    let young = try await #require(throws: JobError.self) { try await administration.set(change, of: table, note: nil) }
    #expect(young.code == .badField && young.message.contains("must not be shorter than the minimum age"))
    change.keep = "soon"
    #expect(
      try await #require(throws: JobError.self) { try await administration.set(change, of: table, note: nil) }.code
        == .badField)
    _ = try await administration.removePolicy(of: table, note: "done")
    let log = try await administration.log(of: table, limit: 3).compactMap { $0.object?["action"]?.string }
    #expect(log == ["policy", "policy", "drop_partition"])
    #expect(try await site.audited() == ["policy", "hold", "drop", "release", "drop", "policy", "policy"])
    let gone = try await #require(throws: JobError.self) { try await site.run("clicks") }
    #expect(gone.code == .tableNotFound && gone.message.contains("has no retention policy"))
  }

  @Test("Without the schema the error says how it is made; one that others may have changed is not used")
  func notSetUp() async throws {
    let site = try await RetentionSite()
    try await site.base.psql("ALTER SCHEMA \(site.base.admin) RENAME TO elsewhere")
    let missing = try await #require(throws: JobError.self) { try await site.job.run(RetentionRequest()) }
    #expect(missing.code == .notConfigured && missing.message.contains("sluice setup apply --part retention"))
    try await site.base.psql(
      """
      ALTER SCHEMA elsewhere RENAME TO \(site.base.admin); GRANT CREATE ON SCHEMA \(site.base.admin) TO \(site.base.other);
      ALTER FUNCTION \(site.base.admin).drop_unit(regclass, regclass, xid8, boolean, text) SECURITY INVOKER
      """)
    let changed = try await #require(throws: JobError.self) { try await site.job.run(RetentionRequest()) }
    #expect(changed.code == .permissionDenied && changed.field == "RETENTION_SCHEMA")
  }

  @Test(
    "A simulation tells day by day what another keep time would free, and changes nothing",
    arguments: [Kind.partitions, .plain])
  func simulation(kind: Kind) async throws {
    let site = try await RetentionSite()
    try await site.makeTable("clicks", kind)
    // As if the first day became past its keep time 3 days from now.
    let age = try await site.base.psql("SELECT (now()::date + 3) - '2024-01-05'::date")
    let simulation = try await site.job.simulate(keep: "\(age) days", tables: [])
    let steps = try #require(simulation.tables.first).steps
    #expect(steps.count == 30)
    let freed = steps.enumerated().filter { !$0.element.units.isEmpty }.map(\.offset)
    #expect(freed == (kind == .plain ? Array(3...16) : [9, 16]))
    #expect(steps.last?.total.units == units(kind) && steps.last?.total.rows == 14 * 24)
    #expect(try await site.base.count("clicks") == 14 * 24)
    let error = try await #require(throws: JobError.self) { try await site.job.simulate(keep: "soon", tables: []) }
    #expect(error.code == .badField && error.field == "keep")
  }
}
