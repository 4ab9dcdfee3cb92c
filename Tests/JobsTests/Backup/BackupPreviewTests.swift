import Essentials
import Foundation
import Jobs
import Reporting
import TableDays
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
    #expect(found[0].path == fixture.clicksPath)
    #expect(found[0].estimatedRows == nil)
    #expect((found[1].estimatedRows ?? 0) >= 1)
    #expect((found[1].estimatedGzipBytes ?? 0) > 0)
    #expect(found[2].error?.code == .tableNotFound)
    let replaced = try await preview(fixture, span + ", \"overwrite\": true")
    #expect(replaced.map(\.outcome) == [.replace, .archive, .refuse, .refuse])
    #expect(fixture.files == files)
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
