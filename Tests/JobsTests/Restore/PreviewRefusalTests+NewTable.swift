import Database
import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

extension PreviewRefusalTests {
  @Test(
    "What a load into a table that is to be made would refuse is told before",
    arguments: [
      ("", "\"copy\": {\"defaults\": {\"nosuch\": 1}}", JobErrorCode.unknownColumns, "copy.defaults.nosuch"),
      ("", "\"copy\": {\"ignore\": \"note\", \"defaults\": {\"note\": \"x\"}}", .unknownColumns, "copy.defaults.note"),
      ("", "\"copy\": {\"map\": {\"note\": \"at\"}}", .badField, "copy.map"),
      ("", "\"copy\": {\"columns\": [\"id\", \"at\"]}", .badHeader, "copy.columns"),
      (
        ", \"mode\": \"staging\", \"create_staging_like\": \"events.nosuch\"", "", .tableNotFound,
        "destination.create_staging_like"
      ),
      (
        "", "\"where\": {\"from\": \"2024-01-01T10:00Z\", \"to\": \"2024-01-03T00:00Z\"}", .badField, "where"
      ),
      (", \"on_existing\": \"replace\"", "\"copy\": {\"ignore\": \"at\"}", .badTimeColumn, "destination.on_existing"),
      (
        ", \"on_existing\": \"append\"", "\"copy\": {\"ignore\": \"at\"}, \"keep_until\": \"2999-01-01\"",
        .noTimeColumn,
        "keep_until"
      ),
      (
        "", "\"timescaledb\": {\"refresh_caggs\": [\"events.hourly\"]}", .aggregateNotFound, "timescaledb.refresh_caggs"
      ),
    ])
  func newTable(destination: String, members: String, code: JobErrorCode, field: String) async throws {
    let fixture = try await Fixture(settings: ["BACKUP_TABLES": "events.clicks:at"])
    _ = try await fixture.backupOne()
    try await fixture.psql("DROP TABLE events.clicks")
    let make = "\(Self.day), \"destination\": {\"create_table\": true\(destination)}"
    let preview = try await Self.expectRefused(members.isEmpty ? make : "\(make), \(members)", code, by: fixture)
    #expect(preview.problems.first?.field == field)
    #expect(try await fixture.psql("SELECT to_regclass('events.clicks') IS NULL") == "t")
    let plain = "\(Self.day), \"destination\": {\"create_table\": true}, \"copy\": {\"map\": {\"at\": \"seen\"}}"
    let loads = try #require(try await fixture.previews(plain).first)
    #expect(loads.outcome == .load, "\(loads.problems)")
    #expect(loads.columns.allSatisfy { $0.fate == "loaded" && $0.conversion == "same" && $0.tableType == $0.type })
    #expect(try await fixture.restoreOne(plain).rowsLoaded == 3)
    await fixture.pools.close()
  }
}
