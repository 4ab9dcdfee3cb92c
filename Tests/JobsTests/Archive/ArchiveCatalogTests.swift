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
    let items = try await ArchiveCatalog(fixture.lake).page(database: fixture.database).items
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
    let items = try await ArchiveCatalog(fixture.lake).page(
      database: fixture.database, .init(table: clicks, from: Day("2024-01-02"), to: Day("2024-01-04"))
    ).items
    #expect(
      lines(items) == [
        "events.clicks 2024-01-02 missing", "events.clicks 2024-01-03 archived", "events.clicks 2024-01-04 missing",
      ])
    let absent = try await ArchiveCatalog(fixture.lake).page(
      database: fixture.database,
      .init(table: TableName(schema: "a", name: "b"), from: Day("2024-01-02"), to: Day("2024-01-02"))
    ).items
    #expect(lines(absent) == ["a.b 2024-01-02 missing"])
  }

  @Test("Bounds that are not a span of days are refused")
  func badBounds() throws {
    let swapped = #expect(throws: JobError.self) {
      try ArchivesRequest(.object(["from": .string("2024-01-02"), "to": .string("2024-01-01")]))
    }
    #expect(swapped?.code == .badField)
    #expect(swapped?.message == "from: 2024-01-02 is after to, 2024-01-01; swap them")
  }

  @Test("A listing comes in pages, which together are the whole, also of a span without an end")
  func pages() async throws {
    let fixture = try await catalog()
    let catalog = ArchiveCatalog(fixture.lake)
    let whole = try await catalog.page(database: fixture.database)
    #expect(whole.items.count == 5 && whole.next == nil)
    for limit in 1...5 {
      var items: [ArchiveCatalog.Item] = []
      var next: ArchiveCatalog.Position?
      repeat {
        let page = try await catalog.page(database: fixture.database, after: next, limit: limit)
        #expect(page.items.count <= limit)
        items += page.items
        next = page.next
      } while next != nil
      #expect(items == whole.items)
    }
    let endless = try await catalog.page(
      database: "d", .init(table: clicks, from: Day("1583-01-01"), to: Day("9999-01-01")), limit: 10)
    #expect(endless.items.count == 10 && endless.next.map { "\($0)" } == "events.clicks/1583-01-10")
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
