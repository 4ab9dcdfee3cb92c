import Essentials
import Foundation
import Reporting
import TestSupport
import Testing

/// What a function or trigger of the database says may hold anything, row data too.
@Suite("Errors of triggers and rows")
struct TriggerErrorTests {
  /// One SQLSTATE of every class (PostgreSQL documentation, "PostgreSQL Error Codes"), and those that the program knows.
  static let states = [
    "01000", "02000", "03000", "08000", "08006", "08P01", "09000", "0A000", "0B000", "0F000", "0L000", "0P000", "0Z000",
    "20000", "21000", "22000", "22021", "22P04", "23000", "23505", "23514", "24000", "25000", "25006", "25P03", "26000",
    "27000", "28000", "28P01", "2B000", "2D000", "2F000", "34000", "38000", "39000", "3B000", "3D000", "3F000", "40001",
    "40P01", "42000", "42501", "42P01", "42704", "44000", "53000", "53100", "53300", "54000", "55000", "55P03", "57000",
    "57014", "57P01", "57P03", "58000", "58030", "72000", "F0000", "HV000", "P0001", "XX000", "XX001",
  ]

  @Test(
    "An error that a trigger raises, of any class, shows its SQLSTATE and none of its message",
    arguments: ["direct", "staging"])
  func raised(mode: String) async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks (id int, at timestamptz, note text);
      CREATE TABLE public.state (state text);
      INSERT INTO public.state VALUES ('P0001');
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE wanted text := (SELECT state FROM public.state);
      BEGIN
        RAISE WARNING 'warned of %', NEW.note;
        RAISE EXCEPTION 'refused %', NEW.note
          USING ERRCODE = wanted, DETAIL = 'detail ' || NEW.note, HINT = 'hint ' || NEW.note,
            CONSTRAINT = 'constraint ' || NEW.note, COLUMN = 'column ' || NEW.note, TABLE = 'table ' || NEW.note;
      END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON events.clicks FOR EACH ROW EXECUTE FUNCTION refuse();
      """)
    try await fixture.put("id,at,note\n1,2024-01-01,private\n")
    for state in Self.states {
      try await fixture.psql("UPDATE public.state SET state = '\(state)'")
      let error = try await fixture.restoreError(
        "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", "
          + "\"destination\": {\"on_existing\": \"append\", \"mode\": \"\(mode)\"}")
      let shown = "\(error) \(error.details)"
      #expect(!shown.contains("private"), "\(state): \(shown)")
      #expect(!shown.contains("refused private"), "\(state): \(shown)")
      #expect(shown.contains(state), "\(state): \(shown)")
      // It is not a failure of the server, nor of the way to it.
      #expect(
        ![.databaseUnavailable, .locked, .cancelled, .permissionDenied, .tableNotFound].contains(error.code))
      #expect(try await fixture.count() == 0)
    }
  }

  @Test("The first row of a file without a header is not shown as names of columns", arguments: ["error", "ignore"])
  func headerless(missing: String) async throws {
    let fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int, at timestamptz, note text);")
    for csv in ["1,2024-01-01,private\n2,2024-01-01,x\n", "private,private,2024-01-01\n"] {
      try await fixture.put(csv)
      let error = try await fixture.restoreError(
        "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", "
          + "\"destination\": {\"on_existing\": \"append\", \"columns_missing\": \"\(missing)\"}")
      #expect(error.code == .badHeader)
      #expect(
        error.message.contains(
          "Pass copy.csv_options.HEADER=false, and each column of the file, in order, as copy.columns"))
      #expect(!"\(error) \(error.details)".contains("private"))
    }
  }

  @Test("A refused row ends the load while the lake stalls", arguments: [1, 2])
  func early(row: Int) async throws {
    var fixture = try await Fixture(
      "CREATE SCHEMA events; CREATE TABLE events.clicks (id int CHECK (id <> \(row)), at timestamptz, note text);")
    // Noise, so that the gzip file is of more than one read.
    let noise = (1...3000).map { _ in UUID().uuidString }
    try await fixture.put(
      "id,at,note\n" + noise.enumerated().map { "\($0.offset + 1),2024-01-01,\($0.element)\n" }.joined())
    let gate = Gate()
    fixture.lake = HookedStore.gated(fixture.lake, gate)
    // The gate is never opened: only the server's error can end it.
    let error = try await fixture.restoreError(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\"}")
    #expect(error.code == .constraintViolation)
    #expect(error.details["line"] == .number(Double(row + 1)))
    #expect(gate.isReached)
  }
}
