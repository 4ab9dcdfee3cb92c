import Essentials
import Foundation
import Jobs
import Lake
import Postgres
import TestSupport
import Testing

@testable import Reporting

@Suite("Damaged archives and interrupted restores")
struct RestoreDamageTests {
  static let big = """
    CREATE SCHEMA events;
    CREATE TABLE events.clicks (id int, at timestamptz, note text);
    INSERT INTO events.clicks SELECT i, '2024-01-01', md5(i::text) || md5((-i)::text) FROM generate_series(1, 30000) i;
    """

  /// A fixture whose day is archived, and deleted from the table.
  func archived(server: PostgresServer? = nil) async throws -> Fixture {
    let fixture = try await Fixture(Self.big, server: server)
    _ = try await fixture.backupOne()
    try await fixture.psql("TRUNCATE events.clicks")
    return fixture
  }

  func file(_ fixture: Fixture) -> URL { fixture.directory.url.appending(path: fixture.clicksPath) }

  func removeManifest(_ fixture: Fixture) throws {
    try FileManager.default.removeItem(
      at: fixture.directory.url.appending(path: "\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
  }

  static let append =
    "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\"}"

  @Test("A truncated file loads nothing", arguments: ["direct", "staging"])
  func truncated(mode: String) async throws {
    let fixture = try await archived()
    try removeManifest(fixture)
    let whole = try fixture.bytes()
    try whole.prefix(whole.count / 2).write(to: file(fixture))
    let error = try await fixture.restoreError(
      Self.append.replacing("{", with: "{\"mode\": \"\(mode)\", "))
    #expect(error.code == .archiveCorrupt)
    #expect(error.code.kind == .unprocessable)
    #expect(error.message.contains("truncated"))
    #expect(error.message.contains("at byte \(whole.count / 2)"))
    #expect(error.message.contains(fixture.clicksPath))
    #expect(try await fixture.count() == 0)
  }

  @Test("A file with a wrong gzip checksum loads nothing")
  func checksum() async throws {
    let fixture = try await archived()
    try removeManifest(fixture)
    var bytes = try fixture.bytes()
    bytes[bytes.count - 6] ^= 0x01
    try bytes.write(to: file(fixture))
    let error = try await fixture.restoreError(Self.append)
    #expect(error.code == .archiveCorrupt)
    #expect(error.message.contains("CRC-32"))
    #expect(try await fixture.count() == 0)
  }

  @Test("A file that is not gzip is refused with the reason")
  func notGzip() async throws {
    let fixture = try await archived()
    try removeManifest(fixture)
    try Data("id,at,note\n1,2024-01-01,x\n".utf8).write(to: file(fixture))
    let error = try await fixture.restoreError(Self.append)
    #expect(error.code == .archiveNotGzip)
    #expect(error.code.kind == .unprocessable)
    try Data().write(to: file(fixture))
    #expect(try await fixture.restoreError(Self.append).code == .archiveCorrupt)
  }

  @Test("A gzip file of nothing is refused for its missing header")
  func emptyGzip() async throws {
    let fixture = try await Fixture()
    try await fixture.put("")
    #expect(try await fixture.restoreError(Self.append).code == .badHeader)
  }

  @Test("A file with another SHA-256 than its manifest says is not loaded")
  func otherContent() async throws {
    let fixture = try await archived()
    // The header of a gzip file has a field that changes nothing of its content: the system it was made on.
    var bytes = try fixture.bytes()
    bytes[9] = bytes[9] == 3 ? 0 : 3
    try bytes.write(to: file(fixture))
    let error = try await fixture.restoreError()
    #expect(error.code == .archiveCorrupt)
    #expect(error.message.contains("SHA-256"))
    #expect(try await fixture.count() == 0)
    try removeManifest(fixture)
    #expect(try await fixture.restoreOne(Self.append).rowsLoaded == 30_000)
  }

  @Test("A file with another length than its manifest says is not loaded")
  func otherLength() async throws {
    let fixture = try await archived()
    try await fixture.put("id,at,note\n1,2024-01-01,x\n")
    let error = try await fixture.restoreError()
    #expect(error.code == .archiveCorrupt)
    #expect(error.message.contains("its manifest says"))
    #expect(try await fixture.count() == 0)
  }

  @Test(
    "A manifest that cannot be read, or that promises other rows, stops the load",
    arguments: [("\"rows\" : 30000", "\"rows\" : 30001", "rows_not_stored"), ("{", "", "manifest_unreadable")])
  func badManifest(old: String, new: String, code: String) async throws {
    let fixture = try await archived()
    let manifest = fixture.directory.url.appending(path: "\(fixture.database)/_sluice/events.clicks.2024-01-01.json")
    let text = try String(contentsOf: manifest, encoding: .utf8)
    try #require(text.contains(old))
    try text.replacing(old, with: new).write(to: manifest, atomically: true, encoding: .utf8)
    let error = try await fixture.restoreError()
    #expect(error.code.rawValue == code)
    #expect(try await fixture.count() == 0)
  }

  @Test("The manifest beside a file in another folder is checked too")
  func manifestElsewhere() async throws {
    let fixture = try await archived()
    let folder = fixture.directory.url.appending(path: "2024")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      at: fixture.directory.url.appending(path: fixture.database), to: folder.appending(path: fixture.database))
    let moved = folder.appending(path: fixture.clicksPath)
    #expect(try await fixture.restoreOne(fixture.url("2024/" + fixture.clicksPath)).rowsLoaded == 30_000)
    try await fixture.psql("TRUNCATE events.clicks")
    var bytes = try Data(contentsOf: moved)
    bytes[9] = bytes[9] == 3 ? 0 : 3
    try bytes.write(to: moved)
    #expect(try await fixture.restoreError(fixture.url("2024/" + fixture.clicksPath)).code == .archiveCorrupt)
  }

  @Test("When several stages fail, the error of the first one is reported")
  func firstError() async throws {
    // The server refuses the rows at once while the file goes on: its error comes out, not that of a stage it stopped.
    let fixture = try await archived()
    try await fixture.psql("ALTER TABLE events.clicks ADD CHECK (id > 100)")
    let error = try await fixture.restoreError()
    #expect(error.code == .constraintViolation)
    #expect(error.details["line"] == .number(2))
  }

  @Test("Of two restores of one file at once, exactly one loads it")
  func twoRestores() async throws {
    let fixture = try await archived()
    var gated = fixture
    let gate = Gate()
    gated.lake = HookedStore.gated(fixture.lake, gate)
    let slow = gated
    let first = Task { try await slow.restore() }
    try await eventually { gate.isReached }
    let error = await #expect(throws: JobError.self) { try await fixture.restore() }
    #expect(error?.code == .alreadyRunning)
    #expect(error?.code.kind == .conflict)
    // A backup of the same day would archive half of it.
    #expect(
      try await fixture.backup(OverwriteTests.overwrite).results[0].error?.code == .alreadyRunning)
    gate.open()
    #expect(try await first.value.results[0].rowsLoaded == 30_000)
    #expect(try await fixture.count() == 30_000)
  }

  @Test("A cancelled restore leaves no rows", arguments: ["direct", "staging"])
  func cancelled(mode: String) async throws {
    let fixture = try await archived()
    var gated = fixture
    let gate = Gate()
    gated.lake = HookedStore.gated(fixture.lake, gate)
    let slow = gated
    let request = Self.append.replacing("{", with: "{\"mode\": \"\(mode)\", ")
    let run = Task { try await slow.restore(request) }
    try await eventually { gate.isReached }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    try await fixture.expectNoStagingTable()
    #expect(try await fixture.count() == 0)
    #expect(try await fixture.restoreOne().rowsLoaded == 30_000)
  }

  @Test("A restore that waits for the audit chain can be cancelled, and has loaded nothing")
  func cancelledBefore() async throws {
    let fixture = try await archived()
    var gated = fixture
    let gate = Gate()
    var store = HookedStore(fixture.lake)
    store.append = { writer, bytes in
      try await gate.pass()
      try await writer.append(bytes)
    }
    gated.lake = store
    let slow = gated
    let run = Task { try await slow.restore() }
    try await eventually { gate.isReached }
    run.cancel()
    await #expect(throws: CancellationError.self) { try await run.value }
    #expect(try await fixture.count() == 0)
    gate.open()
    #expect(try await fixture.restoreOne().rowsLoaded == 30_000)
  }

  @Test("A server that stops during the load fails the restore with an error that says so")
  func serverStops() async throws {
    let server = try await PostgresServer()
    let fixture = try await archived(server: server)
    var gated = fixture
    let gate = Gate()
    gated.lake = HookedStore.gated(fixture.lake, gate)
    let slow = gated
    let run = Task { try await slow.restore() }
    try await eventually { gate.isReached }
    await server.stopAndWait()
    gate.open()
    let error = await #expect(throws: JobError.self) { try await run.value }
    #expect(error?.code == .databaseUnavailable)
    #expect(error?.code.kind == .unavailable)
  }

  @Test("The error of a trigger does not repeat the trigger's message")
  func triggerText() async throws {
    let fixture = try await archived()
    try await fixture.psql(
      """
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'no to %', NEW.note; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON events.clicks FOR EACH ROW EXECUTE FUNCTION refuse();
      """)
    let note = try await fixture.psql("SELECT md5('1') || md5('-1')")
    for mode in ["direct", "staging"] {
      let error = try await fixture.restoreError(Self.append.replacing("{", with: "{\"mode\": \"\(mode)\", "))
      #expect(error.code == .databaseError)
      #expect(error.message.contains("P0001"))
      #expect(!"\(error)".contains(note))
    }
  }
}
