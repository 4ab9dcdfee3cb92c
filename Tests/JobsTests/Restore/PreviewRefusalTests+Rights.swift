import Database
import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs
@testable import Reporting

extension PreviewRefusalTests {
  @Test("The GRANT of a refusal names the table as SQL writes it", arguments: ["SELECT", "DELETE"])
  func quotedGrant(right: String) async throws {
    let owner = try await Fixture()
    _ = try await owner.backupOne()
    try await owner.psql(
      "ALTER TABLE events.clicks RENAME TO \"Cap\"; GRANT USAGE ON SCHEMA events TO plain; "
        + "GRANT SELECT, INSERT, DELETE ON events.\"Cap\" TO plain; REVOKE \(right) ON events.\"Cap\" FROM plain")
    let plain = Self.plain(owner)
    let members = Self.replace(", \"target_table\": \"events.\\\"Cap\\\"\"")
    let preview = try await Self.expectRefused(members, .permissionDenied, by: plain)
    let grant = "GRANT \(right) ON events.\"Cap\" TO plain"
    #expect(preview.problems.first?.message.hasSuffix(grant) == true, "\(preview.problems)")
    try await owner.psql(grant)
    #expect(try await plain.restoreOne(members).rowsLoaded == 3)
    await plain.pools.close()
    await owner.pools.close()
  }

  @Test("A GRANT names the role whose rights count, where the one that signs in takes on another")
  func otherRole() async throws {
    let owner = try await Fixture()
    _ = try await owner.backupOne()
    let other = "other_\(owner.database)"
    try await owner.psql(
      "CREATE ROLE \(other); GRANT \(other) TO plain; ALTER ROLE plain IN DATABASE \(owner.database) SET role = '\(other)'; "
        + "GRANT USAGE ON SCHEMA events TO \(other); GRANT INSERT, DELETE ON events.clicks TO \(other)")
    let plain = Self.plain(owner)
    let preview = try await Self.expectRefused(Self.replace(), .permissionDenied, by: plain)
    let grant = "GRANT SELECT ON events.clicks TO \(other)"
    #expect(preview.problems.first?.message.hasSuffix(grant) == true, "\(preview.problems)")
    #expect(preview.privilegesMissing.contains { $0.remedy.hasSuffix("TO \(other)") }, "\(preview.privilegesMissing)")
    try await owner.psql(grant)
    #expect(try await plain.restoreOne(Self.replace()).rowsLoaded == 3)
    await plain.pools.close()
    await owner.pools.close()
    try await owner.psql("DROP OWNED BY \(other); DROP ROLE \(other)")
  }

  @Test("A replacement asks for SELECT of no more columns than it reads")
  func columnRights() async throws {
    let owner = try await Fixture()
    _ = try await owner.backupOne()
    try await owner.psql(
      Self.grants + "REVOKE SELECT ON events.clicks FROM plain; GRANT SELECT (at) ON events.clicks TO plain")
    let plain = Self.plain(owner)
    #expect(try await plain.previews(Self.replace()).first?.outcome == .load)
    #expect(try await plain.restoreOne(Self.replace()).rowsLoaded == 3)
    await plain.pools.close()
    await owner.pools.close()
  }

  @Test("A replacement with nothing to delete is refused by none of these")
  func nothingToDelete() async throws {
    let owner = try await Fixture()
    _ = try await owner.backupOne()
    try await owner.psql(Self.grants + "REVOKE DELETE ON events.clicks FROM plain;" + Self.emptied)
    let plain = Self.plain(owner)
    #expect(try await plain.previews(Self.replace()).first?.outcome == .load)
    #expect(try await plain.restoreOne(Self.replace()).rowsLoaded == 3)
    await plain.pools.close()
    await owner.pools.close()
  }
}
