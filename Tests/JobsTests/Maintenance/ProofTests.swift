import Essentials
import Foundation
import Lake
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("Maintenance and the proofs of half deleted days")
struct ProofTests {
  private static let task =
    #""name": "old", "kind": "delete_older_than", "table": "e.ev", "column": "at", "keep": "10 days", "pause": "0ms", "batch_rows": 3, "budget": "1h""#

  /// A day of 40 rows in a partition, which is archived, and as many in a table that is no partition yet.
  private func site(_ server: PostgresServer? = nil) async throws -> Fixture {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA e; CREATE TABLE e.ev (tenant text, id int, at timestamptz) PARTITION BY LIST (tenant);
      CREATE TABLE e.ev_a PARTITION OF e.ev FOR VALUES IN ('a'); CREATE TABLE e.ev_b (LIKE e.ev);
      INSERT INTO e.ev SELECT 'a', n, '2024-01-01'::timestamptz + n * interval '1 minute' FROM generate_series(1, 40) n;
      INSERT INTO e.ev_b SELECT 'b', n, '2024-01-01'::timestamptz + n * interval '1 minute' FROM generate_series(1, 40) n;
      """, server: server)
    try await fixture.settle()
    _ = try await fixture.backup(#""table": "e.ev:at", "date": "2024-01-01""#)
    return fixture
  }

  /// A run that has left the day half deleted, and the day after.
  private func halfDeleted() async throws -> (Fixture, MaintenanceResult) {
    var fixture = try await site()
    let clock = SteppingClock(after: 11)
    fixture.now = { clock.now }
    let first = try await fixture.maintain(Self.task)
    #expect(first.outcome == .stopped && first.rows > 0 && first.rows < 40, "\(first)")
    fixture.now = { Date(timeIntervalSince1970: 1_704_888_000) }
    return (fixture, first)
  }

  private static let attach = "ALTER TABLE e.ev ATTACH PARTITION e.ev_b FOR VALUES IN ('b')"

  @Test("Rows of a partition that comes after the comparison stay: no archive has them")
  func attachedLater() async throws {
    let (fixture, first) = try await halfDeleted()
    try await fixture.psql(Self.attach)
    let second = try await fixture.maintain(Self.task)
    #expect(second.rows == 40 - first.rows && second.left.first?.reason == "late_rows", "\(second)")
    #expect(try await fixture.psql("SELECT string_agg(DISTINCT tenant, ','), count(*) FROM e.ev") == "b|40")
  }

  @Test("So do those of one that comes within the run")
  func attachedWithin() async throws {
    var fixture = try await site()
    let (server, database) = (fixture.server, fixture.database)
    var store = HookedStore(fixture.lake)
    store.publish = { writer, name, condition in
      let entry = try await writer.publish(as: name, condition: condition)
      if "\(name)".contains("operations/") {
        try await server.psql(
          database,
          "DO $$BEGIN IF NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = 'e.ev_b'::regclass) THEN \(Self.attach); END IF; END$$"
        )
      }
      return entry
    }
    fixture.lake = store
    let result = try await fixture.maintain(Self.task)
    #expect(result.rows == 40 && result.left.first?.reason == "late_rows", "\(result)")
    #expect(try await fixture.psql("SELECT string_agg(DISTINCT tenant, ','), count(*) FROM e.ev") == "b|40")
  }

  @Test("A proof of a transaction that the server has not reached is none: the server was set back")
  func setBack() async throws {
    let (fixture, first) = try await halfDeleted()
    let path = try #require(fixture.files.first { $0.contains("_sluice/operations/") })
    let url = URL(filePath: fixture.directory.file(path))
    let text = try String(decoding: Data(contentsOf: url), as: UTF8.self)
    let later = text.replacing(#/"since"\s*:\s*"[0-9]+"/#, with: #""since":"1000000000""#)
    #expect(later != text)
    try Data(later.utf8).write(to: url)
    let second = try await fixture.maintain(Self.task)
    #expect(second.rows == 0 && second.left.first?.reason == "fewer_rows", "\(second)")
    #expect(try await fixture.count("e.ev") == 40 - first.rows)
  }

  @Test(
    "A proof ends with the timeline of the server: a standby that is promoted may give numbers of transactions anew")
  func promoted() async throws {
    let primary = try await PostgresServer()
    var fixture = try await site(primary)
    let clock = SteppingClock(after: 11)
    fixture.now = { clock.now }
    let first = try await fixture.maintain(Self.task)
    #expect(first.outcome == .stopped && first.rows > 0 && first.rows < 40, "\(first)")
    fixture.now = { Date(timeIntervalSince1970: 1_704_888_000) }
    let standby = try await PostgresServer(standbyOf: primary)
    await fixture.pools.close()
    await primary.stopAndWait()
    try await standby.psql("postgres", "SELECT pg_promote() \\g /dev/null\n")
    let behind = try await Fixture(other: fixture.with { $0.server.port = standby.port })
    let second = try await behind.maintain(Self.task)
    #expect(second.rows == 0 && second.left.first?.reason == "fewer_rows", "\(second)")
    #expect(try await standby.psql(fixture.database, "SELECT count(*) FROM e.ev") == "\(40 - first.rows)")
    await behind.pools.close()
    await standby.stopAndWait()
  }

  @Test("A proof outlives another keep time of its task, and the age at which documents are removed")
  func outlives() async throws {
    let (fixture, first) = try await halfDeleted()
    let path = try #require(fixture.files.first { $0.contains("_sluice/operations/") })
    try FileManager.default.setAttributes(
      [.modificationDate: fixture.now().addingTimeInterval(-100 * 86_400)], ofItemAtPath: fixture.directory.file(path))
    await OldFiles(fixture.context).remove(database: fixture.database)
    let second = try await fixture.maintain(Self.task.replacing("10 days", with: "20 days"))
    #expect(second.rows == 40 - first.rows && second.outcome == .ok, "\(second)")
    // Without a proof in it the document goes by its age.
    try FileManager.default.setAttributes(
      [.modificationDate: fixture.now().addingTimeInterval(-100 * 86_400)], ofItemAtPath: fixture.directory.file(path))
    await OldFiles(fixture.context).remove(database: fixture.database)
    #expect(!fixture.files.contains(path))
  }

  @Test("An archive that goes while its day is walked through keeps the rest of the day")
  func archiveGoes() async throws {
    var fixture = try await site()
    let (server, database) = (fixture.server, fixture.database)
    let archive = try #require(fixture.files.first { $0.hasSuffix("2024-01-01.csv.gz") })
    let file = fixture.directory.file(archive)
    var store = HookedStore(fixture.lake)
    store.beforeProperties = { path in
      guard "\(path)" == archive, try await server.psql(database, "SELECT count(*) < 38 FROM e.ev") == "t" else {
        return
      }
      try? FileManager.default.removeItem(atPath: file)
    }
    fixture.lake = store
    let result = try await fixture.maintain(Self.task)
    #expect(result.rows == 3 && result.left.first?.reason == "not_verified", "\(result)")
    #expect(try await fixture.count("e.ev") == 37)
  }

  @Test(
    "A day that is in a compressed chunk in part stays as a whole, and goes as a whole once that is decompressed and archived again",
    .enabled(if: PostgresServer.hasTimescale))
  func compressedPart() async throws {
    let fixture = try await Fixture(
      """
      CREATE EXTENSION timescaledb; CREATE SCHEMA e; CREATE TABLE e.ev (at timestamptz NOT NULL, id int);
      SELECT create_hypertable('e.ev', 'at', chunk_time_interval => interval '12 hours') \\g /dev/null
      INSERT INTO e.ev SELECT '2024-01-01'::timestamptz + n * interval '1 hour', n FROM generate_series(0, 23) n;
      ALTER TABLE e.ev SET (timescaledb.compress);
      SELECT compress_chunk(c) FROM (SELECT c FROM show_chunks('e.ev') c ORDER BY c LIMIT 1) s \\g /dev/null
      """, server: try await PostgresServer.withTimescale())
    func archive() async throws {
      try await fixture.settle()
      _ = try await fixture.backup(#""table": "e.ev:at", "date": "2024-01-01", "overwrite": true"#)
    }
    try await archive()
    let closed = try await fixture.maintain(Self.task)
    #expect(closed.rows == 0 && closed.left.first?.reason == "compressed", "\(closed)")
    try await fixture.psql("SELECT decompress_chunk(c) FROM show_chunks('e.ev') c LIMIT 1 \\g /dev/null\n")
    try await archive()
    let open = try await fixture.maintain(Self.task)
    #expect(open.outcome == .ok && open.rows == 24, "\(open)")
  }
}
