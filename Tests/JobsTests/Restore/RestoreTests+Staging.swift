import Jobs
import TestSupport
import Testing

@testable import Reporting

extension RestoreTests {
  @Test("An index over nullable columns that takes NULLs for equal identifies rows")
  func nullsNotDistinct() async throws {
    let fixture = try await archived()
    guard try await fixture.psql("SELECT current_setting('server_version_num')::int >= 150000") == "t" else { return }
    try await fixture.psql("CREATE UNIQUE INDEX ON events.clicks (id, note) NULLS NOT DISTINCT")
    try await fixture.psql("INSERT INTO events.clicks VALUES (2, '2024-01-01 12:00+00', NULL)")
    let result = try await fixture.restoreOne(to("\"mode\": \"staging\""))
    #expect(result.rowsLoaded == 2)
    #expect(result.rowsSkipped == 1)
    try await expectOriginal(fixture)
  }

  @Test("Replacing in staging mode counts rows whose key another day holds")
  func stagingReplaceConflict() async throws {
    let fixture = try await archived(Fixture.clicks + "ALTER TABLE events.clicks ADD PRIMARY KEY (id);")
    try await fixture.psql(
      "INSERT INTO events.clicks VALUES (1, '2024-01-01 13:00+00', 'other'); UPDATE events.clicks SET id = 3 WHERE id = 5"
    )
    let result = try await fixture.restoreOne(to("\"mode\": \"staging\", \"on_existing\": \"replace\""))
    #expect(result.rowsLoaded == 2)
    #expect(result.rowsSkipped == 1)
    #expect(result.warnings.contains { $0.contains("1 rows of the file were not inserted") }, "\(result.warnings)")
  }
}
