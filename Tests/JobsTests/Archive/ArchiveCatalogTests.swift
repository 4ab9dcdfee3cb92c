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

  func catalog() async throws -> Fixture {
    let fixture = try await Fixture()
    for day in ["2023-12-31", "2024-01-01", "2024-01-03"] {
      _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"\(day)\", \"empty\": \"archive\"")
    }
    try await fixture.put("a\n", at: "\(fixture.database)/other.tool.2024-01-02.csv.gz")
    try await fixture.put("a\n", at: "\(fixture.database)/notes.csv.gz")
    try await fixture.put("a\n", at: "elsewhere/events.clicks.2024-01-02.csv.gz")
    return fixture
  }

  func lines(_ items: [ArchiveCatalog.Item]) -> [String] { items.map { "\($0.table) \($0.date) \($0.status)" } }

  @Test("Archives are listed by table and day, with the missing days between them")
  func gaps() async throws {
    let fixture = try await catalog()
    let items = try await ArchiveCatalog(fixture.lake).items(
      database: fixture.database, table: nil, from: nil, to: nil)
    #expect(
      lines(items) == [
        "events.clicks 2023-12-31 archived", "events.clicks 2024-01-01 archived", "events.clicks 2024-01-02 missing",
        "events.clicks 2024-01-03 archived", "other.tool 2024-01-02 archived",
      ])
    #expect(items[1].rows == 3)
    #expect(items[1].path == fixture.clicksPath)
    #expect(items[1].gzipBytes == (try fixture.bytes().count))
    #expect(items[2].path == nil)
    #expect(items[4].rows == nil)
  }

  @Test("From and to extend the list of missing days beyond the archives")
  func bounds() async throws {
    let fixture = try await catalog()
    let items = try await ArchiveCatalog(fixture.lake).items(
      database: fixture.database, table: clicks, from: Day("2024-01-02"), to: Day("2024-01-04"))
    #expect(
      lines(items) == [
        "events.clicks 2024-01-02 missing", "events.clicks 2024-01-03 archived", "events.clicks 2024-01-04 missing",
      ])
    let absent = try await ArchiveCatalog(fixture.lake).items(
      database: fixture.database, table: TableName(schema: "a", name: "b"), from: Day("2024-01-02"),
      to: Day("2024-01-02"))
    #expect(lines(absent) == ["a.b 2024-01-02 missing"])
  }

  @Test("Bounds that are not a span of days are refused")
  func badBounds() async throws {
    let fixture = try await Fixture()
    let catalog = ArchiveCatalog(fixture.lake)
    let swapped = #expect(throws: JobError.self) {
      try ArchivesRequest(.object(["from": .string("2024-01-02"), "to": .string("2024-01-01")]))
    }
    #expect(swapped?.code == .badField)
    #expect(swapped?.message == "from: 2024-01-02 is after to, 2024-01-01; swap them")
    let endless = await #expect(throws: JobError.self) {
      try await catalog.items(database: "d", table: clicks, from: Day("1583-01-01"), to: Day("9999-01-01"))
    }
    #expect(endless?.code == .tooManyUnits)
  }
}
