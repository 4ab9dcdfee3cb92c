import Foundation
import Postgres
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

@Suite(
  "Verification of hypertables", .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed")
)
struct VerifyChunksTests {
  static let days =
    "\"table\": \"events.clicks\", \"from\": \"2024-01-04\", \"to\": \"2024-01-07\", \"depth\": \"database\""

  @Test(
    "Compressed chunks have the rows of their archives, decompressed or compressed again too; late, changed and dropped rows are told"
  )
  func chunks() async throws {
    let fixture = try await Fixture.readings(interval: "1 day")
    try await fixture.archiveDays()
    func statuses() async throws -> [VerifyResult.Status] { try await fixture.verify(Self.days).results.map(\.status) }
    #expect(try await statuses() == [.verified, .verified, .verified, .verified])
    try await fixture.psql("SELECT decompress_chunk(c) FROM show_chunks('events.clicks') c;")
    #expect(try await statuses() == [.verified, .verified, .verified, .verified])
    try await fixture.psql(
      """
      SELECT compress_chunk(c) FROM show_chunks('events.clicks') c;
      INSERT INTO events.clicks VALUES ('2024-01-04 10:00:30+00', 9, 1);
      UPDATE events.clicks SET value = -1 WHERE at = '2024-01-05 10:00+00' AND device = 1;
      SELECT drop_chunks('events.clicks', older_than => '2024-01-08+00'::timestamptz, newer_than => '2024-01-07+00'::timestamptz);
      """)
    #expect(try await statuses() == [.lateRows, .changedRows, .verified, .fewerRows])
    let last = try #require(try await fixture.verify(Self.days).results.last)
    #expect(last.dropped == true && last.isWell)
    await fixture.pools.close()
  }
}
