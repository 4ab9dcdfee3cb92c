import Essentials
import Jobs
import Lake
import Reporting
import TestSupport
import Testing

/// An archive that is in its place, or may be, while the lake does not confirm it.
@Suite("Unconfirmed backups") struct UnconfirmedTests {
  @Test("A sync that fails after the rename leaves an unconfirmed archive with its manifest and rows in the report")
  func notDurable() async throws {
    var fixture = try await Fixture()
    let lake = fixture.lake
    fixture.lake = HookedStore.doubtful(lake, suffix: ".gz", isDone: true) { .notDurable($0, reason: "I/O error") }
    let report = try await fixture.backup()
    let result = try #require(report.results.first)
    #expect(report.status == .partial)
    #expect(result.status == .unconfirmed)
    #expect(result.error?.code == .lakeNotDurable)
    #expect(result.error?.message.contains("is in its place") == true)
    #expect(result.rows == 3)
    #expect(fixture.files == ["\(fixture.database)/_sluice/events.clicks.2024-01-01.json", fixture.clicksPath])
    // The next run finds it.
    fixture.lake = lake
    #expect(try await fixture.backupOne().skipped == "exists")
  }

  @Test(
    "A rename of unknown outcome is reported as unconfirmed, and its manifest stays pending", arguments: [true, false])
  func unknown(isDone: Bool) async throws {
    var fixture = try await Fixture()
    let lake = fixture.lake
    fixture.lake = HookedStore.doubtful(lake, suffix: ".gz", isDone: isDone) {
      .outcomeUnknown($0, operation: "renaming a file to it", reason: "no answer")
    }
    let result = try await fixture.backupOne()
    #expect(result.status == .unconfirmed)
    #expect(result.error?.code == .lakeOutcomeUnknown)
    #expect(fixture.files.count == (isDone ? 2 : 1))
    #expect(fixture.temporaries.count == 1 && fixture.temporaries[0].contains("/_sluice/next/2024-01-01."))
    fixture.lake = lake
    let next = try await fixture.backupOne()
    #expect(next.status == (isDone ? .skipped : .ok))
    // The pending manifest describes the archive that was published.
    #expect(next.rows == 3)
  }

  @Test("An archive that may not have been replaced keeps its manifest when it was not")
  func replaced() async throws {
    var fixture = try await Fixture()
    let old = try await fixture.backupOne()
    fixture.lake = HookedStore.doubtful(fixture.lake, suffix: ".gz", isDone: false) {
      .outcomeUnknown($0, operation: "renaming a file to it", reason: "no answer")
    }
    let result = try await fixture.backupOne(
      "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true")
    #expect(result.status == .unconfirmed)
    #expect(try fixture.manifest()["sha256"] == .string(try #require(old.sha256)))
  }

  @Test("A manifest whose sync fails is a warning")
  func manifest() async throws {
    var fixture = try await Fixture()
    fixture.lake = HookedStore.doubtful(fixture.lake, suffix: ".json", isDone: true) {
      .notDurable($0, reason: "I/O error")
    }
    let result = try await fixture.backupOne()
    #expect(result.status == .ok)
    #expect(result.warnings.count == 1 && result.warnings[0].contains("power cut"), "\(result.warnings)")
  }
}
