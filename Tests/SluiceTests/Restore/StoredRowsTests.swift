import Foundation
import TestSupport
import Testing

@testable import Sluice

/// A restore is ok only when every row of the file is in the table.
@Suite struct StoredRowsTests {
  static let empty = "CREATE SCHEMA events; CREATE TABLE events.clicks (id int PRIMARY KEY, at timestamptz, note text);"
  static let dropsSome = """
    CREATE FUNCTION drop_some() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN IF NEW.id % 2 = 0 THEN RETURN NULL; END IF; RETURN NEW; END $$;
    CREATE TRIGGER sieve BEFORE INSERT ON events.clicks FOR EACH ROW EXECUTE FUNCTION drop_some();
    """
  static let csv = "id,at,note\n" + (1...6).map { "\($0),2024-01-01,x\n" }.joined()

  func request(_ mode: String) -> String {
    "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\", \"mode\": \"\(mode)\"}"
  }

  @Test(
    "A trigger that keeps rows out makes the restore fail, with or without a manifest",
    arguments: ["direct", "staging"], [true, false])
  func trigger(mode: String, hasManifest: Bool) async throws {
    let fixture = try await Fixture(Self.empty)
    if hasManifest {
      try await fixture.psql("INSERT INTO events.clicks SELECT i, '2024-01-01', 'x' FROM generate_series(1, 6) i")
      _ = try await fixture.backupOne()
      try await fixture.psql("TRUNCATE events.clicks")
    } else {
      try await fixture.put(Self.csv)
    }
    try await fixture.psql(Self.dropsSome)
    let error = try await fixture.restoreError(request(mode))
    #expect(error.code == "rows_not_stored")
    #expect(error.kind == .unprocessable)
    #expect(error.details == ["file_rows": .number(6), "stored_rows": .number(3)])
    #expect(try await fixture.count() == 0)
  }

  @Test("Rows that were there are told from rows that a trigger keeps out")
  func skipped() async throws {
    let fixture = try await Fixture(Self.empty)
    try await fixture.put(Self.csv)
    // The even ones are there already: the trigger loses nothing.
    try await fixture.psql("INSERT INTO events.clicks SELECT i, '2024-01-01', 'x' FROM generate_series(2, 6, 2) i")
    try await fixture.psql(Self.dropsSome)
    let result = try await fixture.restoreOne(request("staging"))
    #expect(result.rowsLoaded == 3)
    #expect(result.rowsSkipped == 3)
    #expect(try await fixture.count() == 6)
  }

  @Test(
    "A line that ends the data is found in a file with line ends of any kind",
    arguments: ["\n", "\r", "\r\n"], ["direct", "staging"])
  func endMark(lineEnd: String, mode: String) async throws {
    let fixture = try await Fixture("CREATE SCHEMA events; CREATE TABLE events.clicks (note text);")
    let rows = (1...5).map { "row \($0)" } + ["\\."] + (7...12).map { "row \($0)" }
    try await fixture.put((["note"] + rows).map { $0 + lineEnd }.joined())
    let version = try #require(Int(try await fixture.psql("SHOW server_version_num")))
    guard version < 180_000 else {
      // There the line is a value like any other.
      #expect(try await fixture.restoreOne(request(mode)).rowsLoaded == 12)
      return
    }
    let error = try await fixture.restoreError(request(mode))
    #expect(error.code == "bad_row")
    #expect(error.details["row"] == .number(6))
    #expect(try await fixture.count() == 0)
    // As the last line it is meant so.
    try await fixture.put((["note"] + rows.prefix(6)).map { $0 + lineEnd }.joined())
    #expect(try await fixture.restoreOne(request(mode)).rowsLoaded == 5)
  }
}
