import Essentials
import Foundation
import Lake
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Archive
@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("What is known of an archive, and the file in the lake")
struct RetentionProofTests {
  let site: RetentionSite
  var base: RetentionDatabase { site.base }
  private let lost = "SELECT count(*) FROM admin.archived_day WHERE day = '2024-01-04'"

  init() async throws {
    site = try await RetentionSite(RetentionDatabase(timescale: false))
  }

  private func context(_ lake: any LakeStore) -> JobContext {
    var context = site.context
    context.lake = lake
    return context
  }

  private func setPolicy(_ keep: String = "30 days") async throws {
    try await base.psql(
      as: base.other, "SELECT admin.set_policy('events.clicks', '\(keep)', p_time_column => 'at') \\g /dev/null\n")
  }

  private func removePolicy() async throws {
    try await base.psql(as: base.other, "SELECT admin.remove_policy('events', 'clicks') \\g /dev/null\n")
  }

  private func enforce() async throws {
    try await base.psql(as: base.caller, "CALL admin.enforce_retention_all()")
  }

  /// Archives a day again.
  private func overwrite(
    _ day: String = "2024-01-04", force: Bool = false, zone: String = "UTC", through lake: (any LakeStore)? = nil
  ) async throws -> BackupResult {
    let request = """
      {"table": "events.clicks:at", "date": "\(day)", "overwrite": true, "force": \(force)}
      """
    var options = site.settings.backup
    options.timeZone = try #require(TimeZone(identifier: zone))
    let job = BackupJob(context(lake ?? site.lake), options)
    return try #require(try await job.run(job.plan(BackupRequest(JSONValue(json: Data(request.utf8))))).results.first)
  }

  private func bytes() throws -> Data { try Data(contentsOf: URL(filePath: site.path("clicks", "2024-01-04"))) }

  @Test("What was proven of a table goes with its policy, and what was archived otherwise meanwhile lets nothing go")
  func otherZone() async throws {
    try await site.makeTable("clicks", .plain)
    try await removePolicy()
    #expect(try await base.psql("SELECT count(*) FROM admin.archived_day") == "0")
    #expect(try await overwrite(force: true, zone: "Asia/Tokyo").rows == 15)
    try await setPolicy()
    try await enforce()
    #expect(try await base.count("clicks") == 14 * 24)
  }

  @Test(
    "An overwrite takes back what was known of the archive that it replaces, also while the table has no policy",
    arguments: [true, false])
  func noPolicy(force: Bool) async throws {
    try await site.makeTable("clicks", .plain)
    // As it is left where a session writes a proof while the policy goes.
    try await base.psql("DELETE FROM admin.retention_policy")
    // Another order, and the same rows.
    try await base.psql("CREATE INDEX backwards ON events.clicks (at DESC); CLUSTER events.clicks USING backwards")
    let before = try bytes()
    #expect(try await overwrite(force: force).status == .ok)
    #expect(try bytes() != before)
    #expect(try await base.psql(lost) == "0")
    try await setPolicy()
    try await enforce()
    #expect(try await base.psql("SELECT count(*) FROM events.clicks WHERE at < '2024-01-05Z'") == "24")
    // What the run has compared goes, and the log names the archive that the lake has.
    #expect(Set(try await site.run("clicks").verdicts) == ["dropped"])
    try await base.psql(
      "INSERT INTO events.clicks SELECT t, 9, 9 FROM generate_series('2024-01-04Z'::timestamptz, '2024-01-04 23:30Z', '30 minutes') t"
    )
    let kept = try await overwrite()
    #expect(kept.status == .skipped && kept.dropped == true)
  }

  @Test(
    "Nothing is dropped because of an archive while it is replaced, nor after it, where the new one could not be recorded"
  )
  func duringReplacement() async throws {
    try await site.makeTable("clicks", .plain)
    var store = HookedStore(site.lake)
    let base = base
    store.publish = { writer, path, condition in
      guard path.name.hasSuffix(".gz") else { return try await writer.publish(as: path, condition: condition) }
      try await base.psql(as: base.caller, "CALL admin.enforce_retention_all()")
      let entry = try await writer.publish(as: path, condition: condition)
      try await base.psql("REVOKE INSERT ON admin.archived_day FROM \(base.caller)")
      return entry
    }
    #expect(try await overwrite(through: store).status == .ok)
    try await enforce()
    #expect(try await base.psql("SELECT count(*) FROM events.clicks WHERE at < '2024-01-05Z'") == "24")
    #expect(try await base.count("clicks") == 24)
  }

  @Test(
    "Where a drop comes before the replacement the archive is kept; where what is known cannot be taken back, it fails")
  func lateDrop() async throws {
    try await site.makeTable("clicks", .plain)
    let before = try bytes()
    // The first question is answered by then; the line of the audit chain is written after it.
    var store = HookedStore(site.lake)
    let base = base
    store.append = { writer, bytes in
      if bytes.starts(with: "{\"action\":\"overwrite\"".utf8) {
        try await base.psql(as: base.caller, "CALL admin.enforce_retention_all()")
      }
      try await writer.append(bytes)
    }
    let kept = try await overwrite(through: store)
    #expect(try await base.count("clicks") == 0)
    #expect(kept.status == .skipped && kept.dropped == true, "\(kept)")
    #expect(try bytes() == before)
    #expect(try await AuditChain(site.lake).check().unfinished == [])
    try await base.psql("REVOKE DELETE ON admin.archived_day FROM \(base.caller); TRUNCATE admin.chunk_maintenance_log")
    try await base.psql("INSERT INTO events.clicks SELECT '2024-01-04Z', n, 9 FROM generate_series(1, 24) n")
    let refused = try await overwrite()
    #expect(refused.error?.code == .permissionDenied && refused.error?.message.contains("archived_day") == true)
    #expect(try bytes() == before)
    #expect(try await overwrite(force: true).status == .ok)
  }

  @Test("A backup does not replace an archive that is being proven, nor is one removed")
  func beingProven() async throws {
    try await site.makeTable("clicks", .plain)
    let before = try bytes()
    let other = try await AdminLockTests.session(base, base.server.superuser)
    try await other.query("SELECT pg_advisory_lock_shared(\(RetentionSite.archivesKey("events.clicks")))")
    let refused = try await overwrite()
    #expect(refused.status == .failed && refused.error?.code == .locked)
    #expect(try bytes() == before)
    // Archives of other days are not waited for.
    #expect(try await overwrite("2024-01-05").status == .ok)
    try await letFirstArchiveGo()
    let results = try await ArchiveRetention(site.job).run(dryRun: false)
    #expect(results.map(\.reason) == ["locked"] && results.first?.status == .kept, "\(results)")
    #expect(try bytes() == before)
    // A row that a plan has written, and takes back.
    try await other.query("SELECT pg_advisory_unlock_all()")
    try await other.query("BEGIN")
    try await other.query("UPDATE admin.archived_day SET rows = rows WHERE day = '2024-01-04'")
    #expect(try await overwrite().error?.code == .locked)
    #expect(try bytes() == before)
    await other.close()
    try await eventually { try await overwrite().status == .ok }
    #expect(
      try await base.psql(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
      ) == "0")
    #expect(try await AuditChain(site.lake).check().unfinished == [])
  }

  @Test("A session that may only read replaces an archive of which nothing is known, and no other one")
  func readOnly() async throws {
    try await base.psql("ALTER ROLE \(base.caller) SET default_transaction_read_only = on")
    try await site.makeTable("clicks", .plain)
    #expect(try await overwrite().status == .ok)
    let before = try bytes()
    try await base.psql(
      "INSERT INTO admin.archived_day (table_schema, table_name, day) VALUES ('events', 'clicks', '2024-01-04')")
    #expect(try await overwrite().status == .failed)
    #expect(try bytes() == before)
  }

  /// The archive of the first day is past its keep time.
  private func letFirstArchiveGo() async throws {
    try await base.psql(
      """
      UPDATE admin.retention_policy SET keep_archives = now() - '2024-01-05 01:00Z'::timestamptz;
      GRANT USAGE ON SCHEMA sluice TO \(base.caller); GRANT SELECT ON sluice.hold TO \(base.caller)
      """)
  }

  @Test("A run that would prove an archive waits for its removal, and drops nothing because of it then")
  func removal() async throws {
    try await site.makeTable("clicks", .plain)
    try await letFirstArchiveGo()
    let gate = Gate()
    var store = HookedStore(site.lake)
    store.beforeDeleting = { path in if path.name.contains("2024-01-04.csv.gz") { try await gate.pass() } }
    let removing = ArchiveRetention(RetentionJob(context(store), site.settings.backup))
    async let removed = removing.run(dryRun: false)
    try await eventually { gate.isReached }
    #expect(try await base.psql(lost) == "0")
    async let report = site.run("clicks")
    try await site.waitForTheLock()
    gate.open()
    let first = try #require(try await report.results.first)
    #expect([first.status.rawValue, first.reason] == ["kept", "not_verified"], "\(first)")
    #expect(try await removed.first?.status == .removed)
    #expect(!FileManager.default.fileExists(atPath: site.path("clicks", "2024-01-04")))
    #expect(try await base.psql("SELECT count(*) FROM events.clicks WHERE at < '2024-01-05Z'") == "24")
    #expect(try await base.psql(lost) == "0")
    try await enforce()
    #expect(try await base.psql("SELECT count(*) FROM events.clicks WHERE at < '2024-01-05Z'") == "24")
  }

  @Test("A drop that comes before the removal keeps the archive: it is the last copy then")
  func dropBeforeRemoval() async throws {
    try await site.makeTable("clicks", .plain)
    try await letFirstArchiveGo()
    let base = base
    let isBegun = Flag()
    var store = HookedStore(site.lake)
    store.append = { writer, bytes in
      try await writer.append(bytes)
      if bytes.starts(with: "{\"action\":\"remove_archive\"".utf8) { isBegun.set() }
    }
    // The last question before the lock, once the rows were compared.
    store.beforeProperties = { path in
      guard isBegun.isSet, path.name.hasSuffix(".gz") else { return }
      try await base.psql(as: base.caller, "CALL admin.enforce_retention_all()")
    }
    let results = try await ArchiveRetention(
      RetentionJob(context(store), site.settings.backup)
    ).run(dryRun: false)
    #expect(try await base.count("clicks") == 0)
    #expect(results.map(\.reason) == ["last_copy"] && results.first?.status == .kept, "\(results)")
    #expect(FileManager.default.fileExists(atPath: site.path("clicks", "2024-01-04")))
  }
}
