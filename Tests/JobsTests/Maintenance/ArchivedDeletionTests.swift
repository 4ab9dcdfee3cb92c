import Essentials
import Foundation
import Lake
import TableDays
import TestSupport
import Testing

@testable import Archive
@testable import Jobs
@testable import Reporting

@Suite("Maintenance that deletes what the lake holds")
struct ArchivedDeletionTests {
  private static let task =
    #""name": "old", "kind": "delete_older_than", "table": "events.clicks", "column": "at", "keep": "10 days", "pause": "0ms""#

  /// Two archived days of 20 rows each, one of 5 that is not archived, and a young row.
  private func site() async throws -> Fixture {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz, note text);
      INSERT INTO events.clicks SELECT n, '2024-01-01'::timestamptz + n * interval '1 minute', 'a' FROM generate_series(0, 19) n;
      INSERT INTO events.clicks SELECT n, '2024-01-02'::timestamptz + n * interval '1 minute', 'b' FROM generate_series(0, 19) n;
      INSERT INTO events.clicks SELECT n, '2024-01-03'::timestamptz + n * interval '1 minute', 'c' FROM generate_series(0, 4) n;
      INSERT INTO events.clicks VALUES (100, now(), 'young');
      """)
    try await fixture.settle()
    for day in ["2024-01-01", "2024-01-02"] {
      _ = try await fixture.backup(#""table": "events.clicks:at", "date": "\#(day)""#)
    }
    return fixture
  }

  @Test("Days that an archive is proven to hold go, the others stay and say why")
  func proven() async throws {
    let fixture = try await site()
    try await fixture.psql("INSERT INTO events.clicks VALUES (50, '2024-01-02 12:00+00', 'late')")
    let result = try await fixture.maintain(Self.task + #", "batch_rows": 6"#)
    #expect(result.rows == 20 && result.outcome == .kept && result.reason == "late_rows", "\(result)")
    #expect(result.left.map(\.unit) == ["2024-01-02"])
    #expect(
      try await fixture.psql("SELECT string_agg(DISTINCT note, ',' ORDER BY note) FROM events.clicks")
        == "b,c,late,young")
    try await fixture.psql("DELETE FROM events.clicks WHERE note = 'late'")
    let again = try await fixture.maintain(Self.task)
    #expect(again.rows == 20 && again.reason == "no_archive" && again.remaining == 5, "\(again)")
    #expect(try await fixture.audited().map { $0.object?["outcome"]?.string } == ["begun", "kept", "begun", "kept"])
  }

  @Test(
    "A changed row, a damaged archive, and one of another table keep the day",
    arguments: ["changed", "damaged", "removed"])
  func unproven(flaw: String) async throws {
    let fixture = try await site()
    let file = fixture.directory.file(fixture.clicksPath)
    switch flaw {
    case "changed": try await fixture.psql("UPDATE events.clicks SET note = 'z' WHERE note = 'a' AND id = 3")
    case "damaged":
      var bytes = try fixture.bytes()
      bytes[bytes.count / 2] ^= 0xFF
      try bytes.write(to: URL(filePath: file))
    default: try FileManager.default.removeItem(atPath: file)
    }
    let result = try await fixture.maintain(Self.task)
    #expect(result.rows == 20, "\(result)")
    #expect(try await fixture.psql("SELECT count(*) FROM events.clicks WHERE at < '2024-01-02'") == "20")
    if flaw != "removed" {
      #expect(result.left.first?.unit == "2024-01-01")
      #expect(result.left.first?.reason == (flaw == "changed" ? "changed_rows" : "not_verified"))
    }
  }

  @Test(
    "A day that a run has left half deleted is gone on with by its noted proof; where the note is lost, the rest of it stays",
    arguments: [true, false])
  func halfDeleted(isNoted: Bool) async throws {
    var fixture = try await site()
    let clock = SteppingClock(after: 11)
    fixture.now = { clock.now }
    let task = Self.task + #", "batch_rows": 3, "budget": "1h""#
    let first = try await fixture.maintain(task)
    #expect(first.outcome == .stopped && first.rows > 0 && first.rows < 20, "\(first)")
    fixture.now = { Date(timeIntervalSince1970: 1_704_888_000) }
    try await fixture.psql("INSERT INTO events.clicks VALUES (60, '2024-01-01 13:00+00', 'new')")
    if !isNoted { try FileManager.default.removeItem(atPath: fixture.directory.file("_sluice/operations")) }
    let second = try await fixture.maintain(task)
    #expect(second.resumedAt == (isNoted ? "the days 2024-01-01" : nil))
    #expect(second.rows == (isNoted ? 40 - first.rows : 20))
    #expect(second.left.first?.reason == (isNoted ? "late_rows" : "fewer_rows"), "\(second)")
    #expect(
      try await fixture.psql("SELECT string_agg(DISTINCT note, ',' ORDER BY note) FROM events.clicks")
        == (isNoted ? "c,new,young" : "a,c,new,young"))
  }

  @Test(
    "Rows go to a file of the lake first, which holds them all and restores by psql; no catalog takes it for an archive"
  )
  func archives() async throws {
    let fixture = try await site()
    let task = Self.task + #", "archive": true, "batch_rows": 10"#
    let result = try await fixture.maintain(task, listedRows: 30)
    #expect(result.outcome == .ok && result.rows == 45 && result.archives.map(\.rows) == [30, 15], "\(result)")
    var back = 0
    try await fixture.psql("CREATE TABLE events.back (LIKE events.clicks)")
    for archive in result.archives {
      let csv = try await fixture.csv(archive.path)
      back += archive.rows
      try await fixture.psql("COPY events.back FROM STDIN WITH (FORMAT csv, HEADER true);\n\(csv)\\.\n")
    }
    #expect(back == 45)
    #expect(
      try await fixture.psql(
        "SELECT count(*), count(DISTINCT (id, at)) FROM events.back WHERE at < now() - interval '10 days'") == "45|45")
    let days = try await ArchiveCatalog(fixture.lake).days(database: fixture.database)
    #expect(days.values.flatMap { $0 }.count == 2)
    let name = try #require(result.archives[0].path.split(separator: "/").last)
    #expect(name.wholeMatch(of: #/events\.clicks\.deleted\.[0-9]{8}T[0-9]{6}Z\.csv\.gz/#) != nil)
    let manifest = try fixture.manifest(String(name.dropLast(7)))
    #expect(manifest["kind"]?.string == "deleted_rows" && manifest["sha256"]?.string == result.archives[0].sha256)
    let lines = try await fixture.audited()
    #expect(lines.map { $0.object?["outcome"]?.string } == ["begun", "ok", "begun", "ok"])
    #expect(lines[0].object?["path"]?.string == result.archives[0].path && lines[1].object?["rows"] == .integer(30))
  }

  @Test(
    "Where the lake refuses the file, or the audit chain, nothing is deleted",
    arguments: [".deleted.", "_sluice/audit/"])
  func lakeFails(path: String) async throws {
    var fixture = try await site()
    var store = HookedStore(fixture.lake)
    store.publish = { writer, name, condition in
      guard !"\(name)".contains(path) else { throw LakeFailure() }
      return try await writer.publish(as: name, condition: condition)
    }
    fixture.lake = store
    let result = try await fixture.maintain(Self.task + #", "archive": true"#)
    #expect(result.outcome == .failed && result.rows == 0, "\(result)")
    #expect(try await fixture.count() == 46 && fixture.temporaries == [])
  }

  private struct LakeFailure: Error {}

  @Test("A row that is changed between its file and its deletion stays")
  func changedMeanwhile() async throws {
    var fixture = try await site()
    let (server, database) = (fixture.server, fixture.database)
    var store = HookedStore(fixture.lake)
    store.publish = { writer, name, condition in
      if "\(name)".contains(".deleted.") && name.name.hasSuffix(".gz") {
        try await server.psql(database, "UPDATE events.clicks SET note = 'changed' WHERE note = 'c' AND id = 1")
      }
      return try await writer.publish(as: name, condition: condition)
    }
    fixture.lake = store
    let result = try await fixture.maintain(Self.task + #", "archive": true"#)
    // The second round archives its new version.
    #expect(result.rows == 45 && result.archives.map(\.rows) == [45, 1], "\(result)")
    let second = try await fixture.csv(result.archives[1].path)
    #expect(second.contains("changed"))
  }
}
