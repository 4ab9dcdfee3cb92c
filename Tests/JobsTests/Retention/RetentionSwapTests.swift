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

@Suite("Archives are of one relation, whatever has its name")
struct RetentionSwapTests {
  typealias Kind = RetentionDatabase.Kind

  private static var kinds: [Kind] { PostgresServer.hasTimescale ? [.dayChunks, .partitions, .plain] : Kind.native }

  /// `events.clicks` with its archives, and `events.other`, as many rows that were there before.
  /// - Parameter differ: the other table's rows are others.
  private func site(_ kind: Kind, differ: Bool = true) async throws -> RetentionSite {
    let site = try await RetentionSite(RetentionDatabase(timescale: kind.isHypertable))
    try await site.base.makeTable("other", kind)
    try await site.base.psql(
      """
      GRANT SELECT ON events.other TO \(site.base.caller);
      DELETE FROM admin.archived_day; DELETE FROM admin.retention_policy;
      \(differ ? "UPDATE events.other SET value = 7" : "")
      """)
    try await site.makeTable("clicks", kind)
    return site
  }

  private static let swap = "ALTER TABLE events.clicks RENAME TO old; ALTER TABLE events.other RENAME TO clicks"

  private func verdicts(_ site: RetentionSite) async throws -> String {
    try await site.base.psql(
      "SELECT string_agg(DISTINCT concat_ws(' ', outcome, reason), ',') FROM admin.chunk_maintenance_log WHERE action LIKE 'd%'"
    )
  }

  @Test(
    "Another table that has taken the name loses no rows by the database alone, and gets them dropped by no run",
    arguments: kinds)
  func enforce(kind: Kind) async throws {
    let site = try await site(kind)
    let base = site.base
    try await base.psql(Self.swap)
    try await base.psql(as: base.caller, "CALL admin.enforce_retention_all()")
    #expect(try await verdicts(site) == "kept not_verified")
    let part = kind == .partitions ? "'events.other_0'::regclass" : try await base.firstUnit("clicks", kind)
    #expect(try await base.drop("clicks", part, since: base.since("clicks")) == "kept|not_verified|-1")
    #expect(try await base.drop("clicks", part) == "kept|not_verified|-1")
    if kind != .plain {
      let wrapper =
        "SELECT string_agg(DISTINCT reason, ',') FROM admin.drop_chunks_older_than('events.clicks', '30 days')"
      #expect(try await base.psql(as: base.caller, wrapper) == "not_verified")
    }
    let report = try await site.run("clicks")
    #expect(Set(report.verdicts) == ["kept changed_rows"])
    #expect(try await base.count("clicks") == 14 * 24)
    #expect(try await base.count("old") == 14 * 24)
  }

  @Test(
    "The same rows in another table are compared again, and go then; so do rows of days that an earlier version has recorded"
  )
  func comparedAgain() async throws {
    let site = try await site(.partitions, differ: false)
    let base = site.base
    try await base.psql("UPDATE admin.archived_day SET table_oid = NULL")
    try await base.psql(as: base.caller, "CALL admin.enforce_retention_all()")
    let why = "SELECT count(*) FROM admin.chunk_maintenance_log WHERE error LIKE '%by an earlier version%'"
    #expect(try await base.psql(why) == "2")
    #expect(try await site.run("clicks").verdicts == ["dropped", "dropped"])
    try await base.psql(Self.swap)
    try await base.psql(as: base.caller, "CALL admin.enforce_retention_all()")
    #expect(try await base.count("clicks") == 14 * 24)
    #expect(try await site.run("clicks").verdicts == ["dropped", "dropped"])
  }

  @Test("A table that takes the name between the comparison and the drop keeps its rows", arguments: kinds)
  func swapped(kind: Kind) async throws {
    let site = try await site(kind)
    let base = site.base
    // A run waits for it once it has compared.
    let holder = try await AdminLockTests.session(base, base.server.superuser)
    try await holder.query("SELECT pg_advisory_lock(\(RetentionSite.archivesKey("events.clicks")))")
    async let report = site.run("clicks")
    try await site.waitForTheLock()
    try await base.psql(Self.swap)
    await holder.close()
    #expect(try await Set(report.verdicts).isDisjoint(with: ["dropped"]))
    #expect(try await base.count("clicks") == 14 * 24)
    #expect(try await base.count("old") == 14 * 24)
  }

  @Test("A schema of the version before is refused by a run, and renewed: what it has recorded is compared again")
  func earlier() async throws {
    let site = try await site(.partitions)
    try await site.base.psql("ALTER TABLE admin.archived_day DROP COLUMN table_oid")
    for isDry in [true, false] {
      await #expect {
        try await site.run("clicks", dryRun: isDry)
      } throws: { error in
        let error = error as? JobError
        return error?.code == .notConfigured && error?.message.contains("sluice setup apply --part retention") == true
      }
    }
    for _ in 0..<2 { try await site.base.apply() }
    try await site.base.psql(as: site.base.caller, "CALL admin.enforce_retention_all()")
    #expect(try await verdicts(site) == "kept not_verified")
    #expect(try await site.run("clicks").verdicts == ["dropped", "dropped"])
  }
}
