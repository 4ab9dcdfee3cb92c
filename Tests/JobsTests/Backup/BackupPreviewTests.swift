import Database
import Essentials
import Foundation
import Jobs
import Postgres
import Reporting
import TableDays
import TestSupport
import Testing

@testable import Configuration

@Suite("What a backup would do")
struct BackupPreviewTests {
  func preview(_ fixture: Fixture, _ members: String) async throws -> [BackupPreview] {
    let job = BackupJob(fixture.context, fixture.settings.backup)
    return try await job.preview(job.plan(BackupRequest(JSONValue(json: Data("{\(members)}".utf8))))).results
  }

  @Test("Each table-day has its outcome and what is expected, and nothing is written")
  func outcomes() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try await fixture.psql("ANALYZE")
    let files = fixture.files
    let span =
      "\"tables\": [\"events.clicks:at\", \"events.absent:at\"], \"from\": \"2024-01-01\", \"to\": \"2024-01-02\""
    let found = try await preview(fixture, span)
    #expect(found.map(\.outcome) == [.skip, .archive, .refuse, .refuse])
    #expect(found[0].path == fixture.clicksPath && found[0].skipped == "exists")
    #expect(found[0].estimatedRows == nil)
    #expect((found[1].estimatedRows ?? 0) >= 1)
    #expect((found[1].estimatedGzipBytes ?? 0) > 0)
    #expect(found[2].error?.code == .tableNotFound)
    let replaced = try await preview(fixture, span + ", \"overwrite\": true")
    #expect(replaced.map(\.outcome) == [.replace, .archive, .refuse, .refuse])
    #expect(fixture.files == files)
  }

  @Test(
    "A replacement that would be refused is told, and so is an archive that is kept; with force it would be replaced")
  func refusals() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    let asked = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true"
    #expect(try await preview(fixture, asked).map(\.estimatedRows) == [3])
    try await fixture.psql("DELETE FROM events.clicks WHERE id = 2")
    let fewer = try await preview(fixture, asked)
    #expect(fewer.map(\.outcome) == [.refuse] && fewer[0].error?.code == .fewerRows)
    #expect(try await fixture.backupError(asked).code == .fewerRows)
    #expect(try await preview(fixture, asked + ", \"force\": true").map(\.outcome) == [.replace])
    try await fixture.psql(
      "INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late'); ALTER TABLE events.clicks DROP COLUMN note")
    #expect(try await preview(fixture, asked).map { $0.error?.code } == [.archiveDiffers])
    await fixture.pools.close()
  }

  @Test("What a backup would skip or refuse for its key, the table's rows, a policy or a clock is told so")
  func asABackup() async throws {
    let fixture = try await Fixture("\(Fixture.clicks) CREATE INDEX ON events.clicks (at);")
    let day = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true"
    _ = try await fixture.backupOne(day + ", \"key\": \"k-1\"")
    #expect(try await preview(fixture, day + ", \"key\": \"k-1\"").map(\.skipped) == ["exists"])
    #expect(try await preview(fixture, day + ", \"key\": \"k-2\"").map(\.outcome) == [.replace])
    let later = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-05\""
    #expect(try await preview(fixture, later).map(\.skipped) == ["outside the table's rows"])
    #expect(try await preview(fixture, later + ", \"empty\": \"archive\"").map(\.outcome) == [.archive])
    // A manifest that is none stops its own day alone.
    let manifest = fixture.directory.url.appending(path: "\(fixture.database)/_sluice/events.clicks.2024-01-01.json")
    try FileManager.default.removeItem(at: manifest)
    try FileManager.default.createDirectory(at: manifest, withIntermediateDirectories: false)
    let both = "\"table\": \"events.clicks:at\", \"from\": \"2024-01-01\", \"to\": \"2024-01-02\", \"overwrite\": true"
    let found = try await preview(fixture, both)
    #expect(found.map(\.outcome) == [.refuse, .archive], "\(found)")
    await fixture.pools.close()
  }

  @Test("Rows that a policy hides are not counted as missing: the dry run is refused as the backup is")
  func rowSecurity() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try await fixture.psql(
      """
      GRANT USAGE ON SCHEMA events TO plain; GRANT SELECT ON events.clicks TO plain;
      ALTER TABLE events.clicks ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON events.clicks USING (id < 2);
      """)
    let pools = ConnectionPools(passwords: FixedPassword(Secret(fixture.server.plainPassword)), maximum: 4)
    let plain = Fixture(fixture, pools: pools) { $0.server.user = "plain" }
    let asked = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true"
    let found = try await preview(plain, asked)
    #expect(found.map { $0.error?.code } == [.permissionDenied], "\(found.map { $0.error?.message })")
    await pools.close()
    await fixture.pools.close()
  }

  @Test("A day without a partition would be skipped")
  func noPartition() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz) PARTITION BY RANGE (at);
      CREATE TABLE events.january PARTITION OF events.clicks FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-02-01 00:00+00');
      """)
    let found = try await preview(
      fixture, "\"table\": \"events.clicks\", \"from\": \"2023-12-31\", \"to\": \"2024-01-01\"")
    #expect(found.map(\.outcome) == [.skip, .archive])
    #expect(found.map(\.skipped) == ["no partition", nil])
    await fixture.pools.close()
  }

  @Test("A pattern stands for the tables of BACKUP_TABLES that match, each once; one that matches none is an error")
  func patterns() async throws {
    let fixture = try await Fixture(settings: ["BACKUP_TABLES": "events.clicks:at,events.pages,other.clicks"])
    func tables(_ members: String) throws -> [String] {
      let request = try BackupRequest(JSONValue(json: Data("{\(members), \"date\": \"2024-01-01\"}".utf8)))
      return try BackupJob(fixture.context, fixture.settings.backup).plan(request).units.map { "\($0.tableDay.table)" }
    }
    #expect(try tables("\"tables\": \"events.*\"") == ["events.clicks", "events.pages"])
    #expect(
      try tables("\"tables\": [\"*.clicks\", \"events.*\"]") == ["events.clicks", "other.clicks", "events.pages"])
    #expect(try tables("\"table\": \"events.pages,*.pa?es\"") == ["events.pages"])
    #expect(try tables("\"tables\": \"*.*\"").count == 3)
    let none = #expect(throws: JobError.self) { try tables("\"tables\": \"evens.*\"") }
    #expect(none?.code == .badField && none?.message.contains("events.clicks, events.pages, other.clicks") == true)
    let form = #expect(throws: JobError.self) { try tables("\"tables\": \"*\"") }
    #expect(form?.field == "tables")
  }
}
