import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Archive
@testable import Configuration
@testable import Jobs
@testable import Reporting

@Suite("Verdicts of a verification, for each kind of table")
struct VerifyKindsTests {
  typealias Kind = RetentionDatabase.Kind

  /// What is done to days of the table and to their archives, and what is told of each then.
  static let verdicts: [(day: String, status: VerifyResult.Status)] = [
    ("2024-01-04", .verified), ("2024-01-05", .lateRows), ("2024-01-06", .fewerRows), ("2024-01-07", .changedRows),
    ("2024-01-08", .missing), ("2024-01-09", .damaged), ("2024-01-10", .unverifiable), ("2024-01-11", .verified),
  ]

  static func harm(_ site: RetentionSite, _ table: String) async throws {
    try await site.base.psql(
      """
      SET enable_bitmapscan = off;
      INSERT INTO events.\(table) VALUES ('2024-01-05 05:00Z', 7, 7);
      DELETE FROM events.\(table) WHERE at = '2024-01-06 05:00Z' AND device = 1;
      UPDATE events.\(table) SET value = 9 WHERE at = '2024-01-07 05:00Z' AND device = 1;
      """)
    try FileManager.default.removeItem(atPath: site.path(table, "2024-01-08"))
    let path = site.path(table, "2024-01-09")
    var data = try Data(contentsOf: URL(filePath: path))
    data[data.count / 2] ^= 4
    try data.write(to: URL(filePath: path))
    try FileManager.default.removeItem(atPath: site.manifestPath(table, "2024-01-10"))
  }

  static func verify(_ site: RetentionSite, _ table: String) async throws -> [VerifyResult] {
    let request = """
      {"table": "events.\(table)", "from": "2024-01-04", "to": "2024-01-11", "depth": "database"}
      """
    let job = VerifyJob(site.context, site.settings.backup)
    return try await job.run(VerifyRequest(JSONValue(json: Data(request.utf8)))).results
  }

  @Test("Each verdict is told of the day that it is true of", arguments: Kind.all)
  func verdicts(kind: Kind) async throws {
    let site = try await RetentionSite.shared()
    let table = "verify_\(kind.rawValue)".asciiLowercased()
    try await site.makeTable(table, kind)
    try await Self.harm(site, table)
    let results = try await Self.verify(site, table)
    #expect(results.map { "\($0.date)" } == Self.verdicts.map(\.day))
    #expect(results.map(\.status) == Self.verdicts.map(\.status))
    #expect(results[1].lateRows == 1 && results[2].fewerRows == 1 && results[2].dropped == nil)
    await site.pools.close()
  }

  @Test(
    "Under the Apache edition too; of compressed chunks the archives alone are judged",
    .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
  func apache() async throws {
    let server = try await PostgresServer.withTimescale()
    let before = try await RetentionSite(RetentionDatabase(server: server))
    for kind in Kind.allCases {
      let table = kind.rawValue.asciiLowercased()
      try await before.makeTable(table, kind)
      try await Self.harm(before, table)
    }
    await before.pools.close()
    let site = try await before.underApache()
    for kind in Kind.allCases {
      let results = try await Self.verify(site, kind.rawValue.asciiLowercased())
      let expected = Self.verdicts.map { verdict -> VerifyResult.Status in
        let comparesRows = [.verified, .lateRows, .fewerRows, .changedRows].contains(verdict.status)
        return kind.isCompressed && comparesRows ? .failed : verdict.status
      }
      #expect(results.map(\.status) == expected, "\(kind)")
      #expect(results.compactMap(\.error).allSatisfy { $0.code == .chunkNotReadable }, "\(kind)")
    }
    await site.pools.close()
    await server.stopAndWait()
  }
}
