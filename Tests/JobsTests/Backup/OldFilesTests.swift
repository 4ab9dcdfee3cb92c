import Essentials
import Foundation
import Lake
import TestSupport
import Testing

@testable import Configuration
@testable import Jobs

@Suite("Old files of the lake") struct OldFilesTests {
  @Test(
    "Temporary files are removed after a day and documents of operations after SLUICE_OPERATIONS_DAYS, also those of the lake itself"
  )
  func byAge() async throws {
    let fixture = try await Fixture("SELECT 1", settings: ["SLUICE_OPERATIONS_DAYS": "12"])
    #expect(try Settings(environment: [:]).operationsDays == 30)
    func put(_ path: String, daysOld: Double) throws {
      let url = fixture.directory.url.appending(path: path)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data("x".utf8).write(to: url)
      try FileManager.default.setAttributes(
        [.modificationDate: fixture.now().addingTimeInterval(-daysOld * 86_400)], ofItemAtPath: url.path)
    }
    let database = fixture.database
    for folder in ["_sluice/tmp", "\(database)/_sluice/tmp"] {
      try put("\(folder)/old", daysOld: 1.01)
      try put("\(folder)/new", daysOld: 0.99)
    }
    try put("_sluice/operations/old.json", daysOld: 12.1)
    try put("_sluice/operations/new.json", daysOld: 11.9)
    try put("other/_sluice/tmp/old", daysOld: 100)
    try put("\(database)/_sluice/a.b.2024-01-01.json", daysOld: 1000)
    try put("\(database)/a.b.2024-01-01.csv.gz", daysOld: 1000)
    var context = fixture.context
    context.operationsDays = fixture.settings.operationsDays
    await OldFiles(context).remove(database: database)
    #expect(
      fixture.files
        == [
          "_sluice/operations/new.json", "_sluice/tmp/new", "\(database)/_sluice/a.b.2024-01-01.json",
          "\(database)/_sluice/tmp/new", "\(database)/a.b.2024-01-01.csv.gz", "other/_sluice/tmp/old",
        ].sorted())
  }

  @Test("Documents of operations are removed also where no table is backed up nightly")
  func operationsWithoutTables() async throws {
    let fixture = try await Fixture("SELECT 1")
    let url = fixture.directory.url.appending(path: "_sluice/operations/old.json")
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("x".utf8).write(to: url)
    try FileManager.default.setAttributes(
      [.modificationDate: fixture.now().addingTimeInterval(-31 * 86_400)], ofItemAtPath: url.path)
    _ = try? await NightlyBackup(fixture.context, fixture.settings.backup).run()
    #expect(fixture.files == [])
  }

  @Test("A pending manifest of a newer format is not deleted")
  func newerFormat() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    var members = try fixture.manifest()
    members["format_version"] = 2
    let folder = fixture.directory.url.appending(path: "\(fixture.database)/_sluice")
    try FileManager.default.removeItem(at: folder.appending(path: "events.clicks.2024-01-01.json"))
    try FileManager.default.createDirectory(at: folder.appending(path: "next"), withIntermediateDirectories: true)
    try Data(JSONValue.object(members).compact.utf8).write(to: folder.appending(path: "next/2024-01-01.x.json"))
    var later = fixture
    later.now = { .now.addingTimeInterval(3 * 86_400) }
    await OldFiles(later.context).remove(database: fixture.database)
    #expect(fixture.files.contains { $0.hasSuffix("next/2024-01-01.x.json") }, "\(fixture.files)")
  }

  @Test("A file that cannot be settled does not keep the other pending manifests from their places")
  func settleGoesOn() async throws {
    let fixture = try await Fixture()
    let folder = fixture.directory.url.appending(path: "\(fixture.database)/_sluice")
    for day in ["2023-12-31", "2024-01-01"] {
      _ = try await fixture.backupOne(
        "\"table\": \"events.clicks:at\", \"date\": \"\(day)\"")
    }
    try FileManager.default.createDirectory(at: folder.appending(path: "next"), withIntermediateDirectories: true)
    for day in ["2023-12-31", "2024-01-01"] {
      try FileManager.default.moveItem(
        at: folder.appending(path: "events.clicks.\(day).json"), to: folder.appending(path: "next/\(day).x.json"))
    }
    // A manifest in its place that cannot be read.
    try Data("{".utf8).write(to: folder.appending(path: "events.clicks.2023-12-31.json"))
    var later = fixture
    later.now = { .now.addingTimeInterval(3 * 86_400) }
    await OldFiles(later.context).remove(database: fixture.database)
    #expect(fixture.files.contains("\(fixture.database)/_sluice/events.clicks.2024-01-01.json"), "\(fixture.files)")
  }

  @Test("Settling a pending manifest does not overwrite the manifest of a run that publishes meanwhile")
  func settleWhilePublishing() async throws {
    var fixture = try await Fixture()
    let lake = fixture.lake
    _ = try await fixture.backupOne()
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late')")
    var down = HookedStore(lake)
    down.publish = { writer, path, condition in
      guard !path.name.hasSuffix(".json") else {
        throw LakeError.unavailable(path, operation: "reaching the lake", reason: "it is down")
      }
      return try await writer.publish(as: path, condition: condition)
    }
    fixture.lake = down
    #expect(try await fixture.backupOne(OverwriteTests.overwrite).status == .ok)
    // The nightly run settles it while another job replaces the archive: between the look at the archive's manifests and
    // the look at the manifest's place.
    fixture.lake = lake
    let other = try await Fixture(other: fixture)
    try await other.psql("INSERT INTO events.clicks VALUES (10, '2024-01-01 11:00+00', 'later still')")
    var later = fixture
    later.now = { .now.addingTimeInterval(3 * 86_400) }
    later.lake = BeforeProperties(lake, path: "_sluice/events.clicks.2024-01-01.json") {
      let rows = try await ForeignRun.replace(other)
      #expect(rows == 5)
    }
    await OldFiles(later.context).remove(database: fixture.database)
    let sum = try await runChecked("/usr/bin/sha256sum", [fixture.directory.file(fixture.clicksPath)])
    #expect(try sum.hasPrefix(fixture.manifest()["sha256"]?.string ?? "-"))
    try await fixture.psql("TRUNCATE events.clicks")
    #expect(try await fixture.restoreOne().rowsLoaded == 5)
  }
}
