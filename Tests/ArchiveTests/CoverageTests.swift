import Foundation
import Gzip
import Testing

@testable import Archive
@testable import Lake
@testable import TableDays

@Suite("Coverage")
struct CoverageTests {
  let clicks = TableName(schema: "events", name: "clicks")
  let pages = TableName(schema: "events", name: "pages")
  let old = TableName(schema: "old", name: "log")

  private func day(_ text: String) throws -> Day { try #require(Day(text)) }

  private func archive(_ rows: Int? = 5, verified: Bool = false, bytes: Int = 100, expected: Int? = nil)
    -> LakeInventory.Archive
  {
    LakeInventory.Archive(
      gzipBytes: bytes, rows: rows, verifiedAt: verified ? Date(timeIntervalSince1970: 0) : nil, expectedBytes: expected
    )
  }

  /// `clicks` is archived and configured, `pages` only configured, `old` only archived; it is 2024-01-10.
  private func coverage(
    _ archives: [String: LakeInventory.Archive], old days: [String] = [], known: Coverage.Known = Coverage.Known()
  ) throws -> Coverage {
    var inventory = LakeInventory(database: "weavix")
    for (text, archive) in archives { inventory.archives[clicks, default: [:]][try day(text)] = archive }
    for text in days { inventory.archives[old, default: [:]][try day(text)] = archive() }
    let configured = try [clicks, pages].map {
      Coverage.Configured(table: $0, lookbackStart: try day("2024-01-07"), lastDay: try day("2024-01-09"))
    }
    return Coverage(inventory, configured: configured, lastDay: try day("2024-01-09"), known: known)
  }

  private func lines(_ coverage: Coverage, _ bounds: ArchiveCatalog.Bounds = .init(), _ only: Set<Coverage.Status> = [])
    -> [String]
  {
    coverage.page(bounds, only, limit: 1000).items.map { "\($0.table) \($0.date) \($0.status.rawValue)" }
  }

  @Test("Each day has the status that its facts make")
  func statuses() throws {
    var known = Coverage.Known()
    known.running[clicks] = [try day("2024-01-01"), try day("2024-01-06")]
    known.failed[clicks] = [try day("2024-01-02"), try day("2024-01-07")]
    known.lateRows[clicks] = [try day("2024-01-03"): 5, try day("2024-01-02"): 4]
    known.withoutRows[clicks] = [try day("2024-01-08")]
    let coverage = try coverage(
      [
        "2023-12-29": archive(0, verified: true), "2023-12-30": archive(bytes: 99, expected: 100),
        "2023-12-31": archive(bytes: 19), "2024-01-01": archive(), "2024-01-02": archive(verified: true),
        "2024-01-03": archive(verified: true), "2024-01-04": archive(nil),
      ], known: known)
    #expect(
      lines(coverage, .init(table: clicks)) == [
        "events.clicks 2023-12-29 empty", "events.clicks 2023-12-30 damaged", "events.clicks 2023-12-31 damaged",
        "events.clicks 2024-01-01 running", "events.clicks 2024-01-02 verified", "events.clicks 2024-01-03 late_rows",
        "events.clicks 2024-01-04 archived", "events.clicks 2024-01-05 missing", "events.clicks 2024-01-06 running",
        "events.clicks 2024-01-07 failed", "events.clicks 2024-01-08 empty", "events.clicks 2024-01-09 missing",
      ])
    let details = coverage.page(limit: 3).items.map(\.detail)
    #expect(
      details == [
        nil, "the file has 99 bytes, its manifest says 100",
        "the file has 19 bytes, which is less than a gzip file has",
      ])
  }

  @Test(
    "A configured table ends at yesterday and one without archives has its look-back days; another ends at its last")
  func ranges() throws {
    let coverage = try coverage(["2024-01-07": archive()], old: ["2023-05-01", "2023-05-03"])
    #expect(
      lines(coverage) == [
        "events.clicks 2024-01-07 archived", "events.clicks 2024-01-08 missing", "events.clicks 2024-01-09 missing",
        "events.pages 2024-01-07 expected", "events.pages 2024-01-08 expected", "events.pages 2024-01-09 expected",
        "old.log 2023-05-01 archived", "old.log 2023-05-02 missing", "old.log 2023-05-03 archived",
      ])
    // No day is missing that is not over, whatever the bounds; an archive that is there shows.
    let later = ArchiveCatalog.Bounds(from: try day("2024-01-09"), to: try day("2024-02-01"))
    #expect(
      lines(coverage, later) == [
        "events.clicks 2024-01-09 missing", "events.pages 2024-01-09 expected", "old.log 2024-01-09 missing",
      ])
    #expect(
      lines(try self.coverage(["2024-01-12": archive()]), .init(table: clicks, from: try day("2024-01-11"))) == [
        "events.clicks 2024-01-11 missing", "events.clicks 2024-01-12 archived",
      ])
  }

  @Test("Days without an archive before the look-back say so, and those whose manifest is alone")
  func hints() throws {
    let made = try coverage(["2024-01-01": archive(), "2024-01-08": archive()])
    var inventory = made.inventory
    inventory.manifestsAlone[clicks] = [try day("2024-01-06")]
    let items = Coverage(
      inventory,
      configured: [.init(table: clicks, lookbackStart: try day("2024-01-07"), lastDay: try day("2024-01-09"))],
      lastDay: try day("2024-01-09")
    ).page(.init(table: clicks), [.missing], limit: 100).items
    #expect(items.map(\.pastLookback) == [true, true, true, true, true, nil, nil])
    #expect(items.map(\.detail).compactMap(\.self) == ["the day has a manifest, but its file is gone"])
    #expect(items[4].detail != nil)
  }

  @Test("Pages together are the whole, also of the days of one status")
  func inPages() throws {
    let coverage = try coverage(["2024-01-05": archive(), "2024-01-07": archive()], old: ["2023-05-01", "2023-05-04"])
    for statuses: Set<Coverage.Status> in [[], [.missing, .expected]] {
      let whole = coverage.page(.init(), statuses, limit: 100).items
      #expect(whole.count == (statuses.isEmpty ? 12 : 8))
      for limit in 1...whole.count {
        var items: [Coverage.Item] = []
        var next: ArchiveCatalog.Position?
        repeat {
          let page = coverage.page(.init(), statuses, after: next, limit: limit)
          #expect(page.items.count <= limit)
          items += page.items
          next = page.next
        } while next != nil
        #expect(items == whole)
      }
    }
  }

  @Test("The numbers of a table are those of its days")
  func summaries() throws {
    var known = Coverage.Known()
    known.failed[clicks] = [try day("2024-01-08")]
    let coverage = try coverage(
      ["2024-01-05": archive(verified: true), "2024-01-07": archive(nil, bytes: 50)], old: ["2023-05-01"], known: known)
    let summaries = coverage.summaries()
    #expect(summaries.map(\.table) == [clicks, pages, old])
    let whole = coverage.page(limit: 1000).items
    for summary in summaries {
      let days = whole.filter { $0.table == summary.table }
      #expect(summary.days == Dictionary(grouping: days, by: \.status).mapValues(\.count))
      #expect(summary.from == days.first?.date && summary.to == days.last?.date)
    }
    #expect(summaries[0].rows == 5 && summaries[0].gzipBytes == 150)
    #expect(summaries[0].lastArchived == (try day("2024-01-07")))
    let total = Coverage.total(summaries)
    #expect(total.days == [.verified: 1, .archived: 2, .missing: 2, .failed: 1, .expected: 3])
    #expect(total.needsAttention && total.gzipBytes == 250)
    #expect(try total.from == day("2023-05-01"))
    #expect(!Coverage.total(Array(summaries[2...])).needsAttention)
    // A span of centuries is counted without its days being gone through one by one.
    let long = coverage.summaries(in: .init(table: clicks, from: try day("1583-01-01"), to: try day("9999-01-01")))
    let days = try day("1583-01-01").count(through: day("2024-01-09"))
    #expect(long[0].count { _ in true } == days)
  }
}

@Suite("The document of what manifests say")
struct ManifestDocumentTests {
  private func facts() throws -> ManifestCache.Facts {
    let table = TableName(schema: "ev.ents", name: "cl icks\t\"x\"")
    let days = try (1...40).map { try #require(Day("2024-01-01")).adding(days: $0) }
    let facts = days.enumerated().map { index, day in
      (
        day,
        ManifestFacts(
          etag: .max - UInt64(index), rows: index, gzipBytes: index << 40,
          verifiedAt: index % 2 == 0 ? nil : Date(timeIntervalSince1970: 1_704_888_000))
      )
    }
    return [
      try LakePath("my base"): [table: Dictionary(uniqueKeysWithValues: facts)],
      try LakePath("my base/events"): [TableName(schema: "events", name: "clicks"): [days[0]: facts[3].1]],
    ]
  }

  @Test("What is written is read back")
  func roundTrip() throws {
    #expect(try ManifestCache.parse(ManifestCache.encode(facts())) == facts())
    #expect(try ManifestCache.parse(ManifestCache.encode([:])) == [:])
  }

  @Test("A document that is cut, changed or another's is refused as a whole")
  func damaged() throws {
    let whole = try ManifestCache.encode(facts())
    for count in stride(from: 0, to: whole.count, by: 7) {
      #expect(throws: (any Error).self) { try ManifestCache.parse(Array(whole[..<count])) }
      var changed = whole
      changed[count] ^= 0x55
      // The header's time and system are no part of the content.
      if let read = try? ManifestCache.parse(changed) { #expect(try read == facts()) }
    }
    for text in ["", "{}\n", "sluice-manifests 2\nend 0\n", "sluice-manifests 1\nend 1\n", "sluice-manifests 1\n"] {
      #expect(throws: ManifestCache.Malformed.self, "\(text)") { try ManifestCache.parse(gzip(text)) }
    }
    for line in ["2024-01-01 a 1 1 -", "=a\tb.c\n2024-01-32 a 1 1 -", "=a\tb.c\n2024-01-01 g 1 1 -", "=a b.c"] {
      #expect(throws: ManifestCache.Malformed.self, "\(line)") {
        try ManifestCache.parse(gzip("sluice-manifests 1\n\(line)\nend 1\n"))
      }
    }
    #expect(try ManifestCache.parse(gzip("sluice-manifests 1\n=a\tb.c\n2024-01-01 a 1 1 -\nend 1\n")).count == 1)
  }

  private func gzip(_ text: String) throws -> [UInt8] {
    var compressor = try GzipCompressor()
    var bytes: [UInt8] = []
    try compressor.compress(Array(text.utf8), into: &bytes)
    try compressor.finish(into: &bytes)
    return bytes
  }
}
