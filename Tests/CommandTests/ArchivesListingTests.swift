import Archive
import Foundation
import Jobs
import TableDays
import Testing

@testable import sluice

@Suite("How archives are drawn and told")
struct ArchivesListingTests {
  private let clicks = TableName(schema: "events", name: "clicks")

  private func day(_ text: String) throws -> Day { try #require(Day(text)) }

  private func coverage() throws -> Coverage {
    var inventory = LakeInventory(database: "weavix")
    inventory.archives[clicks] = [
      try day("2024-02-27"): .init(gzipBytes: 1_500_000, rows: 1500, verifiedAt: .distantPast),
      try day("2024-02-28"): .init(gzipBytes: 100, rows: 0), try day("2024-03-01"): .init(gzipBytes: 100),
      try day("2024-03-02"): .init(gzipBytes: 99, expectedBytes: 100),
    ]
    let configured = Coverage.Configured(
      table: clicks, lookbackStart: try day("2024-03-01"), lastDay: try day("2024-03-03"))
    return Coverage(inventory, configured: [configured], lastDay: try day("2024-03-03"))
  }

  @Test("A month is a row, and each day a sign in its place")
  func calendar() throws {
    let coverage = try coverage()
    let days = try #require(coverage.days(of: clicks, in: .init()))
    #expect(
      CoverageCalendar.months(of: clicks, days, coverage) == [
        "2024-02  \(String(repeating: " ", count: 26))#0M", "2024-03  +DM",
      ])
    let signs = Coverage.Status.allCases.map { CoverageCalendar.sign($0) }
    #expect(Set(signs).count == signs.count)
    for status in Coverage.Status.allCases {
      #expect(CoverageCalendar.legend.contains("\(CoverageCalendar.sign(status)) \(status.words)"))
    }
  }

  @Test("A day is a line, and a table's days a summary")
  func lines() throws {
    let coverage = try coverage()
    #expect(
      coverage.page(limit: 10).items.map { ArchivesListing.line($0) } == [
        "events.clicks 2024-02-27  1,500 rows  1.5 MB gzip  verified",
        "events.clicks 2024-02-28  0 rows  0.0 MB gzip  empty",
        "events.clicks 2024-02-29  missing  (before BACKUP_LOOKBACK_DAYS: archive it with `sluice backup`)",
        "events.clicks 2024-03-01  rows unknown  0.0 MB gzip",
        "events.clicks 2024-03-02  rows unknown  0.0 MB gzip  damaged  (the file has 99 bytes, its manifest says 100)",
        "events.clicks 2024-03-03  missing",
      ])
    #expect(
      coverage.summaries().map { ArchivesListing.line($0) } == [
        "events.clicks 2024-02-27 to 2024-03-03: 6 days: 1 verified, 1 archived, 1 damaged, 1 empty, 2 missing; "
          + "1,500 rows, 1.5 MB gzip"
      ])
  }
}
