import Essentials
import Foundation
import Lake
import Postgres
import Reporting
import TableDays
import TestSupport
import Testing

@testable import Archive
@testable import Configuration
@testable import Database
@testable import Jobs

/// Days without rows, and rows without a day.
@Suite("Empty days and rows without a day")
struct EmptyDayTests {
  /// Rows on the 1st, 2nd and 5th of January 2024.
  static let table = """
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at timestamptz);
    INSERT INTO events.clicks VALUES (1, '2024-01-01 10:00+00'), (2, '2024-01-02 10:00+00'), (3, '2024-01-05 10:00+00');
    """

  static func day(_ date: String, _ more: String = "") -> String {
    "\"table\": \"events.clicks:at\", \"date\": \"\(date)\"\(more)"
  }

  @Test("A day without rows between the table's rows is archived, and says so")
  func inside() async throws {
    let fixture = try await Fixture(Self.table)
    let result = try await fixture.backupOne(Self.day("2024-01-03"))
    #expect(result.status == .ok && result.empty == true && result.rows == 0)
    #expect(result.warnings == ["the day has no rows; the table has rows before and after it"])
    #expect(try fixture.manifest("events.clicks.2024-01-03")["rows"] == .integer(0))
    #expect(try await fixture.backupOne(Self.day("2024-01-02")).empty == nil)
  }

  @Test(
    "A day before the table's first row or after its last one is not archived, unless asked for",
    arguments: [("2023-12-31", "a later"), ("2024-01-06", "an earlier")])
  func outside(date: String, side: String) async throws {
    let fixture = try await Fixture(Self.table)
    let result = try await fixture.backupOne(Self.day(date))
    #expect(result.status == .skipped && result.skipped == "outside the table's rows" && result.path == nil)
    #expect(result.warnings.count == 1 && result.warnings[0].contains("row is of \(side) day"))
    #expect(fixture.files == [])
    let asked = try await fixture.backupOne(Self.day(date, ", \"empty\": \"archive\""))
    #expect(asked.status == .ok && asked.empty == true)
  }

  private static let configured = ["BACKUP_TABLES": "events.clicks:at"]

  private func noted(_ fixture: Fixture) async throws -> [String: [String]] {
    let days = try await DaysWithoutRows.read(of: fixture.database, in: fixture.lake).days
    return days.reduce(into: [:]) { noted, item in
      noted["\(item.key)"] = item.value.map { "\($0.key) \($0.value)" }.sorted()
    }
  }

  private func statuses(_ fixture: Fixture, _ from: String, _ to: String) async throws -> [String] {
    let request = try ArchivesRequest(["from": .string(from), "to": .string(to)])
    return try await request.answer(fixture.context, fixture.settings.backup).archives.map(\.status.rawValue)
  }

  @Test("A day without rows and without an archive is noted in the lake, until it is archived")
  func notedDays() async throws {
    let fixture = try await Fixture(Self.table, settings: Self.configured)
    _ = try await fixture.backup(
      "\"table\": \"events.clicks:at\", \"from\": \"2023-12-31\", \"to\": \"2024-01-06\"")
    #expect(try await noted(fixture) == ["events.clicks": ["2023-12-31 doubtful", "2024-01-06 certain"]])
    let all = ["empty", "archived", "archived", "empty", "empty", "archived", "empty"]
    #expect(try await statuses(fixture, "2023-12-31", "2024-01-06") == all)
    try await fixture.psql("INSERT INTO events.clicks VALUES (4, '2024-01-06 10:00+00')")
    _ = try await fixture.backupOne(Self.day("2024-01-06"))
    #expect(try await noted(fixture) == ["events.clicks": ["2023-12-31 doubtful"]])
    // The archive and its manifest are removed by hand: the day had rows.
    for file in fixture.files where file.contains("2024-01-06") {
      try FileManager.default.removeItem(at: fixture.directory.url.appending(path: file))
    }
    #expect(try await statuses(fixture, "2024-01-06", "2024-01-06") == ["missing"])
    await fixture.pools.close()
  }

  @Test("A day before the table's rows is missing where an earlier day is archived: its rows may have gone with others")
  func droppedRows() async throws {
    let fixture = try await Fixture(Self.table, settings: Self.configured)
    _ = try await fixture.backupOne(Self.day("2024-01-01"))
    try await fixture.psql("DELETE FROM events.clicks WHERE at < '2024-01-04'")
    _ = try await fixture.backup(
      "\"table\": \"events.clicks:at\", \"from\": \"2024-01-02\", \"to\": \"2024-01-03\"")
    #expect(try await noted(fixture) == ["events.clicks": ["2024-01-02 doubtful", "2024-01-03 doubtful"]])
    #expect(try await statuses(fixture, "2024-01-01", "2024-01-03") == ["archived", "missing", "missing"])
    await fixture.pools.close()
  }

  @Test("A day that has just ended is empty for certain, and stays so when the rows before it are dropped")
  func freshDay() async throws {
    // It is 2024-01-10.
    let fixture = try await Fixture(Self.table, settings: Self.configured)
    _ = try await fixture.backupOne(Self.day("2024-01-05"))
    try await fixture.psql("TRUNCATE events.clicks")
    let span = "\"table\": \"events.clicks:at\", \"from\": \"2024-01-06\", \"to\": \"2024-01-09\""
    _ = try await fixture.backup(span)
    let days = ["2024-01-06 doubtful", "2024-01-07 doubtful", "2024-01-08 certain", "2024-01-09 certain"]
    #expect(try await noted(fixture) == ["events.clicks": days])
    #expect(
      try await statuses(fixture, "2024-01-05", "2024-01-09") == ["archived", "missing", "missing", "empty", "empty"])
    var later = fixture
    later.now = { fixture.now().addingTimeInterval(10 * 86_400) }
    _ = try await later.backup(span)
    #expect(try await noted(fixture) == ["events.clicks": days])
    await fixture.pools.close()
  }

  @Test("A gap between partitions is empty for certain; a day whose partition may have been dropped is not")
  func partitions() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz) PARTITION BY RANGE (at);
      CREATE TABLE events.first PARTITION OF events.clicks FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2024-01-02 00:00+00');
      CREATE TABLE events.second PARTITION OF events.clicks FOR VALUES FROM ('2024-01-02 00:00+00') TO ('2024-01-03 00:00+00');
      CREATE TABLE events.fourth PARTITION OF events.clicks FOR VALUES FROM ('2024-01-04 00:00+00') TO ('2024-01-05 00:00+00');
      INSERT INTO events.clicks VALUES (1, '2024-01-01 10:00+00'), (2, '2024-01-02 10:00+00'), (4, '2024-01-04 10:00+00');
      """, settings: Self.configured)
    _ = try await fixture.backupOne(Self.day("2024-01-01"))
    _ = try await fixture.backupOne(Self.day("2024-01-03"))
    #expect(try await noted(fixture) == ["events.clicks": ["2024-01-03 certain"]])
    try await fixture.psql("DROP TABLE events.first, events.second")
    _ = try await fixture.backup(
      "\"table\": \"events.clicks:at\", \"from\": \"2024-01-02\", \"to\": \"2024-01-03\"")
    #expect(try await noted(fixture) == ["events.clicks": ["2024-01-02 doubtful", "2024-01-03 certain"]])
    #expect(try await statuses(fixture, "2024-01-01", "2024-01-03") == ["archived", "missing", "empty"])
    await fixture.pools.close()
  }

  @Test("A day is not noted that was looked at by another column, or of a table that is not in BACKUP_TABLES")
  func otherColumn() async throws {
    let fixture = try await Fixture(
      "\(Self.table) ALTER TABLE events.clicks ADD COLUMN sent timestamptz; CREATE TABLE events.other (at timestamptz);",
      settings: Self.configured)
    let other = try await fixture.backupOne("\"table\": \"events.clicks:sent\", \"date\": \"2024-01-01\"")
    #expect(other.skipped == "outside the table's rows")
    let more = try await fixture.backupOne("\"table\": \"events.other:at\", \"date\": \"2024-01-01\"")
    #expect(more.skipped == "outside the table's rows")
    #expect(try await noted(fixture) == [:])
    await fixture.pools.close()
  }

  @Test("A note that is left beside an archive goes with the next night, and one is not made")
  func notedArchive() async throws {
    let fixture = try await Fixture(Self.table, settings: Self.configured)
    _ = try await fixture.backupOne(Self.day("2024-01-05"))
    let clicks = TableName(schema: "events", name: "clicks")
    let day = try #require(Day("2024-01-05"))
    // As a job that looked before another one archived the day.
    var findings = DaysWithoutRows.Findings()
    findings.without = [clicks: [day: .certain]]
    try await DaysWithoutRows.note(findings, of: fixture.database, in: fixture.lake)
    #expect(try await noted(fixture) == [:])
    try await fixture.lake.writeAll(
      Array(#"{"format_version": 1, "tables": [{"table": "events.clicks", "certain": ["2024-01-05"]}]}"#.utf8),
      to: DaysWithoutRows.path(database: fixture.database),
      temporary: ArchiveLayout.newTemporaryPath(database: fixture.database), condition: .always)
    #expect(try await noted(fixture) == ["events.clicks": ["2024-01-05 certain"]])
    _ = try await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(try await noted(fixture)["events.clicks"]?.contains("2024-01-05 certain") != true)
    await fixture.pools.close()
  }

  @Test("Two tables whose names Unicode calls equal are two tables")
  func equalNames() async throws {
    let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.\"\(composed)\" (at timestamptz); CREATE TABLE events.\"\(decomposed)\" (at timestamptz);",
      settings: ["BACKUP_TABLES": "events.\(composed):at,events.\(decomposed):at"])
    _ = try await fixture.backup(
      "\"tables\": [\"events.\(composed):at\", \"events.\(decomposed):at\"], \"date\": \"2024-01-05\"")
    let noted = try await DaysWithoutRows.read(of: fixture.database, in: fixture.lake).days
    #expect(Set(noted.keys) == Set([composed, decomposed].map { TableName(schema: "events", name: $0) }))
    await fixture.pools.close()
  }

  @Test("Dozens of jobs that note days without rows at the same time lose none of them")
  func notedTogether() async throws {
    let fixture = try await Fixture(Self.table)
    let clicks = TableName(schema: "events", name: "clicks")
    let days = try (1...24).map { try #require(Day("2023-12-\($0 < 10 ? "0" : "")\($0)")) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for day in days {
        group.addTask {
          var findings = DaysWithoutRows.Findings()
          findings.without = [clicks: [day: .doubtful]]
          try await DaysWithoutRows.note(findings, of: fixture.database, in: fixture.lake)
        }
      }
      try await group.waitForAll()
    }
    let noted = try await DaysWithoutRows.read(of: fixture.database, in: fixture.lake)
    #expect(noted.days.mapValues { Set($0.keys) } == [clicks: Set(days)])
  }

  @Test("A list of days without rows that cannot be read fails no backup and no listing, and stays as it is")
  func notedBadly() async throws {
    let fixture = try await Fixture(Self.table, settings: Self.configured)
    let path = try DaysWithoutRows.path(database: fixture.database)
    let text = Array("{\"format_version\": 2}".utf8)
    try await fixture.lake.writeAll(
      text, to: path, temporary: ArchiveLayout.newTemporaryPath(database: fixture.database), condition: .ifAbsent)
    #expect(try await fixture.backupOne(Self.day("2024-01-06")).skipped == "outside the table's rows")
    #expect(try await fixture.lake.readAll(path, limit: 1 << 20) == text)
    let archives = try await ArchivesRequest(["from": "2024-01-06"]).answer(fixture.context, fixture.settings.backup)
    let statuses = archives.archives.map(\.status)
    #expect(statuses.allSatisfy { $0.isGap }, "\(statuses)")
    #expect(archives.problems?.count == 1)
    await fixture.pools.close()
  }

  @Test("A table without rows has no day to archive; infinite times are no rows of a day")
  func noRows() async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (at timestamp);"
        + "INSERT INTO events.clicks VALUES ('infinity'), ('-infinity'), (NULL);")
    let result = try await fixture.backupOne(Self.day("2024-01-01"))
    #expect(result.skipped == "outside the table's rows")
    #expect(result.warnings == ["the table has no rows with a day"])
  }

  @Test("A long range outside the table's rows publishes nothing")
  func range() async throws {
    let fixture = try await Fixture(Self.table)
    let report = try await fixture.backup(
      "\"table\": \"events.clicks:at\", \"from\": \"2023-12-20\", \"to\": \"2024-01-08\"")
    #expect(report.status == .ok)
    #expect(report.results.count { $0.status == .ok } == 5)
    #expect(report.results.count { $0.skipped == "outside the table's rows" } == 15)
    #expect(fixture.files.count == 10)
  }

  @Test("An archive with rows is not replaced by an empty one because its day lies outside the table's rows now")
  func existing() async throws {
    let fixture = try await Fixture(Self.table)
    _ = try await fixture.backupOne(Self.day("2024-01-01"))
    try await fixture.psql("DELETE FROM events.clicks WHERE id = 1")
    let error = try await fixture.backupError(Self.day("2024-01-01", ", \"overwrite\": true"))
    #expect(error.code == .fewerRows)
    let forced = try await fixture.backupOne(Self.day("2024-01-01", ", \"overwrite\": true, \"force\": true"))
    #expect(forced.status == .ok && forced.empty == true)
  }

  static let undated = table + "INSERT INTO events.clicks VALUES (7, NULL), (8, 'infinity'), (9, '-infinity');"

  @Test("Rows without a day are counted once for each table where an index makes that cheap")
  func withIndex() async throws {
    let fixture = try await Fixture(Self.undated + "CREATE INDEX ON events.clicks (at)")
    let results = try await fixture.backup(
      "\"table\": \"events.clicks:at\", \"from\": \"2024-01-01\", \"to\": \"2024-01-02\""
    ).results
    #expect(results.compactMap(\.rowsWithoutADay) == [3])
    #expect(
      results.flatMap(\.warnings) == [
        "3 rows of events.clicks are in no day's archive: their at is NULL or infinite"
      ])
  }

  @Test("Without an index they are counted when the request asks for it; an index over other rows is none")
  func asked() async throws {
    let fixture = try await Fixture(
      Self.undated + "CREATE INDEX ON events.clicks (at) WHERE id > 1; CREATE INDEX ON events.clicks (id, at)")
    #expect(try await fixture.backupOne(Self.day("2024-01-01")).rowsWithoutADay == nil)
    let asked = try await fixture.backupOne(Self.day("2024-01-02", ", \"rows_without_a_day\": true"))
    #expect(asked.rowsWithoutADay == 3)
  }

  @Test("A table whose rows all have a day has none without one")
  func none() async throws {
    let fixture = try await Fixture(Self.table + "CREATE INDEX ON events.clicks (at)")
    let result = try await fixture.backupOne(Self.day("2024-01-01"))
    #expect(result.rowsWithoutADay == 0 && result.warnings == [])
  }

  @Test("An index that a child of the table lacks makes no count cheap")
  func childWithoutIndex() async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz);"
        + "CREATE INDEX ON events.clicks (at);"
        + "INSERT INTO events.clicks VALUES (1, '2024-01-01 10:00+00');"
        // A parent with an index, and a child without one, as inheritance has them: the index makes nothing cheap.
        + "CREATE TABLE events.clicks_old () INHERITS (events.clicks);"
        + "INSERT INTO events.clicks_old SELECT n, '2023-01-01' FROM generate_series(1, 300000) n; ANALYZE;")
    let facts = try await fixture.pools.withConnection(to: fixture.settings.server.target()) { connection in
      let facts = try await TableFacts.read(TableName(schema: "events", name: "clicks"), for: .read, on: connection)
      let rows = TableRows(facts, by: try facts.timeColumn(named: ColumnName("at"), remedy: ""), on: connection)
      return try await rows.hasTimeIndex()
    }
    #expect(!facts, "the count reads the whole of a child without an index")
  }
}
