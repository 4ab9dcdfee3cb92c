import Foundation
import Lake
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import Archive
@testable import Database
@testable import Jobs
@testable import Reporting
@testable import TableDays

/// Drills that are cut off, or meet one another.
extension DrillTests {
  @Test("What a killed drill has left is dropped; what another one works on, or belongs to nobody, is not")
  func leftOvers() async throws {
    let fixture = try await fixture()
    let store = OperationStore(lake: fixture.lake, now: fixture.now)
    let running = try #require(UUID(uuidString: store.newID()))
    let killed = try #require(UUID(uuidString: store.newID()))
    let blocked = Flag()
    _ = try await store.start(Draft(DrillJob.kind, id: running.uuidString.lowercased())) { _ in
      while !blocked.isSet { try await Task.sleep(for: .milliseconds(5)) }
      return OperationOutcome(state: .succeeded, result: "done")
    }
    let names = [running, killed].map { ScratchSchema.table(ofOperation: $0).name }
    let other = ScratchSchema.table(ofOperation: try #require(UUID(uuidString: store.newID()))).name
    let bare = ScratchSchema.table(ofOperation: try #require(UUID(uuidString: store.newID()))).name
    func make(_ name: String, _ lake: String?) -> String {
      "CREATE TABLE sluice_drill.\(name) ();"
        + (lake.map { "COMMENT ON TABLE sluice_drill.\(name) IS '\(ScratchSchema.comment(lake: $0))';" } ?? "")
    }
    let own = fixture.lake.displayURL
    try await fixture.psql(
      "CREATE SCHEMA sluice_drill; " + names.map { make($0, own) }.joined() + make(other, "abfss://other@lake/")
        + make(bare, nil) + make("kept", own))
    let report = try await drill(fixture)
    #expect(report.status == .ok && report.leftOvers == ["sluice_drill.\(names[1])"], "\(report)")
    #expect(
      try await fixture.psql(
        "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'sluice_drill'")
        == [bare, other, names[0], "kept"].sorted().joined(separator: ","))
    blocked.set()
    // A day later nobody is at work for another lake either.
    var later = fixture
    later.now = { fixture.now().addingTimeInterval(90_000) }
    #expect(try await drill(later).leftOvers.contains("sluice_drill.\(other)"))
    await fixture.pools.close()
  }

  @Test("A scratch table that another session reads stays, is told, and the next drill drops it")
  func locked() async throws {
    let fixture = try await fixture()
    let id = UUID()
    let table = ScratchSchema.table(ofOperation: id)
    try await fixture.psql(
      "CREATE SCHEMA sluice_drill; CREATE TABLE sluice_drill.\(table.name) (); COMMENT ON TABLE sluice_drill.\(table.name) IS '\(ScratchSchema.comment(lake: fixture.lake.displayURL))'"
    )
    let session = try await fixture.otherSession()
    try await session.query("BEGIN")
    try await session.query("SELECT FROM sluice_drill.\(table.name)")
    let report = try await drill(fixture)
    #expect(report.verdict == .restored && report.leftOvers == [])
    #expect(
      report.warnings.contains { $0.contains("was not dropped, and the next drill drops it") }, "\(report.warnings)")
    await session.close()
    #expect(try await drill(fixture).leftOvers == ["\(table)"])
    await fixture.pools.close()
  }

  @Test("A drill that is cancelled while it restores leaves nothing, and is no finding about the archive")
  func cancelled() async throws {
    var fixture = try await fixture()
    let reached = Flag()
    var lake = HookedStore(fixture.lake)
    let readers = Mutex(0)
    lake.read = { reader, maxBytes, number in
      // The first reader of the archive is the verification's.
      let isArchive = reader.entry.path.name.hasSuffix(".csv.gz")
      let count = readers.withLock { count in
        if isArchive, number == 1 { count += 1 }
        return count
      }
      if isArchive, count == 2 {
        reached.set()
        try await Task.sleep(for: .seconds(60))
      }
      return try await reader.read(maxBytes: maxBytes)
    }
    fixture.lake = lake
    let hooked = fixture
    let task = Task { try await drill(hooked) }
    try await eventually { reached.isSet }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    try await expectClean(fixture)
    #expect(try await DrillHistory.read(of: fixture.database, in: fixture.lake).entries == [])
    await fixture.pools.close()
  }

  @Test("A database that goes away in the middle is no finding about the archive")
  func databaseGone() async throws {
    let server = try await PostgresServer(settings: [])
    let fixture = try await Fixture(server: server)
    _ = try await fixture.backupOne()
    let job = job(fixture)
    let subject = try await job.choose(request())
    await server.stopAndWait()
    let error = await #expect(throws: JobError.self) {
      _ = try await job.run(subject, operation: UUID().uuidString)
    }
    #expect(error?.code.retry == .retry)
    #expect(try await DrillHistory.read(of: fixture.database, in: fixture.lake).entries == [])
    await fixture.pools.close()
  }

  @Test("The scratch table is unlogged, so that a publication of all tables sends none of its rows")
  func publication() async throws {
    let fixture = try await fixture()
    try await fixture.psql(
      """
      CREATE TABLE seen (name text);
      CREATE FUNCTION look() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO public.seen SELECT c.relpersistence::text || c.relkind::text FROM pg_event_trigger_ddl_commands() d
          JOIN pg_class c ON c.oid = d.objid WHERE d.schema_name = 'sluice_drill' AND d.command_tag = 'CREATE TABLE'; END $$;
      CREATE EVENT TRIGGER look ON ddl_command_end EXECUTE FUNCTION look();
      CREATE PUBLICATION everything FOR ALL TABLES;
      """)
    #expect(try await drill(fixture).status == .ok)
    #expect(try await fixture.psql("SELECT string_agg(name, ',') FROM seen") == "ur")
    await fixture.pools.close()
  }

  @Test("An archive that is replaced while it is drilled is drilled again, and is no finding")
  func replaced() async throws {
    var fixture = try await fixture()
    let plain = fixture
    let isReplaced = Flag()
    var lake = HookedStore(fixture.lake)
    lake.read = { reader, maxBytes, number in
      let bytes = try await reader.read(maxBytes: maxBytes)
      // After the verification's first piece the day is archived again, with a row more.
      if reader.entry.path.name.hasSuffix(".csv.gz"), !isReplaced.isSet {
        isReplaced.set()
        try await plain.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 05:00+00', 'late')")
        _ = try await plain.backupOne(
          "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true")
      }
      return bytes
    }
    fixture.lake = lake
    let report = try await drill(fixture)
    #expect(isReplaced.isSet && report.verdict == .restored && report.restoredRows == 4, "\(report)")
    #expect(try await failed(plain) == [])
    try await expectClean(fixture)
    await fixture.pools.close()
  }

  @Test("A schema that another drill has removed a moment ago is made again")
  func schemaGone() async throws {
    var fixture = try await fixture()
    let plain = fixture
    let isGone = Flag()
    var lake = HookedStore(fixture.lake)
    lake.read = { reader, maxBytes, _ in
      if reader.entry.path.name.hasSuffix(".csv.gz"), !isGone.isSet {
        isGone.set()
        try await plain.psql("DROP SCHEMA sluice_drill")
      }
      return try await reader.read(maxBytes: maxBytes)
    }
    fixture.lake = lake
    #expect(try await drill(fixture).status == .ok)
    #expect(isGone.isSet)
    try await expectClean(fixture)
    await fixture.pools.close()
  }
}
