import Configuration
import Essentials
import Foundation
import TestSupport
import Testing

@testable import Archive
@testable import Jobs
@testable import Reporting
@testable import TableDays

@Suite("The catalog of archives")
struct ArchiveCatalogTests {
  let clicks = TableName(schema: "events", name: "clicks")

  func catalog(settings: [String: String] = [:]) async throws -> Fixture {
    let fixture = try await Fixture(settings: settings)
    for day in ["2023-12-31", "2024-01-01", "2024-01-03"] {
      _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"\(day)\", \"empty\": \"archive\"")
    }
    try await fixture.put("a\n", at: "\(fixture.database)/other.tool.2024-01-02.csv.gz")
    try await fixture.put("a\n", at: "\(fixture.database)/notes.csv.gz")
    try await fixture.put("a\n", at: "elsewhere/events.clicks.2024-01-02.csv.gz")
    return fixture
  }

  private func answer(_ fixture: Fixture, _ members: [String: JSONValue] = [:]) async throws -> ArchivesRequest.Answer {
    try await ArchivesRequest(.object(members)).answer(fixture.context, fixture.settings.backup)
  }

  private func lines(_ items: [Coverage.Item]) -> [String] {
    items.map { "\($0.table) \($0.date) \($0.status.rawValue)" }
  }

  @Test("Archives are listed by table and day, with the missing days between them")
  func gaps() async throws {
    let fixture = try await catalog()
    let answer = try await answer(fixture)
    let items = answer.archives
    #expect(
      lines(items) == [
        "events.clicks 2023-12-31 archived", "events.clicks 2024-01-01 archived", "events.clicks 2024-01-02 missing",
        "events.clicks 2024-01-03 empty", "other.tool 2024-01-02 archived",
      ])
    #expect(items[1].rows == 3)
    #expect(items[1].path == fixture.clicksPath)
    #expect(items[1].gzipBytes == (try fixture.bytes().count))
    #expect(items[2].path == nil)
    #expect(items[4].rows == nil)
    #expect(answer.next == nil)
    #expect(answer.tables.map(\.table) == [clicks, TableName(schema: "other", name: "tool")])
    #expect(answer.total.days == [.archived: 3, .empty: 1, .missing: 1] && answer.total.rows == 4)
  }

  @Test("A configured table shows to yesterday, also where it was never archived")
  func configured() async throws {
    let settings = ["BACKUP_TABLES": "events.clicks:at,events.never", "BACKUP_LOOKBACK_DAYS": "2"]
    let fixture = try await catalog(settings: settings)
    // It is noon of 2024-01-10.
    #expect(
      try await lines(answer(fixture, ["status": "missing,expected", "from": "2024-01-08"]).archives)
        == [
          "events.clicks 2024-01-08 missing", "events.clicks 2024-01-09 missing", "events.never 2024-01-08 expected",
          "events.never 2024-01-09 expected", "other.tool 2024-01-08 missing", "other.tool 2024-01-09 missing",
        ].filter { !$0.hasPrefix("other") })
    let never = try await answer(fixture, ["table": "events.never"])
    #expect(lines(never.archives) == ["events.never 2024-01-08 expected", "events.never 2024-01-09 expected"])
    let missing = try await answer(fixture, ["table": "events.clicks", "status": "missing"]).archives
    #expect(
      missing.map { "\($0.date) \($0.pastLookback ?? false)" }.prefix(2) == ["2024-01-02 true", "2024-01-04 true"])
    #expect(missing.last?.pastLookback == nil)
    // The tables of the settings are those of PG_DATABASE.
    #expect(try await answer(fixture, ["database": "elsewhere"]).tables.map(\.table) == [clicks])
  }

  @Test("A file of another length than its manifest says is damaged; one without a file is missing")
  func damaged() async throws {
    let fixture = try await catalog()
    let whole = try fixture.bytes()
    let file = fixture.directory.url.appending(path: fixture.clicksPath)
    try whole.dropLast().write(to: file)
    let other = fixture.directory.url.appending(path: "\(fixture.database)/events.clicks.2024-01-03.csv.gz")
    try FileManager.default.removeItem(at: other)
    let items = try await answer(fixture, ["table": "events.clicks", "from": "2024-01-01", "to": "2024-01-03"]).archives
    #expect(items.map(\.status) == [.damaged, .missing, .missing])
    #expect(items[0].detail == "the file has \(whole.count - 1) bytes, its manifest says \(whole.count)")
    #expect(items[2].detail == "the day has a manifest, but its file is gone")
    try whole.write(to: file)
    #expect(try await answer(fixture, ["status": "damaged"]).archives.isEmpty)
  }

  @Test("A table that is neither archived nor configured is an error that names the nearest")
  func unknownTable() async throws {
    let fixture = try await catalog()
    let error = await #expect(throws: JobError.self) {
      try await answer(fixture, ["table": "events.click"])
    }
    #expect(error?.code == .badField && error?.field == "table")
    #expect(error?.message.contains("(did you mean events.clicks?)") == true, "\(error?.message ?? "")")
  }

  @Test("Bounds that are not a span of days, and words that are no status, are refused")
  func badBounds() throws {
    let swapped = #expect(throws: JobError.self) {
      try ArchivesRequest(.object(["from": .string("2024-01-02"), "to": .string("2024-01-01")]))
    }
    #expect(swapped?.code == .badField)
    #expect(swapped?.message == "from: 2024-01-02 is after to, 2024-01-01; swap them")
    for text in ["lost", "missing,lost", ",", "missing;damaged"] {
      let error = #expect(throws: JobError.self) { try ArchivesRequest(.object(["status": .string(text)])) }
      #expect(error?.code == .badField && error?.field == "status")
    }
    #expect(try ArchivesRequest(["status": "missing,late_rows"]).statuses == [.missing, .lateRows])
    #expect(try ArchivesRequest(["status": ["empty"]]).statuses == [.empty])
  }

  @Test("A listing comes in pages, and a span without an end has one")
  func pages() async throws {
    let fixture = try await catalog()
    let first = try await answer(fixture, ["limit": 4])
    #expect(first.archives.count == 4 && first.next == "events.clicks/2024-01-03")
    let second = try await answer(fixture, ["limit": 4, "after": .string(first.next ?? "")])
    #expect(lines(second.archives) == ["other.tool 2024-01-02 archived"] && second.next == nil)
    let endless = try await answer(
      fixture, ["table": "events.clicks", "from": "1583-01-01", "to": "9999-01-01", "limit": 10])
    #expect(endless.archives.count == 10 && endless.next == "events.clicks/1583-01-10")
    #expect(endless.tables[0].to == Day("2024-01-09"))
  }

  @Test(
    "A position names a table and a day; anything else is refused", arguments: ["", "a.b", "a.b/2024", "b/2024-01-01"])
  func badPosition(text: String) throws {
    let name = try TableName(parsing: "\"a/b\".c")
    let position = ArchiveCatalog.Position(table: name, day: try #require(Day("2024-01-01")))
    #expect(ArchiveCatalog.Position("\(position)") == position)
    if text.isEmpty { return }
    let error = #expect(throws: JobError.self) { try ArchivesRequest(.object(["after": .string(text)])) }
    #expect(error?.code == .badField && error?.field == "after")
  }
}
