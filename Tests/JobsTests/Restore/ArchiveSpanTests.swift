import Archive
import Configuration
import Database
import Essentials
import Foundation
import Lake
import Reporting
import TableDays
import TestSupport
import Testing

@testable import Jobs

/// Which values of a time column a restore takes as an archive's day.
@Suite("The span of an archive")
struct ArchiveSpanTests {
  static let day = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\""

  func read(_ fixture: Fixture, _ change: (inout [String: JSONValue]) -> Void = { _ in }) async throws
    -> ArchiveManifest
  {
    let path = "\(fixture.database)/_sluice/events.clicks.2024-01-01.json"
    var members = try fixture.manifest()
    change(&members)
    try Data(JSONValue.object(members).compact.utf8).write(to: fixture.directory.url.appending(path: path))
    return try #require(try await ArchiveManifest.read(at: LakePath(path), in: fixture.lake))
  }

  @Test(
    "A manifest records the kind of the time column and both bounds as the database compared them",
    arguments: [
      ("timestamptz", DaySpan.Kind.instant, "2023-12-31T23:00:00+00:00", "2024-01-01T23:00:00+00:00"),
      ("timestamp", .wallClock, "2024-01-01", "2024-01-02"), ("date", .date, "2024-01-01", "2024-01-02"),
    ])
  func recorded(type: String, kind: DaySpan.Kind, start: String, end: String) async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at \(type));"
        + "INSERT INTO events.clicks VALUES (1, '2024-01-01 12:00'), (2, '2023-12-30'), (3, '2024-01-03')",
      settings: ["BACKUP_TIMEZONE": "Europe/Berlin"])
    _ = try await fixture.backupOne(Self.day)
    let manifest = try await read(fixture)
    #expect(manifest.window.kind == kind)
    #expect(manifest.span(of: kind) == DaySpan(kind: kind, start: start, end: end))
    #expect(manifest.window.start == "2024-01-01T00:00:00+01:00" && manifest.window.end == "2024-01-02T00:00:00+01:00")
    #expect(manifest.window.timeZone == "Europe/Berlin")
    #expect(manifest.span(of: kind == .date ? .instant : .date) == nil)
  }

  @Test("Columns are recorded with the kind of their type")
  func columns() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TYPE events.mood AS ENUM ('good'); CREATE TYPE events.pair AS (a int, b int);
      CREATE DOMAIN events.small AS int[]; 
      CREATE TABLE events.clicks (
        id int, at timestamptz, moods events.mood[], mood events.mood, pair events.pair, small events.small,
        span int4range, spans int4multirange);
      INSERT INTO events.clicks (at) VALUES ('2024-01-01 12:00+00');
      """)
    _ = try await fixture.backupOne(Self.day)
    #expect(
      try await read(fixture).columns.map(\.kind)
        == ["base", "base", "array", "enum", "composite", "domain", "range", "multirange"])
  }

  @Test("A manifest of an older version is read: the span is that of its window, or of its day")
  func older() async throws {
    let fixture = try await Fixture(settings: ["BACKUP_TIMEZONE": "Europe/Berlin"])
    _ = try await fixture.backupOne(Self.day)
    let manifest = try await read(fixture) { members in
      guard case .object(var window)? = members["window"] else { return }
      for name in ["kind", "start_value", "end_value"] { #expect(window.removeValue(forKey: name) != nil) }
      members["window"] = .object(window)
      members["columns"] = [["name": "id", "type": "integer"], ["name": "at", "type": "timestamp with time zone"]]
    }
    let archive = TableDay(database: manifest.database, table: manifest.table, day: manifest.date)
    // Today's time zone does not count.
    let span = ArchiveSpan(of: archive.day, manifest, timeZone: .gmt)
    #expect(span.isRecorded)
    #expect(
      span.values(of: TimeColumn(name: "at", kind: .instant))
        == DaySpan(kind: .instant, start: "2024-01-01T00:00:00+01:00", end: "2024-01-02T00:00:00+01:00"))
    // The column's type tells its kind.
    #expect(manifest.timeKind == .instant && span.values(of: TimeColumn(name: "at", kind: .date)) == nil)
    let unrecorded = ArchiveSpan(of: archive.day, nil, timeZone: .gmt)
    #expect(!unrecorded.isRecorded)
    #expect(unrecorded.window?.start == "2024-01-01T00:00:00+00:00")
  }

  @Test("A restore counts the rows of the archive's own span, not of the day in today's time zone")
  func otherZone() async throws {
    var fixture = try await Fixture(settings: ["BACKUP_TIMEZONE": "Asia/Tokyo"])
    _ = try await fixture.backupOne(Self.day)
    fixture.settings.backup.timeZone = .gmt
    let error = try await fixture.restoreError()
    // 2023-12-31 15:00 to 2024-01-01 15:00 UTC.
    #expect(error.details["rows"] == .integer(3))
    #expect(
      try await fixture.psql(
        "SELECT string_agg(id::text, ',' ORDER BY id) FROM events.clicks WHERE at >= '2023-12-31 15:00+00' AND at < '2024-01-01 15:00+00'"
      ) == "1,2,4")
  }
}
