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

/// A request that is sent again loads only what the earlier attempt has not.
@Suite("The marks of loads")
struct RestoreLogTests {
  func request(_ policy: String = "append", key: String? = "m-1") throws -> RestoreRequest {
    let key = key.map { ", \"key\": \"\($0)\"" } ?? ""
    return try RestoreRequest(
      JSONValue(
        json: Data(
          """
          {"table": "events.clicks", "date": "2024-01-01", "destination": {"on_existing": "\(policy)"}\(key)}
          """.utf8)))
  }

  func archived() async throws -> Fixture {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try await fixture.psql("DELETE FROM events.clicks WHERE id < 4")
    return fixture
  }

  func restore(_ fixture: Fixture, _ request: RestoreRequest) async throws -> RestoreResult {
    try #require(try await fixture.restoreJob().run(request).results.first)
  }

  @Test("A request with a key is loaded once, with or without a manifest", arguments: [true, false])
  func once(hasManifest: Bool) async throws {
    let fixture = try await archived()
    if !hasManifest {
      try FileManager.default.removeItem(
        atPath: fixture.directory.file("\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    }
    let first = try await restore(fixture, request())
    #expect(first.status == .ok)
    #expect(first.rowsLoaded == 3)
    let again = try await restore(fixture, request())
    #expect(again.status == .skipped)
    #expect(again.rowsLoaded == 0)
    #expect(again.warnings.contains { $0.contains("earlier attempt of this request loaded the archive's 3 rows") })
    #expect(try await fixture.count() == 5)
    // Another request loads them beside.
    #expect(try await restore(fixture, request(key: "m-2")).rowsLoaded == 3)
    #expect(try await fixture.count() == 8)
    let marks = try await fixture.psql(
      "SELECT string_agg(key || target || rows, ',' ORDER BY key) FROM sluice.restore_log")
    #expect(marks == "m-1events.clicks3,m-2events.clicks3")
    let sha = try await runChecked("/usr/bin/sha256sum", [fixture.directory.file(fixture.clicksPath)]).prefix(64)
    #expect(try await fixture.psql("SELECT DISTINCT sha256 FROM sluice.restore_log") == sha)
  }

  @Test("With the policy error, an attempt after the load is skipped and no error")
  func errorPolicy() async throws {
    let fixture = try await archived()
    #expect(try await restore(fixture, request("error")).status == .ok)
    #expect(try await restore(fixture, request("error")).status == .skipped)
    await #expect(throws: JobError.self) { _ = try await restore(fixture, request("error", key: nil)) }
  }

  @Test("A failed load leaves no mark")
  func failed() async throws {
    let fixture = try await archived()
    try await fixture.psql("ALTER TABLE events.clicks ADD CONSTRAINT few CHECK (id > 2)")
    await #expect(throws: JobError.self) { _ = try await restore(fixture, request()) }
    #expect(try await fixture.psql("SELECT count(*) FROM sluice.restore_log") == "0")
    try await fixture.psql("ALTER TABLE events.clicks DROP CONSTRAINT few")
    #expect(try await restore(fixture, request()).rowsLoaded == 3)
  }

  @Test("Of several days a second attempt loads the one that failed")
  func severalDays() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backup("\"table\": \"events.clicks:at\", \"from\": \"2023-12-31\", \"to\": \"2024-01-02\"")
    try await fixture.psql("TRUNCATE events.clicks; ALTER TABLE events.clicks ADD CONSTRAINT few CHECK (id <> 2)")
    var days = try request()
    guard case .days(let table, let day, _) = days.source else { return }
    days.source = .days(table: table, from: day.adding(days: -1), to: day.adding(days: 1))
    let first = try await fixture.restoreJob().run(days)
    #expect(first.results.map(\.status) == [.ok, .failed, .ok])
    try await fixture.psql("ALTER TABLE events.clicks DROP CONSTRAINT few")
    let second = try await fixture.restoreJob().run(days)
    #expect(second.results.map(\.status) == [.skipped, .ok, .skipped])
    #expect(second.status == .ok)
    #expect(try await fixture.count() == 5)
  }

  @Test("Another version of the archive is not taken for the one that was loaded")
  func otherVersion() async throws {
    let fixture = try await archived()
    #expect(try await restore(fixture, request()).rowsLoaded == 3)
    try await fixture.psql("INSERT INTO events.clicks VALUES (6, '2024-01-01 13:00+00', 'late')")
    _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true")
    let error = await #expect(throws: JobError.self) { _ = try await restore(fixture, request()) }
    #expect(error?.code == .archiveChanged)
    #expect(try await fixture.count() == 6)
    #expect(try await restore(fixture, request("replace")).rowsLoaded == 4)
    #expect(try await restore(fixture, request("replace")).status == .skipped)
    #expect(try await fixture.count() == 6)
  }

  @Test("Without a key nothing is created, and a mark is written where the table is")
  func keyless() async throws {
    let fixture = try await archived()
    #expect(try await restore(fixture, request(key: nil)).status == .ok)
    #expect(try await fixture.psql("SELECT to_regnamespace('sluice') IS NULL") == "t")
    _ = try await restore(fixture, request())
    _ = try await restore(fixture, request(key: nil))
    #expect(try await fixture.psql("SELECT count(*) FROM sluice.restore_log WHERE key IS NULL") == "1")
    // A table of another form does not fail a load without a key.
    try await fixture.psql("ALTER TABLE sluice.restore_log DROP COLUMN etag")
    #expect(try await restore(fixture, request(key: nil)).status == .ok)
  }

  @Test("A retried append that can leave no mark is refused with the SQL that helps; the other policies load")
  func needed() async throws {
    let server = try await PostgresServer.shared
    let fixture = try await archived()
    try await fixture.psql("GRANT USAGE ON SCHEMA events TO plain; GRANT ALL ON events.clicks TO plain")
    let plain = Fixture.plain(of: fixture, server)
    var retried = try request()
    retried.isRetried = true
    let error = await #expect(throws: JobError.self) { _ = try await restore(plain, retried) }
    #expect(error?.code == .restoreLogNeeded)
    #expect(error?.code.kind == .unprocessable)
    #expect(try await fixture.count() == 2)
    let replace = try await restore(plain, request("replace"))
    #expect(replace.status == .ok)
    // The answer's own statements make the table.
    let sql = try #require(error?.message.split(separator: "run: ").last)
    try await fixture.psql("\(sql)")
    #expect(try await restore(plain, retried).rowsLoaded == 3)
    #expect(try await restore(plain, retried).status == .skipped)
    await plain.pools.close()
  }

  @Test("A log that belongs to somebody else is not written to: its triggers would run as this role")
  func owner() async throws {
    let fixture = try await archived()
    try await fixture.psql(
      """
      GRANT CREATE ON DATABASE \(fixture.database) TO plain; SET ROLE plain; CREATE SCHEMA sluice;
      CREATE TABLE sluice.restore_log (load text, key text, target text, archive text, bytes int8, etag text, sha256 text,
        rows int8, xid text, loaded_at timestamptz);
      GRANT USAGE ON SCHEMA sluice TO PUBLIC; GRANT ALL ON sluice.restore_log TO PUBLIC;
      """)
    #expect(try await restore(fixture, request()).status == .ok)
    #expect(try await fixture.psql("SELECT count(*) FROM sluice.restore_log") == "0")
  }

  @Test("Two sessions that create the log at once both find it")
  func atOnce() async throws {
    let fixture = try await archived()
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 1...4 {
        group.addTask {
          let session = try await fixture.otherSession()
          let log = try await RestoreLog.open(
            for: .init(schema: "events", name: "clicks"), creating: true, on: session)
          await session.close()
          return log != nil
        }
      }
      for try await isThere in group { #expect(isThere) }
    }
  }

  @Test("Old marks are removed")
  func old() async throws {
    let fixture = try await archived()
    _ = try await restore(fixture, request())
    _ = try await restore(fixture, request(key: "m-2"))
    try await fixture.psql("UPDATE sluice.restore_log SET loaded_at = now() - interval '91 days' WHERE key = 'm-1'")
    await OldFiles(fixture.context).remove(database: fixture.database)
    #expect(try await fixture.psql("SELECT string_agg(key, ',') FROM sluice.restore_log") == "m-2")
  }

  @Test("A key is 1 to 200 visible characters", arguments: ["a b", "", String(repeating: "k", count: 201), "\u{e9}"])
  func form(key: String) throws {
    let error = #expect(throws: JobError.self) { _ = try request(key: key) }
    #expect(error?.code == .badField)
    #expect(error?.field == "key")
    #expect(try request(key: String(repeating: "k", count: 200)).key?.count == 200)
  }
}

extension Fixture {
  /// The fixture as the role without rights.
  static func plain(of fixture: Fixture, _ server: PostgresServer) -> Fixture {
    Fixture(fixture, pools: ConnectionPools(passwords: FixedPassword(Secret(server.plainPassword)), maximum: 4)) {
      $0.server.user = server.plainUser
    }
  }
}
