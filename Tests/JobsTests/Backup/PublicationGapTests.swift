import Archive
import Essentials
import Foundation
import Lake
import Reporting
import TableDays
import TestSupport
import Testing

@testable import Jobs

/// A publication that is cut off between any two of its requests, by a lake that goes down and stays down.
@Suite("Publications that are cut off")
struct PublicationGapTests {
  static let overwrite = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true"

  /// What the lake holds after the lake went down with the request of number `failing`.
  struct End {
    let result: BackupResult
    let fixture: Fixture
    /// The requests that were made.
    let requests: Int
  }

  /// Replaces an archive of three rows by one of four, or makes one of four rows, in a lake that goes down.
  func end(isNew: Bool, failing: Int?, isDone: Bool) async throws -> End {
    var fixture = try await Fixture()
    let lake = fixture.lake
    if !isNew { _ = try await fixture.backupOne() }
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late')")
    let down = FailingLake(lake, failing: failing, isDone: isDone)
    fixture.lake = down
    let result = try await fixture.backupOne(Self.overwrite)
    fixture.lake = lake
    return End(result: result, fixture: fixture, requests: down.count)
  }

  @Test(
    "The old archive stays with its manifest, or the new one has its own, whichever request the lake goes down with",
    arguments: [(true, false), (true, true), (false, false), (false, true)])
  func gaps(isNew: Bool, isDone: Bool) async throws {
    let all = try await end(isNew: isNew, failing: nil, isDone: false).requests
    #expect(all >= 6)
    for failing in 1...all {
      let end = try await end(isNew: isNew, failing: failing, isDone: isDone)
      try await check(end, isNew: isNew, "the lake went down with request \(failing) of \(all), done: \(isDone)")
    }
  }

  private func check(_ end: End, isNew: Bool, _ comment: Comment) async throws {
    let fixture = end.fixture
    let entry = try await fixture.lake.properties(of: LakePath(fixture.clicksPath))
    guard let entry else {
      #expect(isNew && [.failed, .unconfirmed].contains(end.result.status), comment)
      return
    }
    let found = try await ArchiveManifest.find(for: entry, in: fixture.lake)
    let manifest = try #require(found.manifest, comment)
    let sum = try await runChecked("/usr/bin/sha256sum", [fixture.directory.file(fixture.clicksPath)])
    #expect(sum.hasPrefix(manifest.sha256), comment)
    switch end.result.status {
    case .ok: #expect(manifest.rows == 4 && end.result.sha256 == manifest.sha256, comment)
    case .failed: #expect(!isNew && manifest.rows == 3, comment)
    case .unconfirmed: #expect(isNew ? manifest.rows == 4 : [3, 4].contains(manifest.rows), comment)
    case .skipped, .notBegun: Issue.record(comment)
    }
    // What is there restores, and the listing knows it.
    try await fixture.psql("TRUNCATE events.clicks")
    #expect(try await fixture.restoreOne().rowsLoaded == manifest.rows, comment)
    let listed = try await ArchiveCatalog(fixture.lake).inventory(of: fixture.database, ManifestCache())
    #expect(listed.archives.values.flatMap(\.values).map(\.rows) == [manifest.rows], comment)
    try await fixture.lake.delete(ManifestCache.document(database: fixture.database))
    // The next run finds an archive, and the nightly run removes what is left.
    #expect(try await fixture.backupOne().sha256 == manifest.sha256, comment)
    var later = fixture
    later.now = { .now.addingTimeInterval(3 * 86_400) }
    await OldFiles(later.context).remove(database: fixture.database)
    #expect(
      fixture.files == ["\(fixture.database)/_sluice/events.clicks.2024-01-01.json", fixture.clicksPath], comment)
    #expect(try fixture.manifest()["sha256"] == .string(manifest.sha256), comment)
  }

  @Test("A manifest is not put beside the archive of another run")
  func otherRun() async throws {
    var fixture = try await Fixture()
    let lake = fixture.lake
    _ = try await fixture.backupOne()
    let other = fixture
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late')")
    // Between the two renames another run, which the database's lock does not hold up, replaces the archive.
    var store = HookedStore(lake)
    store.publish = { writer, path, condition in
      if path.name.hasSuffix(".json") {
        let archive = try #require(try await lake.properties(of: LakePath(other.clicksPath)))
        let bytes = try other.bytes("\(other.database)/_sluice/events.clicks.2024-01-01.json")
        try await other.put("id,at,note\n7,2024-01-01 10:00+00,x\n", at: other.clicksPath)
        // The other run has published its manifest too.
        try await lake.writeAll(
          Array(bytes) + [0x20], to: path, temporary: LakePath("tmp"), condition: .always)
        #expect(archive.length > 0)
      }
      return try await writer.publish(as: path, condition: condition)
    }
    fixture.lake = store
    let result = try await fixture.backupOne(Self.overwrite)
    #expect(result.status == .ok)
    #expect(result.warnings.contains { $0.contains("another run replaced the archive") }, "\(result.warnings)")
    #expect(try fixture.bytes("\(fixture.database)/_sluice/events.clicks.2024-01-01.json").last == 0x20)
    #expect(fixture.temporaries == [])
  }

  @Test("A replacement that was cut off and has the old archive's length is known by its SHA-256")
  func sameLength() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    var members = try fixture.manifest()
    let folder = fixture.directory.url.appending(path: "\(fixture.database)/_sluice")
    let whole = JSONValue.object(members)
    members["sha256"] = .string(String(repeating: "0", count: 64))
    members["rows"] = 17
    try Data(JSONValue.object(members).compact.utf8).write(to: folder.appending(path: "events.clicks.2024-01-01.json"))
    try await fixture.psql("TRUNCATE events.clicks")
    #expect(try await fixture.restoreError().code == .archiveCorrupt)
    try FileManager.default.createDirectory(at: folder.appending(path: "next"), withIntermediateDirectories: true)
    try Data(whole.compact.utf8).write(to: folder.appending(path: "next/2024-01-01.x.json"))
    #expect(try await fixture.restoreOne().rowsLoaded == 3)
  }

  @Test("A manifest whose archive was removed by hand is replaced by that of the new archive")
  func strayManifest() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try FileManager.default.removeItem(at: fixture.directory.url.appending(path: fixture.clicksPath))
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late')")
    let result = try await fixture.backupOne()
    #expect(result.status == .ok && result.warnings == [])
    #expect(try fixture.manifest()["rows"] == .integer(4))
  }

  @Test("A manifest is not put beside the archive of another run that has published both its files in between")
  func otherRunBetween() async throws {
    var fixture = try await Fixture()
    let lake = fixture.lake
    _ = try await fixture.backupOne()
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late')")
    var store = HookedStore(lake)
    let other = try await Fixture(other: fixture)
    store.publish = { writer, path, condition in
      let entry = try await writer.publish(as: path, condition: condition)
      if path.name.hasSuffix(".csv.gz") {
        // The session of the first run has ended meanwhile, and with it its lock.
        try await other.psql("INSERT INTO events.clicks VALUES (10, '2024-01-01 11:00+00', 'later still')")
        let file = "\(other.database)/_sluice/events.clicks.2024-01-01.json"
        let run = try await ForeignRun.replace(other)
        #expect(run == 5, "\(file)")
      }
      return entry
    }
    fixture.lake = store
    let result = try await fixture.backupOne(Self.overwrite)
    let sum = try await runChecked("/usr/bin/sha256sum", [fixture.directory.file(fixture.clicksPath)])
    #expect(try sum.hasPrefix(fixture.manifest()["sha256"]?.string ?? "-"), "\(result.warnings)")
    try await fixture.psql("TRUNCATE events.clicks")
    #expect(try await fixture.restoreOne().rowsLoaded == 5)
  }

  @Test("A manifest is published where the archive's rename is not durable and a stray manifest is in the way")
  func notDurableStray() async throws {
    var fixture = try await Fixture()
    let lake = fixture.lake
    _ = try await fixture.backupOne()
    try FileManager.default.removeItem(at: fixture.directory.url.appending(path: fixture.clicksPath))
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late')")
    fixture.lake = HookedStore.doubtful(lake, suffix: ".gz", isDone: true) { .notDurable($0, reason: "fsync failed") }
    let result = try await fixture.backupOne()
    fixture.lake = lake
    #expect(!result.warnings.contains { $0.contains("another run replaced") }, "\(result.warnings)")
    try await fixture.psql("TRUNCATE events.clicks")
    #expect(try await fixture.restoreOne().rowsLoaded == 4)
  }

  @Test("An archive that was renamed although the lake's store throws keeps its pending manifest")
  func renamedAllTheSame() async throws {
    var fixture = try await Fixture()
    let lake = fixture.lake
    _ = try await fixture.backupOne()
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late')")
    // What ADLSClient.rename throws where the answer is lost, the repetition is refused (404 SourcePathNotFound) and the
    // look at the destination fails: it is no `outcome_unknown`.
    var store = HookedStore(lake)
    store.publish = { writer, path, condition in
      guard path.name.hasSuffix(".gz") else { return try await writer.publish(as: path, condition: condition) }
      _ = try await writer.publish(as: path, condition: condition)
      throw LakeError.unavailable(path, operation: "reading the properties", reason: "503")
    }
    fixture.lake = store
    let result = try await fixture.backupOne(Self.overwrite)
    #expect(result.status == .unconfirmed)
    fixture.lake = lake
    try await fixture.psql("TRUNCATE events.clicks")
    #expect(try await fixture.restoreOne().rowsLoaded == 4)
  }
}
