import Essentials
import Foundation
import Testing

@testable import Archive
@testable import Jobs
@testable import Reporting
@testable import TableDays

@Suite("The choice of an archive to drill")
struct DrillChoiceTests {
  private let clicks = TableName(schema: "events", name: "clicks")
  private let now = Date(timeIntervalSince1970: 1_704_888_000)

  private func day(_ text: String) throws -> Day { try #require(Day(text)) }

  private func entry(_ day: String, daysAgo: Double) throws -> DrillHistory.Entry {
    DrillHistory.Entry(
      table: clicks, date: try self.day(day), etag: "e", at: now.addingTimeInterval(-daysAgo * 86_400), passed: true,
      verdict: "restored", rows: 1, seconds: 1, operation: nil)
  }

  private func inventory(_ archives: [String: LakeInventory.Archive]) throws -> LakeInventory {
    var inventory = LakeInventory(database: "d")
    inventory.archives[clicks] = Dictionary(
      uniqueKeysWithValues: try archives.map { (try day($0.key), $0.value) })
    return inventory
  }

  @Test("The chance of an archive is in proportion to the time since its last drill, or since its day")
  func weights() throws {
    let archive = LakeInventory.Archive(gzipBytes: 100, rows: 5)
    let inventory = try inventory(["2024-01-06": archive, "2024-01-07": archive, "2024-01-08": archive])
    let history = DrillHistory(entries: [try entry("2024-01-06", daysAgo: 0), try entry("2024-01-07", daysAgo: 30)])
    var counts: [String: Int] = [:]
    for seed in 0..<2000 {
      var choice = DrillChoice(inventory, history, table: nil, maximumBytes: .max, now: now)
      var numbers = SeededNumbers(seed: seed)
      let next = choice.take(using: &numbers)
      let taken = try #require(next)
      counts["\(taken.date)", default: 0] += 1
      #expect(choice.candidates.count == 2)
    }
    // 30 days for the seventh, 1.5 for the eighth, an hour for the sixth.
    #expect((counts["2024-01-07"] ?? 0) > 1800)
    #expect((40...180).contains(counts["2024-01-08"] ?? 0))
    #expect((counts["2024-01-06"] ?? 0) < 15)
  }

  @Test(
    "Archives that are empty, damaged, undescribed or too large are not chosen among; the same seed chooses the same")
  func candidates() throws {
    let inventory = try inventory([
      "2024-01-01": .init(gzipBytes: 100, rows: 0), "2024-01-02": .init(gzipBytes: 100, rows: 3, expectedBytes: 99),
      "2024-01-03": .init(gzipBytes: 100), "2024-01-04": .init(gzipBytes: 2000, rows: 3),
      "2024-01-05": .init(gzipBytes: 1000, rows: 3), "2024-01-06": .init(gzipBytes: 999, rows: 3),
    ])
    func choice() -> DrillChoice {
      DrillChoice(inventory, DrillHistory(), table: clicks, maximumBytes: 1000, now: now)
    }
    #expect(choice().candidates.map { "\($0.date)" } == ["2024-01-05", "2024-01-06"])
    #expect(choice().tooLarge == 1 && choice().withoutManifest == 2)
    var (one, other) = (choice(), choice())
    var (first, second) = (SeededNumbers(seed: 7), SeededNumbers(seed: 7))
    let order = [one.take(using: &first), one.take(using: &first), one.take(using: &first)]
    #expect(order == [other.take(using: &second), other.take(using: &second), nil] && order[1] != nil)
    #expect(
      DrillChoice(inventory, DrillHistory(), table: .init(schema: "a", name: "b"), maximumBytes: 1000, now: now)
        .candidates.isEmpty)
  }

  @Test("The history keeps the last drill of each archive that is still there")
  func history() throws {
    let one = DrillHistory(entries: [try entry("2024-01-01", daysAgo: 5), try entry("2024-01-02", daysAgo: 4)])
    let gone = try day("2024-01-02")
    let next = one.adding(try entry("2024-01-01", daysAgo: 1)) { _, day in day != gone }
    #expect(next.entries.count == 1 && next.last?.at == now.addingTimeInterval(-86_400))
    #expect(next.lastDrill(of: clicks, gone) == nil)
  }

  @Test(
    "A request names its field",
    arguments: [
      (#"{"date": "2024-01-01"}"#, "table"), (#"{"table": "events.clicks", "date": "2024-01-01", "seed": 1}"#, "seed"),
      (#"{"table": "clicks"}"#, "table"), (#"{"seed": -1}"#, "seed"), (#"{"from": "2024-01-01"}"#, "from"),
    ])
  func request(json: String, field: String) throws {
    let error = #expect(throws: JobError.self) { try DrillRequest(JSONValue(json: Data(json.utf8))) }
    #expect(error?.field == field)
  }
}
