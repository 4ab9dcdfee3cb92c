import Foundation
import Lake
import TestSupport
import Testing

@Suite struct OverwriteTests {
  static let overwrite = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true"
  static let force = overwrite + ", \"force\": true"

  @Test func anArchiveThatIsThereIsLeftAlone() async throws {
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

  @Test func anArchiveWithAnUnreadableManifestIsLeftAloneToo() async throws {
    let fixture = try await Fixture()
    try await fixture.put("id\n1\n")
    _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-02\"")
    try Data("{".utf8).write(
      to: fixture.directory.url.appending(path: "\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    let result = try await fixture.backupOne()
    #expect(result.status == .skipped)
    #expect(result.rows == nil)
  }

  @Test func overwriteReplacesArchiveAndManifest() async throws {
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

  @Test(arguments: [true, false])
  func anArchiveIsNotReplacedByOneWithFewerRows(hasManifest: Bool) async throws {
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

  @Test func aManifestOfAnotherFileIsNotBelieved() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try await fixture.put("id,at,note\n" + (1...9).map { "\($0),2024-01-01,\"two\nlines\"\n" }.joined())
    let error = try await fixture.backupError(Self.overwrite)
    #expect(error.details["archive_rows"] == .number(9))
  }

  @Test func anArchiveThatCannotBeReadIsReplacedWithAWarning() async throws {
    let fixture = try await Fixture()
    try await fixture.put("id,at,note\n1,2024-01-01,x\n")
    let file = fixture.directory.url.appending(path: fixture.clicksPath)
    try Data(contentsOf: file).dropLast(4).write(to: file)
    let result = try await fixture.backupOne(Self.overwrite)
    #expect(result.status == .ok)
    #expect(result.warnings.count == 1)
    #expect(result.warnings.first?.contains("could not be read") == true)
    #expect(try await fixture.csv().hasPrefix("id,at,note\n1,"))
  }

  @Test func aReplacementThatFailsKeepsTheOldManifest() async throws {
    var fixture = try await Fixture()
    _ = try await fixture.backupOne()
    let manifest = try fixture.manifest()
    fixture.lake = UnpublishableStore(base: fixture.lake)
    let error = try await fixture.backupError(Self.overwrite)
    #expect(error.code == .lakeFull)
    #expect(try fixture.manifest() == manifest)
    #expect(fixture.files.count == 2)
  }
}

/// A store that runs full at the last step of an archive.
private struct UnpublishableStore: LakeStore {
  let base: any LakeStore
  var displayURL: String { base.displayURL }

  func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    UnpublishableWriter(base: try await base.makeWriter(temporary: temporary))
  }
  func openReader(_ path: LakePath) async throws -> any LakeReader { try await base.openReader(path) }
  func properties(of path: LakePath) async throws -> LakeEntry? { try await base.properties(of: path) }
  func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage {
    try await base.listPage(under: folder, recursive: recursive, continuation: continuation)
  }
  func delete(_ path: LakePath) async throws { try await base.delete(path) }
}

private final class UnpublishableWriter: LakeWriter {
  let base: any LakeWriter
  init(base: any LakeWriter) { self.base = base }
  func append(_ bytes: [UInt8]) async throws { try await base.append(bytes) }
  func close() async throws -> LakeFileDigest { try await base.close() }
  func publish(as path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry {
    if path.name.hasSuffix(".gz") { throw LakeError.noSpace(path) }
    return try await base.publish(as: path, condition: condition)
  }
  func discard() async -> LakePath? { await base.discard() }
}
