import Essentials
import Foundation
import Postgres
import TableDays
import TestSupport
import Testing

@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("Columns of a file and columns of a table")
struct ColumnMappingTests {
  /// A table that is archived and then changed by `change`, its rows gone.
  func archived(
    _ columns: String = "id int, at timestamptz, note text",
    rows: String = "(1, '2024-01-01 10:00+00', 'a'), (2, '2024-01-01 11:00+00', NULL)",
    change: String
  ) async throws -> Fixture {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (\(columns)); INSERT INTO events.clicks VALUES \(rows);")
    #expect(try await fixture.backupOne().status == .ok)
    try await fixture.psql("TRUNCATE events.clicks; \(change)")
    return fixture
  }

  func copy(_ members: String, _ destination: String = "") -> String {
    "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"copy\": {\(members)}"
      + (destination.isEmpty ? "" : ", \"destination\": {\(destination)}")
  }

  @Test(
    "A column goes into one of another name, the time column too, without staging",
    arguments: ["append", "replace", "error"])
  func map(onExisting: String) async throws {
    let fixture = try await archived(
      change: "ALTER TABLE events.clicks RENAME at TO seen; ALTER TABLE events.clicks RENAME note TO remark")
    let result = try await fixture.restoreOne(
      copy(
        "\"map\": {\"at\": \"seen\", \"note\": \"remark\"}, \"csv_options\": {\"FORCE_NOT_NULL\": [\"note\"]}",
        "\"on_existing\": \"\(onExisting)\""))
    #expect(result.columnsLoaded == ["id", "seen", "remark"])
    #expect(
      try await fixture.psql(
        "SELECT string_agg(id || remark, ',' ORDER BY id) FROM events.clicks WHERE seen IS NOT NULL") == "1a,2")
    if onExisting == "error" {
      #expect(
        try await fixture.restoreError(copy("\"map\": {\"at\": \"seen\", \"note\": \"remark\"}")).code == .rowsExist)
    }
    await fixture.pools.close()
  }

  @Test("Columns are left out, exchanged and filled")
  func ignoreAndDefaults() async throws {
    let fixture = try await archived(
      "id int, at timestamptz, note text, other text",
      rows: "(1, '2024-01-01 10:00+00', 'a', 'b'), (2, '2024-01-01 11:00+00', NULL, 'd')",
      change: """
        ALTER TABLE events.clicks ADD n numeric(8,2) NOT NULL, ADD f bool, ADD j jsonb, ADD e int DEFAULT 7, ADD plain int DEFAULT 8;
        """)
    let result = try await fixture.restoreOne(
      copy(
        """
        "map": {"note": "other"}, "ignore": ["other"], "defaults": {"n": 1.5, "f": true, "j": "{\\"a\\": 1}", "e": null, "note": "it's"}
        """, "\"mode\": \"staging\""))
    #expect(result.rowsLoaded == 2)
    #expect(
      try await fixture.psql(
        "SELECT string_agg(concat_ws('|', id, note, other, n, f, j, e, plain), ',' ORDER BY id) FROM events.clicks")
        == "1|it's|a|1.50|t|{\"a\": 1}|8,2|it's|1.50|t|{\"a\": 1}|8")
    await fixture.pools.close()
  }

  @Test(
    "Names that are not there, two columns for one and bad values are errors of their fields, and nothing is loaded",
    arguments: [
      ("\"map\": {\"nix\": \"note\"}", "copy.map", JobErrorCode.unknownColumns),
      ("\"map\": {\"note\": \"nix\"}", "copy.map", .unknownColumns),
      ("\"map\": {\"note\": \"id\"}", "copy.map", .badHeader),
      ("\"ignore\": \"nix\"", "copy.ignore", .unknownColumns),
      ("\"defaults\": {\"nix\": 1}", "copy.defaults.nix", .unknownColumns),
      ("\"defaults\": {\"id\": 1}", "copy.defaults.id", .badField),
      ("\"ignore\": \"id\", \"defaults\": {\"id\": \"one\"}", "copy.defaults.id", .badField),
      ("\"ignore\": \"id\", \"defaults\": {\"id\": null}", "copy.defaults.id", .badField),
    ])
  func refused(members: String, field: String, code: JobErrorCode) async throws {
    let fixture = try await archived(change: "ALTER TABLE events.clicks ALTER id SET NOT NULL")
    let error = try await fixture.restoreError(copy(members))
    #expect(error.code == code)
    #expect(error.field == field)
    #expect(try await fixture.count() == 0)
    await fixture.pools.close()
  }

  @Test("A request that contradicts itself is refused at once")
  func contradictions() throws {
    for (members, field) in [
      ("\"map\": {\"a\": \"x\", \"b\": \"x\"}", "copy.map"), ("\"map\": {\"a\": 1}", "copy.map.a"),
      ("\"map\": {\"a\": \"x\"}, \"ignore\": [\"a\"]", "copy.ignore"),
      ("\"defaults\": {\"a\": [1]}", "copy.defaults.a"),
      ("\"defaults\": [1]", "copy.defaults"),
    ] {
      let error = try #require(throws: JobError.self) {
        _ = try RestoreRequest(JSONValue(json: Data("{\(copy(members))}".utf8)))
      }
      #expect(error.code == .badField)
      #expect(error.field == field)
    }
  }

  @Test("A column that must have a value, and that nothing fills, is told before the load; a trigger may fill it")
  func missing() async throws {
    let fixture = try await archived(
      change: "ALTER TABLE events.clicks ADD k int NOT NULL, ADD i int NOT NULL GENERATED BY DEFAULT AS IDENTITY")
    let error = try await fixture.restoreError(copy(""))
    #expect(error.code == .missingColumns)
    #expect(error.details["columns"] == .array([.string("k")]))
    try await fixture.psql(
      """
      CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.k := 5; RETURN NEW; END $$;
      CREATE TRIGGER fill BEFORE INSERT ON events.clicks FOR EACH ROW EXECUTE FUNCTION fill();
      """)
    #expect(try await fixture.restoreOne(copy("")).rowsLoaded == 2)
    await fixture.pools.close()
  }

  @Test("A type that changed is cast where its text is not read, and refused without a cast")
  func retyped() async throws {
    let fixture = try await archived(
      "id int, at timestamptz, flag bool, amount numeric, big bigint, t timestamp, j jsonb, d double precision",
      rows: "(1, '2024-01-01 10:00+00', true, 2.0, 5, '2024-01-01 10:00', '3', 1e3)",
      change: """
        ALTER TABLE events.clicks ALTER flag TYPE int USING 0, ALTER amount TYPE bigint USING 0, ALTER big TYPE smallint USING 0,
          ALTER t TYPE timestamptz USING NULL, ALTER j TYPE int USING 0, ALTER d TYPE int USING 0, ALTER id TYPE text USING '';
        """)
    let result = try await fixture.restoreOne(copy(""))
    #expect(
      try await fixture.psql(
        "SET timezone = 'UTC'; SELECT concat_ws('|', id, flag, amount, big, t, j, d) FROM events.clicks")
        == "1|1|2|5|2024-01-01 10:00:00+00|3|1000")
    #expect(result.warnings.contains("the values of flag were cast from boolean to integer"))
    #expect(
      result.warnings.contains { $0.contains("t, timestamp without time zone in the file, were read as") },
      "\(result.warnings)")
    try await fixture.psql("TRUNCATE events.clicks; ALTER TABLE events.clicks ALTER amount TYPE uuid USING NULL")
    let error = try await fixture.restoreError(copy(""))
    #expect(error.code == .noCast)
    #expect(error.details["columns"] == .array([.string("amount")]))
    #expect(try await fixture.restoreOne(copy("\"ignore\": \"amount\"")).rowsLoaded == 1)
    await fixture.pools.close()
  }

  @Test("The comparison says all that differs")
  func drift() async throws {
    let fixture = try await archived(
      change: """
        ALTER TABLE events.clicks ALTER note TYPE varchar(9), ALTER id TYPE bigint, ADD a int, ADD b int NOT NULL DEFAULT 1,
          ADD c int NOT NULL, ADD g int GENERATED ALWAYS AS (id::int * 2) STORED, ADD i int GENERATED ALWAYS AS IDENTITY;
        """)
    let connection = try await fixture.otherSession()
    let facts = try await TableFacts.read(.init(schema: "events", name: "clicks"), for: .write, on: connection)
    let drift = try await ColumnDrift.read(
      fileColumns: ["id", "at", "note", "gone"],
      types: ["id": "integer", "at": "timestamp with time zone", "note": "text", "gone": "text"], facts: facts,
      mapping: .init(), on: connection)
    #expect(drift.columns.map(\.fate) == [.loaded, .loaded, .loaded, .unknown])
    #expect(drift.columns.map(\.conversion) == [.text, .same, .text, .same])
    #expect(drift.retyped.map(\.name) == ["id", "note"])
    #expect(drift.unknown.map(\.name) == ["gone"])
    #expect(drift.lacking.map(\.name) == ["a", "b", "c", "g", "i"])
    #expect(drift.lacking.map(\.filling) == [.null, .default, .nothing, .generated, .identity])
    await connection.close()
    await fixture.pools.close()
  }
}
