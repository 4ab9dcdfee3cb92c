import Essentials
import Foundation
import TestSupport
import Testing

@testable import Archive
@testable import Jobs
@testable import Lake
@testable import Reporting

@Suite("Damaged archives")
struct VerifyDamageTests {
  /// The kinds of archives whose bytes are changed.
  enum Kind: CaseIterable {
    case oneMember
    case manyMembers
    case olderLayout
    case withoutManifest
  }

  /// A day's archive of `kind`, and its path.
  static func archive(_ kind: Kind) async throws -> (Fixture, String) {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz, note text); "
        + "INSERT INTO events.clicks SELECT n, '2024-01-01+00'::timestamptz + n * interval '1 s', md5(n::text) "
        + "FROM generate_series(0, 499) n; "
        + "INSERT INTO events.clicks SELECT n, '2024-01-02+00'::timestamptz + n * interval '1 s', md5(n::text) "
        + "FROM generate_series(0, 499) n", settings: ["BACKUP_TABLES": "events.clicks:at"])
    _ = try await fixture.backup("\"table\": \"events.clicks:at\", \"from\": \"2024-01-01\", \"to\": \"2024-01-02\"")
    let path = fixture.clicksPath
    switch kind {
    case .oneMember: return (fixture, path)
    case .manyMembers:
      let csv = Data(try await fixture.csv().utf8)
      let parts = stride(from: 0, to: csv.count, by: 5000).map { csv[$0..<min($0 + 5000, csv.count)] }
      try FileManager.default.removeItem(atPath: fixture.directory.file(path))
      var members = Data()
      for part in parts {
        try await fixture.put(Data(part))
        members += try fixture.bytes()
      }
      try members.write(to: URL(filePath: fixture.directory.file(path)))
      try await fixture.describe(path)
      return (fixture, path)
    case .olderLayout:
      let older = "\(fixture.database)/events/clicks.2024-01-01.csv.gz"
      try fixture.move(path, to: older)
      try fixture.move(
        "\(fixture.database)/_sluice/events.clicks.2024-01-01.json",
        to: "\(fixture.database)/events/_sluice/clicks.2024-01-01.json")
      return (fixture, older)
    case .withoutManifest:
      try FileManager.default.removeItem(
        atPath: fixture.directory.file("\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
      return (fixture, path)
    }
  }

  static let day = "\"table\": \"events.clicks\", \"date\": \"2024-01-01\""

  /// A restore of the day is refused as corrupt, and changes nothing.
  static func expectRefused(_ fixture: Fixture) async throws {
    let error = await #expect(throws: JobError.self) {
      try await fixture.restore("\(day), \"destination\": {\"on_existing\": \"replace\"}")
    }
    #expect([.archiveCorrupt, .archiveNotGzip].contains(error?.code), "\(error.debugDescription)")
    #expect(try await fixture.count() == 1000)
  }

  @Test(
    "A bit flipped at any of 50 places is found by a full verification, and nothing is loaded from it",
    arguments: Kind.allCases)
  func bits(kind: Kind) async throws {
    let (fixture, path) = try await Self.archive(kind)
    let whole = try fixture.bytes(path)
    var numbers = SeededNumbers(seed: 42)
    // Three of the header's bytes mean nothing to a reader: the time (4 of them) and the system that wrote it.
    for round in 0..<50 {
      let byte = Int.random(in: 0..<whole.count, using: &numbers)
      let bit = UInt8(1) << UInt8.random(in: 0..<8, using: &numbers)
      try fixture.change(path) { $0[byte] ^= bit }
      let result = try await fixture.verifyOne(Self.day)
      let isUnread = kind == .withoutManifest && (4..<10).contains(byte)
      if isUnread {
        #expect(result.status == .unverifiable)
      } else {
        #expect(result.status == .damaged, "byte \(byte), bit \(bit): \(result)")
        #expect(result.damage?.byte != nil || result.damage?.kind == .sha256, "\(result)")
        if round < 10 { try await Self.expectRefused(fixture) }
      }
      try whole.write(to: URL(filePath: fixture.directory.file(path)))
    }
    #expect(try await fixture.verifyOne(Self.day).status == (kind == .withoutManifest ? .unverifiable : .verified))
  }

  @Test("A byte that is cut off is found", arguments: Kind.allCases)
  func cut(kind: Kind) async throws {
    let (fixture, path) = try await Self.archive(kind)
    try fixture.change(path) { $0.removeLast() }
    for depth in ["full", "manifest"] where kind != .withoutManifest || depth == "full" {
      let result = try await fixture.verifyOne("\(Self.day), \"depth\": \"\(depth)\"")
      #expect(result.status == .damaged && result.damage?.kind == (kind == .withoutManifest ? .gzip : .length))
    }
    try await Self.expectRefused(fixture)
  }

  @Test("Members in another order, and a member that is missing, are found")
  func members() async throws {
    let (fixture, path) = try await Self.archive(.manyMembers)
    let whole = try fixture.bytes(path)
    let starts = whole.indices.filter { whole[$0...].starts(with: [0x1f, 0x8b, 8]) }
    try #require(starts.count > 3)
    let (second, third, fourth) = (starts[1], starts[2], starts[3])
    try fixture.change(path) {
      $0 = whole[..<second] + whole[third..<fourth] + whole[second..<third] + whole[fourth...]
    }
    var result = try await fixture.verifyOne(Self.day)
    #expect(result.status == .damaged)
    try await Self.expectRefused(fixture)
    try fixture.change(path) { $0 = whole[..<second] + whole[third...] }
    result = try await fixture.verifyOne("\(Self.day), \"depth\": \"manifest\"")
    #expect(result.status == .damaged && result.damage?.kind == .length)
  }

  @Test("An archive replaced by another day's is found, also with that day's manifest", arguments: [false, true])
  func otherDay(withManifest: Bool) async throws {
    let (fixture, path) = try await Self.archive(.oneMember)
    let other = path.replacing("01-01", with: "01-02")
    try fixture.copy(other, over: path)
    if withManifest {
      let manifest = "\(fixture.database)/_sluice/events.clicks.2024-01-01.json"
      try fixture.copy(manifest.replacing("01-01", with: "01-02"), over: manifest)
    }
    for depth in ["full", "manifest"] {
      let result = try await fixture.verifyOne("\(Self.day), \"depth\": \"\(depth)\"")
      #expect(result.status == .damaged, "\(result)")
      if withManifest { #expect(result.damage?.kind == .manifest) }
    }
    try await Self.expectRefused(fixture)
  }

  @Test("A row with another number of fields is found by its number")
  func fields() async throws {
    let fixture = try await Fixture()
    try await fixture.put("id,at,note\n1,2024-01-01 00:00:00+00,\"a,\n\"\n2,2024-01-01 12:00:00+00\n")
    let result = try await fixture.verifyOne()
    #expect(result.status == .damaged && result.damage?.kind == .columns && result.damage?.row == 2)
  }

  @Test("A manifest that cannot be read is told, and read again once it can be")
  func manifest() async throws {
    let (fixture, _) = try await Self.archive(.oneMember)
    let path = "\(fixture.database)/_sluice/events.clicks.2024-01-01.json"
    let whole = try fixture.bytes(path)
    try fixture.change(path) { $0.removeLast(20) }
    let result = try await fixture.verifyOne(Self.day)
    #expect(result.status == .damaged && result.damage?.kind == .manifest)
    try whole.write(to: URL(filePath: fixture.directory.file(path)))
    #expect(try await fixture.verifyOne(Self.day).status == .verified)
  }
}

extension Fixture {
  func move(_ path: String, to other: String) throws {
    let target = URL(filePath: directory.file(other))
    try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    try FileManager.default.moveItem(at: URL(filePath: directory.file(path)), to: target)
  }

  func copy(_ path: String, over other: String) throws {
    try bytes(path).write(to: URL(filePath: directory.file(other)))
  }

  /// Writes length and digest of the file into its manifest, as if Sluice had written it so.
  func describe(_ path: String) async throws {
    let digest = try await runChecked("/usr/bin/sha256sum", [directory.file(path)]).prefix { $0 != " " }
    var members = try manifest()
    members["gzip_bytes"] = .integer(try bytes(path).count)
    members["sha256"] = .string(String(digest))
    members["etag"] = nil
    let name = "\(database)/_sluice/events.clicks.2024-01-01.json"
    try Data(JSONValue.object(members).compact.utf8).write(to: URL(filePath: directory.file(name)))
  }
}
