import Database
import Essentials
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

@Suite("The rights that staging needs")
struct StagingRightsTests {
  /// ``Fixture/clicks``, archived and emptied, with jobs of a role that may read and insert alone.
  func archived() async throws -> (owner: Fixture, plain: Fixture) {
    let owner = try await Fixture()
    _ = try await owner.backupOne()
    try await owner.psql(
      """
      DELETE FROM events.clicks WHERE at >= '2024-01-01+00' AND at < '2024-01-02+00';
      GRANT USAGE ON SCHEMA events TO plain;
      GRANT SELECT, INSERT, DELETE ON events.clicks TO plain;
      """)
    let pools = ConnectionPools(passwords: FixedPassword(Secret(owner.server.plainPassword)), maximum: 4)
    let plain = Fixture(owner, pools: pools) { $0.server.user = "plain" }
    return (owner, plain)
  }

  let staging = "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"mode\": \"staging\"}"

  @Test("A role that may create no table in the schema stages in a temporary one, which is gone afterwards")
  func temporary() async throws {
    let (owner, plain) = try await archived()
    for _ in 0..<2 {
      let result = try await plain.restoreOne(
        staging.replacing("{\"mode\"", with: "{\"on_existing\": \"replace\", \"mode\""))
      #expect(result.status == .ok)
      #expect(result.rowsLoaded == 3)
    }
    #expect(try await owner.count() == 5)
    await plain.pools.close()
    await owner.pools.close()
  }

  @Test("A role that may create no table at all is told what to grant, and nothing is loaded")
  func refused() async throws {
    let (owner, plain) = try await archived()
    try await owner.psql("REVOKE TEMPORARY ON DATABASE \"\(owner.database)\" FROM PUBLIC")
    let error = try await plain.restoreError(staging)
    #expect(error.code == .permissionDenied)
    #expect(error.message.contains("GRANT TEMPORARY ON DATABASE \(owner.database) TO plain"))
    #expect(try await owner.count() == 2)
    await plain.pools.close()
    await owner.pools.close()
  }
}
