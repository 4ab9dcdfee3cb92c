import Essentials
import Foundation
import TableDays
import TestSupport
import Testing

@testable import Archive
@testable import Configuration
@testable import Jobs
@testable import Lake
@testable import Reporting

extension Fixture {
  /// Verifies what the members of the request name.
  func verify(_ members: String = "") async throws -> VerifyReport {
    try await VerifyJob(context, settings.backup).run(VerifyRequest(JSONValue(json: Data("{\(members)}".utf8))))
  }

  /// The one result of a verification.
  func verifyOne(_ members: String = "") async throws -> VerifyResult {
    let results = try await verify(members).results
    #expect(results.count == 1)
    return try #require(results.first)
  }

  /// Changes the bytes of a file of the lake.
  func change(_ path: String? = nil, _ change: (inout Data) -> Void) throws {
    var data = try bytes(path)
    change(&data)
    try data.write(to: URL(filePath: directory.file(path ?? clicksPath)))
  }
}

@Suite("Verification")
struct VerifyTests {
  @Test("An archive that matches is verified at each depth, and a reading of the whole file is noted in the manifest")
  func verified() async throws {
    var fixture = try await Fixture()
    _ = try await fixture.backupOne()
    var result = try await fixture.verifyOne("\"depth\": \"manifest\"")
    #expect(result.status == .verified && result.depth == .manifest && result.rows == 3)
    #expect(try fixture.manifest()["verified_at"] == nil)
    result = try await fixture.verifyOne()
    #expect(result.status == .verified && result.depth == .full)
    #expect(try fixture.manifest()["verified_at"] == .string("2024-01-10T12:00:00Z"))
    #expect(try fixture.manifest()["verified_depth"] == .string("full"))
    #expect(try fixture.manifest()["verified_by"] == .string(Program.version))
    fixture.now = { Date(timeIntervalSince1970: 1_704_888_060) }
    result = try await fixture.verifyOne("\"depth\": \"database\"")
    #expect(result.status == .verified && result.depth == .database && result.liveRows == 3)
    #expect(try fixture.manifest()["verified_at"] == .string("2024-01-10T12:01:00Z"))
    #expect(try fixture.manifest()["verified_depth"] == .string("database"))
    #expect(fixture.temporaries == [])
    // A restore still takes the archive.
    try await fixture.psql("DELETE FROM events.clicks")
    #expect(try await fixture.restoreOne().rowsLoaded == 3)
  }

  @Test("A table with late, deleted, dropped, changed rows or columns is told as such")
  func live() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    let request = "\"depth\": \"database\""
    func after(_ sql: String) async throws -> VerifyResult {
      try await fixture.psql(sql)
      let result = try await fixture.verifyOne(request)
      return result
    }
    var result = try await after("INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late')")
    #expect(result.status == .lateRows && result.lateRows == 1 && result.liveRows == 4 && !result.isWell)
    result = try await after("DELETE FROM events.clicks WHERE id = 2")
    #expect(result.status == .changedRows && result.liveRows == 3, "a row deleted and another inserted")
    result = try await after("DELETE FROM events.clicks WHERE id = 9")
    #expect(result.status == .fewerRows && result.fewerRows == 1 && result.dropped == nil && !result.isWell)
    result = try await after("INSERT INTO events.clicks VALUES (2, '2024-01-01 12:00+00', NULL)")
    #expect(result.status == .verified)
    result = try await after("UPDATE events.clicks SET note = 'First' WHERE id = 1")
    #expect(result.status == .changedRows)
    result = try await after(
      "UPDATE events.clicks SET note = 'first' WHERE id = 1; ALTER TABLE events.clicks ADD more int")
    #expect(result.status == .changedRows && result.warnings.contains { $0.contains("more") })
    result = try await after("ALTER TABLE events.clicks DROP more; ALTER TABLE events.clicks DROP note")
    #expect(result.status == .changedRows && result.warnings.contains { $0.contains("note") })
    result = try await after("DELETE FROM events.clicks WHERE at >= '2024-01-01+00' AND at < '2024-01-02+00'")
    #expect(result.status == .fewerRows && result.dropped == true && result.isWell && result.liveRows == 0)
    result = try await after("DROP TABLE events.clicks")
    #expect(result.status == .fewerRows && result.dropped == true)
    #expect(try fixture.manifest()["verified_depth"] == .string("full"))
  }

  @Test("An archive that is gone is missing, whether its manifest is there, or the request asks for the day")
  func missing() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try FileManager.default.removeItem(atPath: fixture.directory.file(fixture.clicksPath))
    for depth in ["manifest", "full"] {
      let result = try await fixture.verifyOne("\"depth\": \"\(depth)\"")
      #expect(result.status == .missing && "\(result.date)" == "2024-01-01" && result.path == fixture.clicksPath)
    }
    let report = try await fixture.verify(
      "\"table\": \"events.clicks\", \"from\": \"2023-12-31\", \"to\": \"2024-01-02\"")
    #expect(report.results.map(\.status) == [.missing, .missing, .missing])
    #expect(report.summary == ["missing": 3] && report.status == .failed)
  }

  @Test("An archive without a manifest is unverifiable, until it is adopted")
  func adopt() async throws {
    let fixture = try await Fixture(settings: ["BACKUP_TABLES": "events.clicks:at"])
    try await fixture.put("id,at,note\n1,2024-01-01 00:00:00+00,first\n2,2024-01-01 12:00:00+00,\n")
    var result = try await fixture.verifyOne()
    #expect(result.status == .unverifiable && result.rows == 2 && !result.isWell)
    result = try await fixture.verifyOne("\"depth\": \"manifest\"")
    #expect(result.status == .unverifiable && result.rows == nil)
    result = try await fixture.verifyOne("\"adopt\": true")
    #expect(result.status == .verified && result.adopted == true)
    #expect(try fixture.manifest()["adopted"] == .bool(true))
    result = try await fixture.verifyOne("\"depth\": \"database\"")
    #expect(result.status == .lateRows && result.lateRows == 1)
    // Neither a damaged file nor one of unknown columns gets a manifest.
    let other = "\(fixture.database)/events.clicks.2024-01-03.csv.gz"
    try await fixture.put("id,at,unknown\n1,2024-01-03 00:00:00+00,first\n", at: other)
    result = try #require(try await fixture.verify("\"adopt\": true").results.last)
    #expect(result.status == .failed && result.error?.code == .archiveDiffers && result.error?.field == "adopt")
    try fixture.change(other) { $0.removeLast() }
    result = try #require(try await fixture.verify("\"adopt\": true").results.last)
    #expect(result.status == .damaged && result.damage?.kind == .gzip)
    #expect(fixture.files.filter { $0.hasSuffix(".json") }.count == 1)
  }

  @Test("A sample is chosen again by its seed, and what was verified lately can be left out")
  func sample() async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz); "
        + "INSERT INTO events.clicks SELECT n, '2024-01-01+00'::timestamptz + n * interval '6 h' FROM generate_series(0, 31) n"
    )
    _ = try await fixture.backup("\"table\": \"events.clicks:at\", \"from\": \"2024-01-01\", \"to\": \"2024-01-08\"")
    let first = try await fixture.verify("\"sample\": 3, \"seed\": 7")
    #expect(first.results.count == 3 && first.seed == 7)
    #expect(try await fixture.verify("\"sample\": 3, \"seed\": 7").results.map(\.date) == first.results.map(\.date))
    let report = try await fixture.verify("\"older_than_verification\": \"1h\"")
    #expect(report.recent == 3 && report.results.count == 5 && report.status == .ok)
    #expect(Set(report.results.map(\.date)).isDisjoint(with: first.results.map(\.date)))
    var later = fixture
    later.now = { Date(timeIntervalSince1970: 1_704_888_000 + 3601) }
    #expect(try await later.verify("\"older_than_verification\": \"1h\", \"depth\": \"manifest\"").results.count == 8)
  }

  @Test(
    "A request that cannot be meant is refused with its field",
    arguments: [
      ("\"depth\": \"deep\"", "depth"), ("\"sample\": 0", "sample"), ("\"seed\": 1", "seed"),
      ("\"older_than_verification\": \"30\"", "older_than_verification"),
      ("\"older_than_verification\": \"-1d\"", "older_than_verification"),
      ("\"adopt\": true, \"depth\": \"manifest\"", "adopt"), ("\"table\": \"events.clicks:at\"", "table"),
      ("\"date\": \"2024-01-01\", \"to\": \"2024-01-02\"", "date"),
      ("\"from\": \"2024-01-02\", \"to\": \"2024-01-01\"", "from"),
      ("\"tabel\": \"a.b\"", "tabel"), ("\"table\": \",\"", "table"),
    ])
  func bad(members: String, field: String) throws {
    let error = #expect(throws: JobError.self) { try VerifyRequest(JSONValue(json: Data("{\(members)}".utf8))) }
    #expect(error?.field == field)
  }

  @Test("Where the manifest has been replaced meanwhile, the verification is not written into the other one")
  func raced() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    let entry = try #require(try await fixture.lake.properties(of: LakePath(fixture.clicksPath)))
    let tableDay = try #require(TableDay(archivePath: entry.path))
    let verification = ArchiveVerification(tableDay, entry, in: fixture.lake)
    guard case .verified(let manifest, let proof?, let place) = try await verification.perform(readsFile: true) else {
      Issue.record("not verified")
      return
    }
    try await fixture.psql("INSERT INTO events.clicks VALUES (9, '2024-01-01 10:00+00', 'late')")
    _ = try await fixture.backupOne("\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\", \"overwrite\": true")
    await #expect(throws: LakeError.self) {
      try await verification.record(manifest, proof, replacing: place, depth: .full, at: fixture.now(), by: "x")
    }
    #expect(try fixture.manifest()["rows"] == .integer(4) && fixture.manifest()["verified_at"] == nil)
  }
}
