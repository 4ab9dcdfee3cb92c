import Essentials
import Foundation
import Lake
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Archive
@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting
@testable import TableDays

@Suite("Drills")
struct DrillTests {
  let clicks = TableName(schema: "events", name: "clicks")

  /// Three days, of which two have rows enough for an archive, are archived.
  func fixture(_ sql: String = Fixture.clicks) async throws -> Fixture {
    let fixture = try await Fixture(sql)
    _ = try await fixture.backup("\"table\": \"events.clicks:at\", \"from\": \"2023-12-31\", \"to\": \"2024-01-02\"")
    return fixture
  }

  func job(_ fixture: Fixture, _ options: DrillOptions = DrillOptions()) -> DrillJob {
    let restore = fixture.settings.restoreOptions { _ in throw JobError(.outsideLake, "no other lake") }
    return DrillJob(fixture.context, fixture.settings.backup, restore, options)
  }

  func request(_ day: String? = "2024-01-01") -> DrillRequest {
    var request = DrillRequest()
    request.table = clicks
    request.date = day.flatMap { Day($0) }
    return request
  }

  func drill(
    _ fixture: Fixture, _ day: String? = "2024-01-01", id: String = UUID().uuidString.lowercased()
  ) async throws -> DrillReport {
    let job = job(fixture)
    return try await job.run(job.choose(request(day)), operation: id)
  }

  /// What the last drills of the archives that are there have found.
  func failed(_ fixture: Fixture) async throws -> [String] {
    let inventory = try await ArchiveCatalog(fixture.lake).inventory(of: fixture.database, ManifestCache())
    return try await DrillHistory.read(of: fixture.database, in: fixture.lake).failed(in: inventory).map(\.verdict)
  }

  /// Nothing of a drill is in the database.
  func expectClean(_ fixture: Fixture, schema: Bool = false) async throws {
    #expect(
      try await fixture.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'sluice_drill'") == (schema ? "1" : "0")
    )
    #expect(try await fixture.psql("SELECT count(*) FROM pg_class WHERE relname LIKE 'drill\\_%'") == "0")
  }

  @Test("An archive is restored beside its table, compared with manifest and table, dropped, and noted")
  func restored() async throws {
    let fixture = try await fixture()
    let before = try await fixture.psql("SELECT string_agg(c::text, ',') FROM events.clicks c")
    let report = try await drill(fixture)
    #expect(report.verdict == .restored && report.status == .ok, "\(report)")
    #expect(report.rows == 3 && report.restoredRows == 3 && report.live == .same && report.liveRows == 3)
    #expect(report.scratchTable?.hasPrefix("sluice_drill.drill_") == true && report.isDropped)
    #expect(report.restoreSeconds != nil && report.lastDrillAt == nil && report.candidates == nil)
    try await expectClean(fixture)
    #expect(try await fixture.psql("SELECT string_agg(c::text, ',') FROM events.clicks c") == before)
    let history = try await DrillHistory.read(of: fixture.database, in: fixture.lake)
    #expect(history.last?.table == clicks && history.last?.passed == true && history.entries.count == 1)
    // Reading the whole file was a verification.
    #expect(try fixture.manifest()["verified_depth"] == "full")
    #expect(try await drill(fixture).lastDrillAt == fixture.now())
    await fixture.pools.close()
  }

  @Test(
    "What the table has now is told beside, and only what someone should look at makes the drill partial",
    arguments: [
      (
        "INSERT INTO events.clicks VALUES (9, '2024-01-01 05:00+00', 'late')", DrillReport.Live.lateRows,
        JobStatus.partial
      ),
      ("DELETE FROM events.clicks WHERE id = 2", .fewerRows, .partial),
      ("UPDATE events.clicks SET note = 'other' WHERE id = 2", .changedRows, .partial),
      ("DELETE FROM events.clicks WHERE id IN (1, 2, 3)", .dropped, .ok),
      ("DROP TABLE events.clicks", .dropped, .ok),
    ])
  func live(sql: String, live: DrillReport.Live, status: JobStatus) async throws {
    let fixture = try await fixture()
    try await fixture.psql(sql)
    let report = try await drill(fixture)
    #expect(report.verdict == .restored && report.live == live && report.status == status, "\(report)")
    try await expectClean(fixture)
    await fixture.pools.close()
  }

  @Test("A damaged archive is told as such, with the place, and stays told until a drill of it has passed")
  func damaged() async throws {
    let fixture = try await fixture()
    let good = try fixture.bytes()
    var data = good
    data[data.count / 2] ^= 4
    try data.write(to: URL(filePath: fixture.directory.file(fixture.clicksPath)))
    let report = try await drill(fixture)
    #expect(report.verdict == .damaged && report.status == .failed && report.damage != nil)
    #expect(report.error?.code == .archiveCorrupt && report.restoredRows == nil && report.scratchTable == nil)
    try await expectClean(fixture)
    _ = try await drill(fixture, "2023-12-31")
    let history = try await DrillHistory.read(of: fixture.database, in: fixture.lake)
    #expect(history.last?.passed == true)
    #expect(try await failed(fixture) == ["damaged"])
    let checks = await checks(fixture)
    #expect(checks.map(\.status) == [.skipped, .failed])
    #expect(checks[1].remedy == "sluice drill --table events.clicks --date 2024-01-01")
    let status = try await StatusJob(fixture.context, fixture.settings.backup, readiness: ReadinessProbe([])) {
      OperationsOverview()
    }.report()
    #expect(status.status == .attention && status.lastDrill?.date == Day("2023-12-31"))
    #expect(status.advice.contains { $0.contains("2024-01-01: its last drill failed (damaged)") })
    // The listing knows it too, as long as it is the same file.
    func listed() async throws -> [String] {
      try await ArchivesRequest(["from": "2024-01-01", "to": "2024-01-01"]).answer(
        fixture.context, fixture.settings.backup
      )
      .archives.map(\.status.rawValue)
    }
    #expect(try await listed() == ["damaged"])
    try good.write(to: URL(filePath: fixture.directory.file(fixture.clicksPath)))
    #expect(try await failed(fixture) == [])
    #expect(try await listed() != ["damaged"])
    #expect(try await drill(fixture).status == .ok)
    #expect(await self.checks(fixture)[1].status == .ok)
    await fixture.pools.close()
  }

  func checks(_ fixture: Fixture) async -> [DoctorCheck] {
    await ArchiveChecks(fixture.settings.backup, database: fixture.database, now: fixture.now()) { fixture.lake }.run()
  }

  @Test("The doctor tells of days that are missing, of drills that never were or are old")
  func doctor() async throws {
    var fixture = try await Fixture(settings: ["BACKUP_TABLES": "events.clicks:at", "BACKUP_LOOKBACK_DAYS": "2"])
    fixture.now = { Date(timeIntervalSince1970: 1_704_283_200) }
    #expect(await checks(fixture).map(\.status) == [.warning, .skipped])
    _ = try await fixture.backup("\"table\": \"events.clicks:at\", \"from\": \"2024-01-01\", \"to\": \"2024-01-02\"")
    let never = await checks(fixture)
    #expect(never.map(\.status) == [.ok, .warning] && never[1].remedy == "sluice drill")
    _ = try await drill(fixture)
    #expect(await checks(fixture).map(\.status) == [.ok, .ok])
    let now = fixture.now()
    fixture.now = { now.addingTimeInterval(9 * 86_400) }
    let old = await checks(fixture)
    #expect(old[1].status == .warning && old[1].text.contains("older than 8 days"))
    await fixture.pools.close()
  }

  @Test("Rows that come back as others are told, although their number is right")
  func differs() async throws {
    let fixture = try await fixture()
    try await fixture.psql(
      """
      CREATE FUNCTION changed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'x'; RETURN NEW; END $$;
      CREATE FUNCTION meddle() RETURNS event_trigger LANGUAGE plpgsql AS $$
      DECLARE made pg_catalog.record;
      BEGIN
        FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() WHERE schema_name = 'sluice_drill' AND command_tag = 'CREATE TABLE' LOOP
          EXECUTE format('CREATE TRIGGER t BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION public.changed()', made.object_identity);
        END LOOP;
      END $$;
      CREATE EVENT TRIGGER meddle ON ddl_command_end EXECUTE FUNCTION meddle();
      """)
    let report = try await drill(fixture)
    #expect(report.verdict == .differs && report.status == .failed && report.restoredRows == 3, "\(report)")
    #expect(report.error?.code == .archiveDiffers)
    try await expectClean(fixture)
    await fixture.pools.close()
  }

  @Test("An archive whose types are gone cannot be restored here, and that is the drill's finding")
  func notRestored() async throws {
    let fixture = try await fixture(
      """
      CREATE SCHEMA events; CREATE TYPE events.mood AS ENUM ('good');
      CREATE TABLE events.clicks (id int, at timestamptz, mood events.mood);
      INSERT INTO events.clicks SELECT 1, d, 'good' FROM generate_series(timestamptz '2023-12-31', '2024-01-02', '1 day') d;
      """)
    try await fixture.psql("DROP TYPE events.mood CASCADE")
    let report = try await drill(fixture)
    #expect(report.verdict == .notRestored && report.error?.code == .tableNotMade, "\(report)")
    try await expectClean(fixture)
    #expect(try await failed(fixture) == ["not_restored"])
    await fixture.pools.close()
  }

  @Test("A role that may not make the schema is told of the setup, after which it can")
  func rights() async throws {
    let site = try await SetupSite()
    try await site.apply(["for": "backup"])
    let fixture = site.asRole()
    _ = try await fixture.backupOne()
    let error = await #expect(throws: JobError.self) { _ = try await drill(fixture) }
    #expect(error?.code == .permissionDenied && error?.message.contains("sluice setup apply --part drill") == true)
    #expect(try await DrillHistory.read(of: fixture.database, in: fixture.lake).entries == [])
    try await site.apply(["part": "drill"])
    let report = try await drill(fixture)
    #expect(report.status == .ok, "\(report)")
    // The setup's schema stays.
    try await expectClean(fixture, schema: true)
    #expect(try await site.run(.plan, ["part": "drill"]).parts.allSatisfy { $0.plan.changes.isEmpty })
    let removed = try await site.run(.remove, ["part": "drill"])
    #expect(removed.status == .ok)
    try await expectClean(fixture)
    await fixture.pools.close()
  }

  @Test("Nothing to drill is an error that says why")
  func nothing() async throws {
    let fixture = try await Fixture()
    func error(_ fixture: Fixture, _ day: String?, _ options: DrillOptions = DrillOptions()) async -> JobError? {
      await #expect(throws: JobError.self) { _ = try await job(fixture, options).choose(request(day)) }
    }
    let none = await error(fixture, nil)
    #expect(none?.code == .archiveNotFound && none?.field == "table")
    let day = await error(fixture, "2024-01-01")
    #expect(day?.code == .archiveNotFound && day?.field == "date")
    let archived = try await self.fixture()
    let path = archived.directory.file("\(archived.database)/_sluice/events.clicks.2024-01-01.json")
    try FileManager.default.removeItem(atPath: path)
    let bare = try await drill(archived)
    #expect(bare.verdict == .notRestored && bare.error?.code == .manifestUnreadable)
    var options = DrillOptions()
    options.maximumMiB = 1
    #expect(try await job(archived, options).choose(request(nil)).report.candidates == 2)
    await fixture.pools.close()
    await archived.pools.close()
  }

  @Test("A drill is not begun that would not end within the function's time limit")
  func time() async throws {
    let fixture = try await fixture()
    for name in ["2023-12-31", "2024-01-01", "2024-01-02"] {
      let file = fixture.directory.file("\(fixture.database)/_sluice/events.clicks.\(name).json")
      let text = try String(contentsOfFile: file, encoding: .utf8)
      let slow = text.replacing(/"seconds" : [0-9.e-]+/, with: "\"seconds\" : 200")
      #expect(slow != text)
      try slow.write(toFile: file, atomically: true, encoding: .utf8)
    }
    let job = job(fixture)
    let long = FunctionTime(begin: fixture.now(), seconds: 1800)
    #expect(try await job.choose(DrillRequest(), within: long).report.candidates == 3)
    let short = FunctionTime(begin: fixture.now(), seconds: 600)
    let error = await #expect(throws: JobError.self) { _ = try await job.choose(DrillRequest(), within: short) }
    #expect(
      error?.message.contains("3 would not end within the function's time limit") == true, "\(error?.message ?? "")")
    await fixture.pools.close()
  }

  @Test(
    "A hypertable's archive comes back in a plain table, compressed or not",
    .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
  func hypertable() async throws {
    let server = try await PostgresServer.withTimescale()
    let site = try await RetentionSite(RetentionDatabase(server: server))
    var administrator = site.settings.server
    administrator.user = server.superuser
    let setup = SetupJob(
      server: administrator, pools: ConnectionPools(passwords: FixedPassword(nil), maximum: 2))
    let applied = try await setup.run(
      SetupRequest(.apply, ["role": .string(site.base.caller), "part": "drill"]))
    #expect(applied.status == .ok, "\(applied.parts.compactMap(\.error))")
    let restore = site.settings.restoreOptions { _ in throw JobError(.outsideLake, "no other lake") }
    let job = DrillJob(site.context, site.settings.backup, restore, DrillOptions())
    for kind in RetentionDatabase.Kind.all {
      let table = "drill_\(kind.rawValue)".asciiLowercased()
      try await site.makeTable(table, kind)
      var request = DrillRequest()
      request.table = TableName(schema: "events", name: table)
      request.date = Day("2024-01-05")
      let report = try await job.run(job.choose(request), operation: UUID().uuidString)
      #expect(report.status == .ok && report.live == .same && report.isDropped, "\(kind): \(report)")
    }
    await site.pools.close()
  }
}
