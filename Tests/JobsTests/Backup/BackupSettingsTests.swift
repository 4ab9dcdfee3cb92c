import Reporting
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import TableDays

/// What the settings say of a table, in a backup that says nothing of it.
@Suite("Backups by the settings of a table")
struct BackupSettingsTests {
  /// A table with two columns that can be its time column. Of 2024-01-01 are all rows by `at`, and 1000 by `seen`.
  private func twoTimeColumns() async throws -> Fixture {
    try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz, seen timestamptz, note text);
      INSERT INTO events.clicks
        SELECT i, '2024-01-01 10:00+00', '2024-01-01 10:00+00'::timestamptz + (i / 1000) * interval '1 day',
          'note ' || (i % 37) || repeat(md5((i % 500)::text), 4)
        FROM generate_series(0, 2999) i;
      """)
  }

  private static let clicksWithoutColumn = "\"table\": \"events.clicks\", \"date\": \"2024-01-01\""

  @Test("The time column that the settings give a table is used", arguments: [("at", 3000), ("seen", 1000)])
  func timeColumn(name: String, rows: Int) async throws {
    let fixture = try await twoTimeColumns()
    #expect(try await fixture.backupError(Self.clicksWithoutColumn).code == .noTimeColumn)
    let listed = fixture.with {
      $0.backup.tables = [TableOptions(table: TableName(schema: "events", name: "clicks"), timeColumn: name)]
    }
    #expect(try await listed.backupOne(Self.clicksWithoutColumn).rows == rows)
  }

  @Test("The compression level that the settings give a table is used, and else that for all")
  func level() async throws {
    let fixture = try await twoTimeColumns()
    let table = TableName(schema: "events", name: "clicks")
    func size(ofTable level: Int?, all: Int) async throws -> Int {
      let listed = fixture.with {
        $0.backup.gzipLevel = all
        $0.backup.tables = [TableOptions(table: table, timeColumn: "at", compressionLevel: level)]
      }
      let result = try await listed.backupOne(Self.clicksWithoutColumn + ", \"overwrite\": true")
      #expect(result.rows == 3000)
      return try #require(result.gzipBytes)
    }
    let (fast, small) = (try await size(ofTable: 4, all: 9), try await size(ofTable: 9, all: 4))
    #expect(small < fast)
    #expect(try await size(ofTable: nil, all: 4) == fast)
    #expect(try await size(ofTable: nil, all: 9) == small)
  }
}
