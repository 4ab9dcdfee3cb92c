import Essentials
import Foundation
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Archive
@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("Retention beside archives and rows that do not hold")
struct RetentionHarmTests {
  typealias Kind = RetentionDatabase.Kind

  private func units(_ kind: Kind) -> Int { kind.isWeekly ? 2 : 14 }

  /// What is done to one archive or to the rows of one day, and why the unit stays then.
  enum Harm: String, CaseIterable, Sendable {
    case deletedArchive, deletedManifest, flippedBit, cutByte, otherDay, undercounted
    case lateRow, deletedRow, updatedRow, exchangedRow, addedColumn

    var reason: String {
      switch self {
      case .deletedArchive, .deletedManifest: "no_archive"
      case .flippedBit, .otherDay: "not_verified"
      case .cutByte: "no_archive"
      case .lateRow, .undercounted: "late_rows"
      case .deletedRow: "fewer_rows"
      case .updatedRow, .exchangedRow, .addedColumn: "changed_rows"
      }
    }
  }

  private func harm(_ site: RetentionSite, _ table: String, _ harm: Harm) async throws {
    let path = site.path(table, "2024-01-06"), manifest = site.manifestPath(table, "2024-01-06")
    func changeFile(_ change: (inout Data) -> Void) throws {
      var data = try Data(contentsOf: URL(filePath: path))
      change(&data)
      try data.write(to: URL(filePath: path))
    }
    switch harm {
    case .deletedArchive: try FileManager.default.removeItem(atPath: path)
    case .deletedManifest: try FileManager.default.removeItem(atPath: manifest)
    case .flippedBit: try changeFile { $0[$0.count / 2] ^= 4 }
    case .cutByte: try changeFile { $0.removeLast() }
    case .otherDay:
      let other = try Data(contentsOf: URL(filePath: site.path(table, "2024-01-07")))
      // As long as it was, so that the manifest still seems to describe it.
      let length = try Data(contentsOf: URL(filePath: path)).count
      try (other + Data(count: max(0, length - other.count))).prefix(length).write(to: URL(filePath: path))
    case .undercounted:
      let text = try String(contentsOfFile: manifest, encoding: .utf8)
      let changed = text.replacing(#/"rows"\s*:\s*2[45]\b/#, with: "\"rows\" : 23")
      #expect(changed != text)
      try Data(changed.utf8).write(to: URL(filePath: manifest))
    case .lateRow: try await site.base.psql("INSERT INTO events.\(table) VALUES ('2024-01-06 05:00Z', 7, 7)")
    case .deletedRow:
      try await site.base.psql(
        "SET enable_bitmapscan = off; DELETE FROM events.\(table) WHERE at = '2024-01-06 05:00Z' AND device = 1")
    case .updatedRow:
      try await site.base.psql("UPDATE events.\(table) SET value = 9 WHERE at = '2024-01-06 05:00Z' AND device = 1")
    case .exchangedRow:
      try await site.base.psql(
        """
        SET enable_bitmapscan = off; DELETE FROM events.\(table) WHERE at = '2024-01-06 05:00Z' AND device = 1;
        INSERT INTO events.\(table) VALUES ('2024-01-06 05:00Z', 9, 0)
        """)
    case .addedColumn: try await site.base.psql("ALTER TABLE events.\(table) ADD more int")
    }
  }

  @Test(
    "One archive or day that does not hold keeps exactly its unit, and the reason says why", arguments: Harm.allCases,
    Kind.all)
  func keeps(harm: Harm, kind: Kind) async throws {
    let site = try await RetentionSite.shared()
    let table = "h_\(harm.rawValue.asciiLowercased())_\(kind.rawValue.asciiLowercased())"
    try await site.makeTable(table, kind)
    try await self.harm(site, table, harm)
    let rows = try await rowsOfDay(site, table)
    let report = try await site.run(table)
    #expect(report.status == .ok)
    let hit = harm == .addedColumn ? Array(0..<units(kind)) : [kind.isWeekly ? 0 : 2]
    let expected = (0..<units(kind)).map { hit.contains($0) ? "kept \(harm.reason)" : "dropped" }
    #expect(report.verdicts == expected, "\(report.results.compactMap(\.detail))")
    // The rows of the day are there; of the others only where the unit is larger.
    #expect(try await rowsOfDay(site, table) == rows)
    let kept = try await site.base.count(table)
    #expect(harm == .addedColumn || kind.isWeekly ? kept > rows && kept < 14 * 24 + 15 : kept == rows)
  }

  private func rowsOfDay(_ site: RetentionSite, _ table: String) async throws -> Int {
    let sql = "SELECT count(*) FROM events.\(table) WHERE at >= '2024-01-06Z' AND at < '2024-01-07Z'"
    return try #require(Int(try await site.base.psql(sql)))
  }
}
