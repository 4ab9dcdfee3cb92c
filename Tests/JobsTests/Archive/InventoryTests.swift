import Essentials
import Foundation
import Lake
import Synchronization
import TestSupport
import Testing

@testable import Archive
@testable import Jobs
@testable import TableDays

/// One listing, and only the manifests that are not known.
@Suite("The inventory of a lake")
struct InventoryTests {
  let clicks = TableName(schema: "events", name: "clicks")

  /// Counts the manifests that are read.
  private final class Counted: Sendable {
    private let paths = Mutex<[String]>([])

    var count: Int { paths.withLock { $0.count } }

    func lake(_ base: any LakeStore) -> HookedStore {
      var store = HookedStore(base)
      store.read = { reader, maxBytes, number in
        let name = reader.entry.path.name
        if number == 1, name.hasSuffix(".json") { self.paths.withLock { $0.append(name) } }
        return try await reader.read(maxBytes: maxBytes)
      }
      return store
    }
  }

  private func fixture() async throws -> Fixture {
    let fixture = try await Fixture()
    for day in ["2023-12-31", "2024-01-01", "2024-01-02"] {
      _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"\(day)\", \"empty\": \"archive\"")
    }
    return fixture
  }

  private func rows(_ inventory: LakeInventory) -> [String] {
    (inventory.archives[clicks] ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.rows ?? -1)" }
  }

  @Test("A manifest is read once, also by the next process, and again when it has changed")
  func cache() async throws {
    let fixture = try await fixture()
    let counted = Counted()
    let catalog = ArchiveCatalog(counted.lake(fixture.lake))
    let cache = ManifestCache()
    let first = try await catalog.inventory(of: fixture.database, cache)
    #expect(rows(first) == ["2023-12-31 1", "2024-01-01 3", "2024-01-02 1"])
    #expect(counted.count == 3)
    #expect(try await catalog.inventory(of: fixture.database, cache).archives == first.archives)
    #expect(counted.count == 3, "known in the process")
    #expect(try await catalog.inventory(of: fixture.database, ManifestCache()).archives == first.archives)
    #expect(counted.count == 3, "known by the document")
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-02 05:00+00', 'late')")
    _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-02\", \"overwrite\": true")
    for cache in [cache, ManifestCache()] {
      let after = try await catalog.inventory(of: fixture.database, cache)
      #expect(rows(after) == ["2023-12-31 1", "2024-01-01 3", "2024-01-02 2"])
      #expect(counted.count == 4, "the one that changed, and the document knows it then")
    }
  }

  @Test("A listing that is cut off has kept the manifests that it read, for this process and the next one")
  func cutOff() async throws {
    let fixture = try await fixture()
    let counted = Counted()
    var lake = counted.lake(fixture.lake)
    let counting = lake.read
    lake.read = { reader, maxBytes, number in
      if reader.entry.path.name.hasSuffix(".json"), number == 1, counted.count == 2 { throw CancellationError() }
      return try await counting(reader, maxBytes, number)
    }
    let cache = ManifestCache()
    await #expect(throws: CancellationError.self) {
      try await ArchiveCatalog(lake).inventory(of: fixture.database, cache, manifestsOfPart: 1)
    }
    #expect(counted.count == 2)
    for cache in [ManifestCache(), cache] {
      let next = Counted()
      let inventory = try await ArchiveCatalog(next.lake(fixture.lake)).inventory(of: fixture.database, cache)
      #expect(rows(inventory) == ["2023-12-31 1", "2024-01-01 3", "2024-01-02 1"])
      #expect(next.count == 1)
    }
  }

  /// What happens to the first part of a document that is written.
  enum Writing: CaseIterable {
    case refused, unavailable, failing, anothers
  }

  @Test(
    "Parts are written until the lake refuses one or another process writes the document, and the whole is owed",
    arguments: Writing.allCases)
  func parts(kind: Writing) async throws {
    let fixture = try await fixture()
    let document = try ManifestCache.document(database: fixture.database)
    let writes = Mutex(0)
    let base = fixture.lake
    var lake = HookedStore(base)
    lake.publish = { writer, path, condition in
      guard path == document else { return try await writer.publish(as: path, condition: condition) }
      let isFirst = writes.withLock {
        $0 += 1
        return $0 == 1
      }
      switch kind {
      case .refused: throw LakeError.permissionDenied(path, operation: "writing")
      case .unavailable where isFirst: throw LakeError.unavailable(path, operation: "rename", reason: "busy")
      case .failing where isFirst: throw LakeError.rootUnavailable("lake", reason: "full")
      default: break
      }
      let entry = try await writer.publish(as: path, condition: condition)
      guard kind == .anothers, isFirst else { return entry }
      // Another process writes what it knows, behind the first part.
      try await base.writeAll(
        [1], to: path, temporary: ArchiveLayout.newTemporaryPath(database: fixture.database), condition: .always)
      return entry
    }
    let cache = ManifestCache()
    let inventory = try await ArchiveCatalog(lake).inventory(of: fixture.database, cache, manifestsOfPart: 1)
    #expect(rows(inventory).count == 3 && inventory.unreadManifests.isEmpty)
    #expect(writes.withLock { $0 } == [.refused: 1, .unavailable: 1, .failing: 2, .anothers: 3][kind])
    _ = try await ArchiveCatalog(lake).inventory(of: fixture.database, cache, manifestsOfPart: 1)
    #expect(writes.withLock { $0 } == [.refused: 1, .unavailable: 2, .failing: 2, .anothers: 3][kind])
    let counted = Counted()
    _ = try await ArchiveCatalog(counted.lake(base)).inventory(of: fixture.database, ManifestCache())
    #expect(counted.count == (kind == .refused ? 3 : 0))
  }

  @Test("An archive whose name is shortened and whose manifest is none is told, and keeps no listing from the others")
  func shortenedUnread() async throws {
    let name = String(repeating: "событие", count: 4)
    let fixture = try await Fixture(
      "CREATE SCHEMA \(name); CREATE TABLE \(name).\(name) (at timestamptz); "
        + "INSERT INTO \(name).\(name) VALUES ('2024-01-01 10:00+00')")
    let done = try await fixture.backupOne("\"table\": \"\(name).\(name):at\", \"date\": \"2024-01-01\"")
    #expect(done.status == .ok)
    let whole = try await ArchiveCatalog(fixture.lake).inventory(of: fixture.database, ManifestCache())
    #expect(whole.archives.count == 1 && whole.unreadManifests.isEmpty)
    let folder = fixture.directory.url.appending(path: "\(fixture.database)/_sluice")
    let manifest = try #require(
      try FileManager.default.contentsOfDirectory(atPath: folder.path).first { $0.contains("~") })
    try Data("x".utf8).write(to: folder.appending(path: manifest))
    let inventory = try await ArchiveCatalog(fixture.lake).inventory(of: fixture.database, ManifestCache())
    #expect(inventory.archives.isEmpty && inventory.unreadManifests.map(\.name) == [manifest])
  }

  @Test("Listings at the same time in a process read each manifest once")
  func together() async throws {
    let fixture = try await fixture()
    let counted = Counted()
    let (catalog, cache) = (ArchiveCatalog(counted.lake(fixture.lake)), ManifestCache())
    try await withThrowingTaskGroup(of: [String].self) { group in
      for _ in 0..<8 {
        group.addTask { rows(try await catalog.inventory(of: fixture.database, cache, manifestsOfPart: 2)) }
      }
      for try await rows in group { #expect(rows.count == 3) }
    }
    #expect(counted.count == 3)
  }

  @Test("A manifest that is none is named, and one that goes meanwhile is not")
  func unread() async throws {
    let fixture = try await fixture()
    let folder = fixture.directory.url.appending(path: "\(fixture.database)/_sluice")
    try Data("[]".utf8).write(to: folder.appending(path: "events.clicks.2024-01-01.json"))
    let gone = folder.appending(path: "events.clicks.2024-01-02.json")
    var lake = HookedStore(fixture.lake)
    lake.read = { reader, maxBytes, _ in
      try? FileManager.default.removeItem(at: gone)
      if reader.entry.path.name == gone.lastPathComponent { throw LakeError.notFound(reader.entry.path) }
      return try await reader.read(maxBytes: maxBytes)
    }
    let inventory = try await ArchiveCatalog(lake).inventory(of: fixture.database, ManifestCache())
    #expect(inventory.unreadManifests.map(\.name) == ["events.clicks.2024-01-01.json"])
    #expect(rows(inventory) == ["2023-12-31 1", "2024-01-01 -1", "2024-01-02 -1"])
  }

  @Test("A document that cannot be read or written costs requests alone", arguments: ["damaged", "refused", "forged"])
  func badDocument(kind: String) async throws {
    let fixture = try await fixture()
    let path = try ManifestCache.document(database: fixture.database)
    let file = fixture.directory.url.appending(path: "\(path)")
    let counted = Counted()
    var lake = counted.lake(fixture.lake)
    switch kind {
    case "damaged": try Data("not gzip".utf8).write(to: file)
    case "forged":
      // Facts of files that are not these: their ETags are others.
      let facts = ManifestFacts(etag: 1, rows: 77, gzipBytes: 1, verifiedAt: .distantPast)
      let day = try #require(Day("2024-01-01"))
      let forged = try ManifestCache.encode([try LakePath(fixture.database): [clicks: [day: facts]]])
      try Data(forged).write(to: file)
    default:
      lake.beforeMaking = { path in throw LakeError.permissionDenied(path, operation: "writing") }
    }
    let inventory = try await ArchiveCatalog(lake).inventory(of: fixture.database, ManifestCache())
    #expect(rows(inventory) == ["2023-12-31 1", "2024-01-01 3", "2024-01-02 1"])
    #expect(counted.count == 3)
    #expect(FileManager.default.fileExists(atPath: file.path) == (kind != "refused"))
    if kind != "refused" {
      _ = try await ArchiveCatalog(lake).inventory(of: fixture.database, ManifestCache())
      #expect(counted.count == 3, "the document was written anew")
    }
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: fixture.directory.file("\(fixture.database)/_sluice/tmp"))
        .isEmpty)
  }

  @Test("An archive that is replaced between the two listings is not told as damaged")
  func replacedMeanwhile() async throws {
    let fixture = try await fixture()
    let cache = ManifestCache()
    _ = try await ArchiveCatalog(fixture.lake).inventory(of: fixture.database, cache)
    try await fixture.psql(
      "INSERT INTO events.clicks SELECT g, '2024-01-02 05:00+00', g::text FROM generate_series(10, 99) g")
    let hasReplaced = Mutex(false)
    var lake = HookedStore(fixture.lake)
    // The manifest is read after both listings.
    lake.read = { reader, maxBytes, number in
      let bytes = try await reader.read(maxBytes: maxBytes)
      guard reader.entry.path.name.hasSuffix("2024-01-01.json"), number == 1,
        !hasReplaced.withLock({
          let was = $0; $0 = true; return was
        })
      else { return bytes }
      _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-02\", \"overwrite\": true")
      return bytes
    }
    // Its time of verification is not the cached one, so that it is read.
    let manifest = fixture.directory.url.appending(path: "\(fixture.database)/_sluice/events.clicks.2024-01-01.json")
    try Data(contentsOf: manifest).write(to: manifest)
    let inventory = try await ArchiveCatalog(lake).inventory(of: fixture.database, cache)
    #expect(hasReplaced.withLock { $0 })
    #expect(inventory.archives[clicks]?.values.allSatisfy { !$0.isDamaged } == true)
    let after = try await ArchiveCatalog(fixture.lake).inventory(of: fixture.database, cache)
    #expect(rows(after).last == "2024-01-02 91")
  }

  @Test("A publication that was cut off between its two files is found by its pending manifest")
  func pending() async throws {
    let fixture = try await fixture()
    let folder = fixture.directory.url.appending(path: "\(fixture.database)/_sluice")
    let next = folder.appending(path: "next")
    try FileManager.default.createDirectory(at: next, withIntermediateDirectories: true)
    try FileManager.default.moveItem(
      at: folder.appending(path: "events.clicks.2024-01-01.json"), to: next.appending(path: "2024-01-01.x.json"))
    let inventory = try await ArchiveCatalog(fixture.lake).inventory(of: fixture.database, ManifestCache())
    #expect(rows(inventory) == ["2023-12-31 1", "2024-01-01 3", "2024-01-02 1"])
  }
}
