import Essentials
import Foundation
import TestSupport
import Testing

@testable import Archive
@testable import Configuration
@testable import Jobs
@testable import Lake
@testable import Reporting

@Suite("The day of an adopted archive")
struct AdoptDayTests {
  static let kinds: [(name: String, sql: String, file: Data?)] = {
    var kinds = [
      ("plain", Fixture.clicks, nil as Data?),
      (
        "date",
        "CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at date); "
          + "INSERT INTO events.clicks VALUES (1, '2024-01-01'), (2, '2024-01-02')", nil
      ),
      ("integer", IntegerTimeTests.table("bigint", perSecond: 1_000), IntegerTimeTests.settings("\"unit\": \"ms\"")),
    ]
    if PostgresServer.hasTimescale {
      kinds.append(("hypertable", "CREATE EXTENSION timescaledb; " + hypertable, nil))
    }
    return kinds
  }()

  private static let hypertable = """
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, "at" timestamptz NOT NULL, note text);
    SELECT create_hypertable('events.clicks', 'at');
    INSERT INTO events.clicks VALUES (1, '2024-01-01 00:00+00', 'a'), (2, '2024-01-01 23:59:59.999999+00', 'b,"c"');
    """

  @Test(
    "A file that was given the name of another day is damaged, and not adopted; under its own name it is",
    arguments: kinds.indices)
  func renamed(kind: Int) async throws {
    let (name, sql, file) = Self.kinds[kind]
    let server = name == "hypertable" ? try await TimescaleServer.shared.value : try await PostgresServer.shared
    let fixture = try await Fixture(
      sql, settings: ["BACKUP_TABLES": "events.clicks:at"], server: server, file: file)
    let backup = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\"")
    #expect(backup.status == .ok, "\(backup.error as Any)")
    let manager = FileManager.default
    try manager.removeItem(atPath: fixture.directory.file("\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    let own = fixture.directory.file(fixture.clicksPath)
    let other = fixture.directory.file("\(fixture.database)/events.clicks.2024-01-05.csv.gz")
    try manager.moveItem(atPath: own, toPath: other)
    let result = try await fixture.verifyOne("\"adopt\": true")
    #expect(result.status == .damaged && result.damage?.kind == .day, "\(name): \(result.error as Any)")
    let rows = backup.rows ?? 0
    #expect(
      result.damage?.detail.hasPrefix("\(rows) of its \(rows) rows are not of 2024-01-05, the day in the file's name")
        == true)
    #expect(fixture.files.filter { $0.hasSuffix(".json") }.isEmpty)
    try manager.moveItem(atPath: other, toPath: own)
    #expect(try await fixture.verifyOne("\"adopt\": true").adopted == true)
  }

  @Test("One row of another day, one without a time, and a value that is no time keep a file from being adopted")
  func mixed() async throws {
    let fixture = try await Fixture(settings: ["BACKUP_TABLES": "events.clicks:at"])
    func adopt(_ rows: String) async throws -> VerifyResult {
      try await fixture.put("id,at,note\n" + rows)
      return try await fixture.verifyOne("\"adopt\": true")
    }
    let late = try await adopt("1,2024-01-01 00:00:00+00,x\n2,2024-01-02 00:00:00+00,\"a\"\"b\nc\"\n")
    #expect(late.status == .damaged && late.damage?.detail.hasPrefix("1 of its 2 rows") == true)
    let null = try await adopt("1,,x\n2,\"2024-01-01 10:00:00+00\",y")
    #expect(null.status == .damaged && null.damage?.detail.hasPrefix("1 of its 2 rows") == true)
    let none = try await adopt("1,secret,x\n")
    #expect(none.status == .failed && none.error?.code == .archiveDiffers && none.error?.field == "adopt")
    #expect(none.error?.message.contains("secret") == false)
    #expect(fixture.files.filter { $0.hasSuffix(".json") }.isEmpty)
  }

  @Test("Where the time column is not known the file is not adopted, and the error says so")
  func unknown() async throws {
    let fixture = try await Fixture()
    try await fixture.put("id,at,note\n1,2024-01-01 00:00:00+00,first\n")
    let result = try await fixture.verifyOne("\"adopt\": true")
    #expect(result.status == .failed && result.error?.code == .noTimeColumn)
    #expect(fixture.files.filter { $0.hasSuffix(".json") }.isEmpty)
  }
}
