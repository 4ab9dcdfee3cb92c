import Essentials
import Foundation
import Postgres
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

@Suite("A part of a day")
struct RestorePartTests {
  /// A table of rows at each hour of a day, archived, then empty.
  func archived(_ type: String = "timestamptz", settings: [String: String] = [:]) async throws -> Fixture {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at \(type));
      INSERT INTO events.clicks SELECT i, '2024-01-01'::timestamp + i * interval '1 hour' FROM generate_series(0, 23) i;
      """, settings: settings)
    let result = try await fixture.backupOne()
    #expect(result.status == .ok)
    try await fixture.psql("DELETE FROM events.clicks")
    return fixture
  }

  func part(_ from: String, _ to: String, _ destination: String = "", more: String = "") -> String {
    "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"where\": {\"from\": \"\(from)\", \"to\": \"\(to)\"}"
      + (destination.isEmpty ? "" : ", \"destination\": {\(destination)}") + more
  }

  func ids(_ fixture: Fixture) async throws -> String {
    try await fixture.psql("SELECT string_agg(id::text, ',' ORDER BY id) FROM events.clicks")
  }

  @Test("Its rows alone are loaded, counted, looked for and replaced")
  func instants() async throws {
    let fixture = try await archived()
    let result = try await fixture.restoreOne(part("2024-01-01T10:00Z", "2024-01-01T13:00:00+01:00"))
    #expect(result.status == .ok)
    #expect(result.rowsLoaded == 2)
    #expect(result.rowsMatched == 2)
    #expect(result.dateWindow?.start == "2024-01-01T10:00Z")
    #expect(try await ids(fixture) == "10,11")
    // The rest of the day is no hindrance, the same part is one.
    #expect(try await fixture.restoreOne(part("2024-01-01T12:00Z", "2024-01-01T13:00Z")).rowsLoaded == 1)
    let error = try await fixture.restoreError(part("2024-01-01T11:00Z", "2024-01-01T14:00Z"))
    #expect(error.details["rows"] == .integer(2))
    #expect(
      try await fixture.restoreOne(part("2024-01-01T11:00Z", "2024-01-01T14:00Z", "\"on_existing\": \"skip\"")).status
        == .skipped)
    try await fixture.psql("UPDATE events.clicks SET id = -id")
    let replaced = try await fixture.restoreOne(
      part("2024-01-01T11:00Z", "2024-01-01T14:00Z", "\"on_existing\": \"replace\""))
    #expect(replaced.rowsLoaded == 3)
    #expect(try await ids(fixture) == "-10,11,12,13")
    await fixture.pools.close()
  }

  @Test("It is never replaced by fewer rows than it has")
  func fewer() async throws {
    let fixture = try await archived()
    try await fixture.psql("INSERT INTO events.clicks SELECT i, '2024-01-01 10:30+00' FROM generate_series(100, 102) i")
    let request = part("2024-01-01T10:00Z", "2024-01-01T12:00Z", "\"on_existing\": \"replace\"")
    #expect(try await fixture.restoreError(request).code == .fewerRows)
    #expect(try await fixture.count() == 3)
    await fixture.pools.close()
  }

  @Test("A timestamp column takes it by the clock of the archive's zone", arguments: ["timestamp", "timestamp(3)"])
  func wallClock(type: String) async throws {
    let fixture = try await archived(type, settings: ["BACKUP_TIMEZONE": "Europe/Berlin"])
    #expect(try await fixture.restoreOne(part("2024-01-01T10:00Z", "2024-01-01T12:00Z")).rowsLoaded == 2)
    #expect(try await ids(fixture) == "11,12")
    await fixture.pools.close()
  }

  @Test(
    "What lies outside the archive, is empty or is no instant is an error",
    arguments: [
      ("2023-12-31T23:00Z", "2024-01-01T01:00Z", "where"), ("2024-01-02T10:00Z", "2024-01-02T11:00Z", "where"),
      ("2024-01-01T10:00Z", "2024-01-01T10:00Z", "where.to"),
      ("2024-01-01T10:00Z", "2024-01-01T11:00+02:00", "where.to"),
      ("2024-01-01T10:00", "2024-01-01T11:00Z", "where.from"), ("2024-01-01T10:00Z", "2024-13-01T11:00Z", "where.to"),
      ("2024-01-01T25:00Z", "2024-01-01T11:00Z", "where.from"),
    ])
  func refused(from: String, to: String, field: String) async throws {
    let fixture = try await archived()
    let error = try await fixture.restoreError(part(from, to))
    #expect(error.code == .badField)
    #expect(error.field == field)
    #expect(try await fixture.count() == 0)
    await fixture.pools.close()
  }

  @Test("A date column has no parts of a day")
  func dates() async throws {
    let fixture = try await archived("date")
    #expect(try await fixture.restoreError(part("2024-01-01T10:00Z", "2024-01-01T12:00Z")).field == "where")
    #expect(try await fixture.restoreOne(part("2024-01-01T00:00Z", "2024-01-02T00:00Z")).rowsLoaded == 24)
    await fixture.pools.close()
  }

  @Test("The same key with another part, or without one, is another load; with the same part it is the same")
  func keys() async throws {
    let fixture = try await archived()
    let append = "\"on_existing\": \"append\""
    let key = ", \"key\": \"k1\""
    #expect(
      try await fixture.restoreOne(part("2024-01-01T10:00Z", "2024-01-01T12:00Z", append, more: key)).rowsLoaded == 2)
    let again = try await fixture.restoreOne(part("2024-01-01T10:00:00Z", "2024-01-01T13:00+01:00", append, more: key))
    #expect(again.status == .skipped)
    #expect(
      try await fixture.restoreOne(part("2024-01-01T12:00Z", "2024-01-01T13:00Z", append, more: key)).rowsLoaded == 1)
    let whole = try await fixture.restoreOne(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\(append)}\(key)")
    #expect(whole.rowsLoaded == 24)
    #expect(try await fixture.count() == 27)
    await fixture.pools.close()
  }

  @Test("Of an archive without a manifest too, and of rows with a unique key only those that are missing")
  func withoutManifest() async throws {
    let fixture = try await archived(settings: ["BACKUP_TABLES": "events.clicks:at"])
    try FileManager.default.removeItem(
      atPath: fixture.directory.file("\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    try await fixture.psql(
      "ALTER TABLE events.clicks ADD PRIMARY KEY (id); INSERT INTO events.clicks VALUES (10, '2024-01-01 10:00+00')")
    let result = try await fixture.restoreOne(
      part("2024-01-01T10:00Z", "2024-01-01T12:00Z", "\"mode\": \"staging\", \"on_existing\": \"append\""))
    #expect(result.rowsMatched == 2)
    #expect(result.rowsLoaded == 1)
    #expect(result.rowsSkipped == 1)
    await fixture.pools.close()
  }
}
