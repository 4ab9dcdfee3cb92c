import Database
import Postgres
import Reporting
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs

/// The checks that stand before a publication, in a whole run.
@Suite("Backups without a proof")
struct UnprovenTests {
  @Test("A backup fails when the server reports another row count than arrived, and publishes nothing")
  func rowCount() async throws {
    var fixture = try await Fixture()
    let proxy = try MessageProxy(to: fixture.server.port, replacing: "COPY 3", by: "COPY 4")
    defer { proxy.stop() }
    fixture.settings.server.port = proxy.port
    let error = try await fixture.backupError()
    #expect(error.code == .rowCountMismatch)
    #expect(error.message.contains("the server copied 4 rows, but 3 arrived"))
    #expect(proxy.replacements == 1)
    #expect(fixture.files == [])
    // The proxy changes nothing else: another day's backup works through it.
    let other = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-02\"")
    #expect(other.rows == 1)
    await fixture.pools.close()
  }

  @Test(
    "A backup whose transaction does not end by a COMMIT that is answered publishes nothing",
    arguments: [MessageProxy.Cut.beforeCommit, .beforeAnswer])
  func commit(cut: MessageProxy.Cut) async throws {
    var fixture = try await Fixture()
    let proxy = try MessageProxy(to: fixture.server.port, cutting: cut)
    defer { proxy.stop() }
    fixture.settings.server.port = proxy.port
    let error = try await fixture.backupError()
    #expect(proxy.isCut)
    #expect(error.code == .databaseUnavailable)
    #expect(fixture.files == [])
    #expect(try await fixture.backupOne().rows == 3)
    await fixture.pools.close()
  }

  @Test("A backup fails when the lake holds fewer bytes than were written, and publishes nothing")
  func length() async throws {
    var fixture = try await Fixture()
    fixture.lake = HookedStore.losingAByte(fixture.lake)
    let error = try await fixture.backupError()
    #expect(error.code == .lengthMismatch)
    #expect(fixture.files == [])
  }
}
