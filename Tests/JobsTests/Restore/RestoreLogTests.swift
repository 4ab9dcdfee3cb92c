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

  @Test("A commit of unknown outcome can be run again with the same key, and is loaded once")
  func afterUnknown() async throws {
    let fixture = try await archived()
    // The log's own transaction would be the first to commit.
    _ = try await restore(fixture, request("skip", key: "other"))
    try await fixture.psql("DELETE FROM events.clicks WHERE id < 4")
    let proxy = try MessageProxy(to: fixture.server.port, cutting: .beforeAnswer, isLast: true)
    let cut = fixture.with { $0.server.port = proxy.port }
    let first = try await restore(cut, request())
    #expect(first.status == .unconfirmed)
    #expect(first.error?.message.contains("with the same key") == true, "\(first)")
    let again = try await restore(fixture, request())
    #expect(again.status == .skipped)
    #expect(try await fixture.count() == 5)
  }

  @Test("Another version of the archive is not taken for the one that was loaded")
  func otherVersion() async throws {
    let fixture = try await archived()
    #expect(try await restore(fixture, request()).rowsLoaded == 3)
    try await fixture.psql("INSERT INTO events.clicks VALUES (6, '2024-01-01 13:00+00', 'late')")
    _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true")
    let error = await #expect(throws: JobError.self) { _ = try await restore(fixture, request()) }
    #expect(error?.code == .archiveReplaced)
    #expect(error?.code.retry == .never)
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

  @Test("A keyed or retried append that can leave no mark is refused with the SQL that helps; the other policies load")
  func needed() async throws {
    let server = try await PostgresServer.shared
    let fixture = try await archived()
    try await fixture.psql("GRANT USAGE ON SCHEMA events TO plain; GRANT ALL ON events.clicks TO plain")
    let plain = Fixture.plain(of: fixture, server)
    let keyed = try request()
    var retried = try request(key: nil)
    retried.isRetried = true
    let refused = await #expect(throws: JobError.self) { _ = try await restore(plain, retried) }
    #expect(refused?.code == .restoreLogNeeded)
    let error = await #expect(throws: JobError.self) { _ = try await restore(plain, keyed) }
    #expect(error?.code == .restoreLogNeeded)
    #expect(error?.message.contains("\"plain\"") == false)
    #expect(error?.code.kind == .unprocessable)
    #expect(try await fixture.count() == 2)
    let replace = try await restore(plain, request("replace"))
    #expect(replace.status == .ok)
    // The answer's own statements make the table.
    let sql = try #require(error?.message.split(separator: "run: ").last)
    try await fixture.psql("\(sql)")
    #expect(try await restore(plain, keyed).rowsLoaded == 3)
    #expect(try await restore(plain, keyed).status == .skipped)
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
    let error = await #expect(throws: JobError.self) { _ = try await restore(fixture, request()) }
    #expect(error?.code == .restoreLogNeeded)
    #expect(error?.message.contains("belongs to plain") == true)
    let replaced = try await restore(fixture, request("replace"))
    #expect(replaced.status == .ok)
    #expect(replaced.warnings.contains { $0.contains("the key was not kept") })
    #expect(try await fixture.psql("SELECT count(*) FROM sluice.restore_log") == "0")
    // The answer's own statement puts it away, with what its owner has left in it.
    #expect(error?.message.contains("OWNER TO") == false)
    let sql = try #require(error?.message.split(separator: "run: ").last)
    try await fixture.psql("\(sql)")
    #expect(try await restore(fixture, request()).status == .ok)
  }

  static let table = """
    CREATE TABLE sluice.restore_log (load text, key text, source text, target text, target_oid oid, archive text, bytes int8,
      etag text, sha256 text, rows int8, loaded_at timestamptz);
    """

  /// A request for a load into `public.target`.
  static let target =
    "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"key\": \"m\", "
    + "\"destination\": {\"on_existing\": \"append\", \"target_table\": \"public.target\"}"

  @Test("A retry finds its mark also when a newer archive of the day was published in the other layout meanwhile")
  func otherLayout() async throws {
    let fixture = try await Fixture(settings: ["BACKUP_TABLES": "events.clicks:at"])
    _ = try await fixture.backupOne()
    // The day was archived by an older function app.
    let older = fixture.directory.file("\(fixture.database)/events/clicks.2024-01-01.csv.gz")
    try FileManager.default.createDirectory(
      atPath: fixture.directory.file("\(fixture.database)/events"), withIntermediateDirectories: true)
    try FileManager.default.moveItem(atPath: fixture.directory.file(fixture.clicksPath), toPath: older)
    try FileManager.default.removeItem(
      atPath: fixture.directory.file("\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    try await fixture.psql("CREATE TABLE public.target (LIKE events.clicks)")
    #expect(try await fixture.restoreOne(Self.target).rowsLoaded == 3)
    _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true")
    _ = try? await fixture.restore(Self.target)
    #expect(try await fixture.count("public.target") == 3)
  }

  @Test("A mark of rows in a table that was dropped and made again does not count")
  func tableMadeAgain() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    for _ in 1...2 {
      try await fixture.psql("DROP TABLE IF EXISTS public.target; CREATE TABLE public.target (LIKE events.clicks)")
      #expect(try await fixture.restoreOne(Self.target).rowsLoaded == 3)
    }
    #expect(try await fixture.count("public.target") == 3)
  }

  @Test(
    "A log that may not store a mark, or not show it, is not used",
    arguments: [
      "CREATE RULE away AS ON INSERT TO sluice.restore_log DO INSTEAD NOTHING",
      "ALTER TABLE sluice.restore_log ENABLE ROW LEVEL SECURITY", "ALTER TABLE sluice.restore_log SET UNLOGGED",
      "CREATE TRIGGER away BEFORE INSERT ON sluice.restore_log FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ])
  func notPlain(change: String) async throws {
    let fixture = try await archived()
    #expect(try await restore(fixture, request(key: "first")).rowsLoaded == 3)
    try await fixture.psql(change)
    let error = await #expect(throws: JobError.self) { _ = try await restore(fixture, request()) }
    #expect(error?.code == .restoreLogNeeded)
    #expect(try await fixture.count() == 5)
  }

  @Test("Two sessions that create the log at once both find it")
  func atOnce() async throws {
    let fixture = try await archived()
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 1...4 {
        group.addTask {
          let session = try await fixture.otherSession()
          let log = try await RestoreLog.open(
            of: "\(fixture.database)/events.clicks 2024-01-01", into: .init(schema: "events", name: "clicks"),
            creating: true,
            on: session)
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
