import Essentials
import Foundation
import Jobs
import Lake
import Reporting
import TestSupport
import Testing

@testable import Configuration

@Suite("Backups of days that are archived already")
struct OverwriteTests {
  static let overwrite = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true"
  static let force = overwrite + ", \"force\": true"

  @Test("An existing archive is left alone")
  func skipped() async throws {
    let fixture = try await Fixture()
    let first = try await fixture.backupOne()
    let bytes = try fixture.bytes()
    try await fixture.psql("UPDATE events.clicks SET note = 'changed'")
    let second = try await fixture.backupOne()
    #expect(second.status == .skipped)
    #expect(second.skipped == "exists")
    #expect(second.rows == 3)
    #expect(second.sha256 == first.sha256)
    #expect(second.gzipBytes == first.gzipBytes)
    #expect(try fixture.bytes() == bytes)
  }

  @Test("An existing archive whose manifest cannot be read is left alone too")
  func unreadableManifest() async throws {
    let fixture = try await Fixture()
    try await fixture.put("id\n1\n")
    _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-02\"")
    try Data("{".utf8).write(
      to: fixture.directory.url.appending(path: "\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    let result = try await fixture.backupOne()
    #expect(result.status == .skipped)
    #expect(result.rows == nil)
  }

  @Test("With overwrite, archive and manifest are replaced")
  func overwrite() async throws {
    let fixture = try await Fixture()
    let first = try await fixture.backupOne()
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late')")
    let second = try await fixture.backupOne(Self.overwrite)
    #expect(second.status == .ok)
    #expect(second.rows == 4)
    #expect(second.sha256 != first.sha256)
    #expect(try fixture.manifest()["rows"] == .number(4))
    #expect(try fixture.manifest()["sha256"] == second.sha256.map { .string($0) })
    #expect(try await fixture.csv().contains("late"))
    #expect(fixture.files.count == 2)
  }

  @Test("An archive is not replaced by one with fewer rows", arguments: [true, false])
  func fewerRows(hasManifest: Bool) async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    if !hasManifest {
      try FileManager.default.removeItem(
        at: fixture.directory.url.appending(path: "\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    }
    let files = fixture.files
    let bytes = try fixture.bytes()
    try await fixture.psql("DELETE FROM events.clicks WHERE id = 2")
    let error = try await fixture.backupError(Self.overwrite)
    #expect(error.code == .fewerRows)
    #expect(error.code.kind == .conflict)
    #expect(error.details == ["archive_rows": .number(3), "table_rows": .number(2)])
    #expect(error.message.contains("Pass force"))
    #expect(try fixture.bytes() == bytes)
    #expect(fixture.files == files)
    #expect(try await fixture.backupOne(Self.force).rows == 2)
    #expect(try fixture.manifest()["rows"] == .number(2))
  }

  @Test("A manifest that describes another file is not trusted")
  func otherManifest() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try await fixture.put("id,at,note\n" + (1...9).map { "\($0),2024-01-01,\"two\nlines\"\n" }.joined())
    let error = try await fixture.backupError(Self.overwrite)
    #expect(error.details["archive_rows"] == .number(9))
  }

  @Test("An archive that cannot be read, or has no manifest, is replaced with force alone", arguments: [true, false])
  func unknownArchive(isReadable: Bool) async throws {
    let fixture = try await Fixture()
    try await fixture.put("id,at,note\n1,2024-01-01,x\n")
    let file = fixture.directory.url.appending(path: fixture.clicksPath)
    if !isReadable { try Data(contentsOf: file).dropLast(4).write(to: file) }
    let error = try await fixture.backupError(Self.overwrite)
    #expect(error.code == .archiveDiffers)
    #expect(error.message.contains(isReadable ? "has no manifest" : "cannot be read (archive_corrupt)"))
    #expect(try await fixture.backupOne(Self.force).status == .ok)
    #expect(try await fixture.csv().hasPrefix("id,at,note\n1,"))
  }

  @Test("A replacement has another length than the archive that it replaces, by which the two are told apart")
  func otherLength() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    var lengths: Set = [try fixture.bytes().count]
    for note in ["fixed", "mixed", "sixth"] {
      try await fixture.psql("UPDATE events.clicks SET note = '\(note)' WHERE id = 1")
      #expect(try await fixture.backupOne(Self.overwrite).gzipBytes == (try fixture.bytes().count))
      #expect(try await fixture.csv().contains(note))
      lengths.insert(try fixture.bytes().count)
      try await fixture.psql("DELETE FROM events.clicks WHERE id = 1")
      #expect(
        try await fixture.restoreOne(
          "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"replace\"}"
        ).rowsLoaded == 3)
    }
    #expect(lengths.count > 1)
  }

  @Test("A replacement that fails keeps the old archive and its manifest")
  func failedReplacement() async throws {
    var fixture = try await Fixture()
    _ = try await fixture.backupOne()
    let manifest = try fixture.manifest()
    fixture.lake = HookedStore.doubtful(fixture.lake, suffix: ".gz", isDone: false) { .noSpace($0) }
    let error = try await fixture.backupError(Self.overwrite)
    #expect(error.code == .lakeFull)
    #expect(try fixture.manifest() == manifest)
    #expect(fixture.files.count == 2)
  }

  @Test("A request that comes again with the same key does not replace the archives that it has made")
  func sameKey() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    let keyed = Self.overwrite + ", \"key\": \"k-1\""
    #expect(try await fixture.backupOne(keyed).status == .ok)
    let bytes = try fixture.bytes()
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late')")
    let again = try await fixture.backupOne(keyed)
    #expect(again.status == .skipped && again.skipped == "exists" && again.rows == 3)
    #expect(again.warnings.count == 1 && again.warnings[0].contains("same key"))
    #expect(try fixture.bytes() == bytes)
    // So does what asks without running it.
    func earlier(_ key: String) async throws -> BackupResult? {
      let job = BackupJob(fixture.context, fixture.settings.backup)
      let text = "{\(Self.overwrite), \"key\": \"\(key)\"}"
      return try await job.earlierResult(of: job.plan(BackupRequest(JSONValue(json: Data(text.utf8)))))
    }
    #expect(try await earlier("k-1")?.sha256 == again.sha256)
    #expect(try await earlier("k-2") == nil)
    // Another request replaces it, and so does one without a key.
    #expect(try await fixture.backupOne(Self.overwrite + ", \"key\": \"k-2\"").rows == 4)
    #expect(try await fixture.backupOne(Self.overwrite).status == .ok)
  }

  @Test("An archive that cannot be read is not replaced by an empty one without force")
  func unreadableReplacedByNothing() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    let file = fixture.directory.url.appending(path: fixture.clicksPath)
    try Data(contentsOf: file).dropLast(4).write(to: file)
    let bytes = try fixture.bytes()
    try await fixture.psql("DELETE FROM events.clicks WHERE at >= '2024-01-01' AND at < '2024-01-02'")
    let result = try await fixture.backupOne(Self.overwrite)
    #expect(result.status == .failed, "\(result.rows ?? -1) \(result.warnings)")
    #expect(try fixture.bytes() == bytes)
  }
}
