import Configuration
import Essentials
import Foundation
import Jobs
import Lake
import Postgres
import Reporting
import TestSupport
import Testing

@testable import Archive
@testable import TableDays

/// Names as PostgreSQL allows them, in every place.
@Suite("Names that need care")
struct NameTests {
  @Test(
    "Columns and tables are distinct when their names differ only in their bytes", arguments: ["direct", "staging"])
  func canonicallyEqual(mode: String) async throws {
    let composed = "caf\u{E9}"
    let decomposed = "cafe\u{301}"
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.\(composed) ("\(composed)" int, "\(decomposed)" int, at timestamptz, UNIQUE ("\(composed)"));
      CREATE TABLE events.\(decomposed) (at timestamptz, "\(decomposed)" int);
      INSERT INTO events.\(composed) VALUES (1, 2, '2024-01-01');
      INSERT INTO events.\(decomposed) VALUES ('2024-01-01', 7), ('2024-01-01', 8);
      """)
    let report = try await fixture.backup(
      "\"tables\": [\"events.\(composed):at\", \"events.\(decomposed):at\"], \"date\": \"2024-01-01\"")
    #expect(report.results.map(\.rows) == [1, 2])
    #expect(Set(report.results.compactMap(\.path)).count == 2)
    try await fixture.psql("DELETE FROM events.\(composed); DELETE FROM events.\(decomposed)")
    let restored = try await fixture.restoreOne(
      "\"table\": \"events.\(composed)\", \"date\": \"2024-01-01\", \"destination\": {\"mode\": \"\(mode)\"}")
    #expect(restored.columnsLoaded.count == 3)
    #expect(try await fixture.psql("TABLE events.\(composed)") == "1|2|2024-01-01 00:00:00+00")
    #expect(try await fixture.count("events.\(decomposed)") == 0)
  }

  @Test("The statements of remedies quote names")
  func remedies() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA "Events";
      CREATE TABLE "Events"."order" ("Id" int, at timestamptz);
      INSERT INTO "Events"."order" VALUES (1, '2024-01-01');
      """)
    let plain = Fixture.plain(of: fixture, fixture.server)
    let day = "\"table\": \"Events.order:at\", \"date\": \"2024-01-01\""
    // Each answer's statement grants what the next one asks for.
    for expected in [
      "GRANT USAGE ON SCHEMA \"Events\" TO plain", "GRANT SELECT ON \"Events\".\"order\" TO plain",
    ] {
      let error = try await plain.backupError(day)
      #expect(error.message.hasSuffix("grant it: \(expected)"), "\(error)")
      try await fixture.psql(expected)
    }
    #expect(try await plain.backupOne(day).rows == 1)
    try await fixture.psql("GRANT INSERT (at) ON \"Events\".\"order\" TO plain")
    let error = try await plain.restoreError(
      "\"table\": \"Events.order\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\"}")
    #expect(error.message.hasSuffix("GRANT INSERT (\"Id\") ON \"Events\".\"order\" TO plain"), "\(error)")
    await plain.pools.close()
  }

  @Test("A first column whose name begins with U+FEFF keeps it")
  func byteOrderMark() async throws {
    let fixture = try await Fixture(
      """
      CREATE SCHEMA events;
      CREATE TABLE events.clicks ("\u{FEFF}id" int, id int, at timestamptz);
      INSERT INTO events.clicks VALUES (1, 2, '2024-01-01');
      """)
    _ = try await fixture.backupOne()
    try await fixture.psql("TRUNCATE events.clicks")
    #expect(try await fixture.restoreOne().columnsLoaded == ["\u{FEFF}id", "id", "at"])
    #expect(try await fixture.psql("TABLE events.clicks") == "1|2|2024-01-01 00:00:00+00")
    // Without a manifest the file's other columns tell.
    try FileManager.default.removeItem(
      atPath: fixture.directory.file("\(fixture.database)/_sluice/events.clicks.2024-01-01.json"))
    try await fixture.psql("TRUNCATE events.clicks")
    let append =
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\"}"
    #expect(try await fixture.restoreOne(append).columnsLoaded[0].utf8.count == 5)
    // And where nothing tells, nothing is guessed.
    try await fixture.put("\u{FEFF}id,at\n1,2024-01-01\n")
    let error = try await fixture.restoreError(append)
    #expect(error.code == .badHeader)
    #expect(error.field == "copy.columns")
  }

  @Test(
    "Names of 63 bytes in any script are archived and restored: database, schema, table and columns",
    arguments: [
      String(repeating: "表", count: 21), String(repeating: "é", count: 31) + "x",
      String(repeating: "🙂", count: 15) + "abc",
    ])
  func longNames(name: String) async throws {
    try #require(name.utf8.count == 63)
    let server = try await PostgresServer.shared
    let database = String("\(UUID().uuidString.prefix(3).lowercased())" + name.dropFirst(2))
    try #require(database.utf8.count <= 63)
    try await server.psql("postgres", "CREATE DATABASE \"\(database)\"")
    try await server.psql(
      database,
      """
      CREATE SCHEMA "\(name)";
      CREATE TABLE "\(name)"."\(name)" ("\(name)" timestamptz, n int);
      INSERT INTO "\(name)"."\(name)" VALUES ('2024-01-01', 1), ('2024-01-01', 2);
      CREATE TABLE original AS TABLE "\(name)"."\(name)";
      """)
    let fixture = try await Fixture("SELECT", settings: ["PG_DATABASE": database])
    let request = "\"table\": \"\(name).\(name)\", \"date\": \"2024-01-01\""
    let result = try await fixture.backupOne(request + ", \"time_column\": \"\(name)\"")
    #expect(result.status == .ok, "\(result.error as Any)")
    let path = try #require(result.path)
    #expect(path.split(separator: "/").allSatisfy { $0.utf8.count <= 255 })
    // The catalog finds the table's name in the manifest, and so does a restore by path.
    let items = try await ArchivesRequest([:]).answer(fixture.context, fixture.settings.backup).archives
    #expect(items.map(\.table) == [TableName(schema: name, name: name)])
    #expect(items.map(\.rows) == [2])
    #expect(try await fixture.backupOne(request + ", \"time_column\": \"\(name)\"").skipped == "exists")
    for source in [request, fixture.url(path.replacing("%", with: "%25"))] {
      try await server.psql(database, "TRUNCATE \"\(name)\".\"\(name)\"")
      #expect(try await fixture.restoreOne(source).rowsLoaded == 2)
    }
    #expect(
      try await server.psql(
        database, "SELECT count(*) FROM (TABLE \"\(name)\".\"\(name)\" EXCEPT ALL TABLE original) x") == "0")
  }

  @Test("A shortened file name keeps whole escapes and is unique; short names stay as they are")
  func shortened() throws {
    func fileName(_ schema: String, _ table: String) throws -> String {
      let day = try #require(Day("2024-01-01"))
      return try TableDay(database: "d", table: TableName(schema: schema, name: table), day: day).archivePath.name
    }
    let long = String(repeating: "表", count: 21)
    let shortened = try fileName(long, long)
    #expect(
      shortened.wholeMatch(of: /(%[0-9A-F]{2})+~[0-9a-f]{32}\.(%[0-9A-F]{2})+~[0-9a-f]{32}\.2024-01-01\.csv\.gz/) != nil
    )
    #expect(try fileName(long, String(long.dropLast()) + "裏") != shortened)
    // With a short neighbour there is room for all of it.
    #expect(try fileName("public", long).contains("~") == false)
    #expect(try fileName("public", "t") == "public.t.2024-01-01.csv.gz")
  }

  @Test("A database without an encoding is archived byte for byte, and says so in the manifest")
  func unknownEncoding() async throws {
    let server = try await PostgresServer.shared
    let database = "ascii_\(UUID().uuidString.prefix(8).lowercased())"
    try await server.psql(
      "postgres", "CREATE DATABASE \(database) ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try await server.psql(
      database,
      """
      CREATE TABLE public.raw (at timestamptz, note text);
      INSERT INTO public.raw VALUES ('2024-01-01', E'caf\\351'), ('2024-01-01', E'caf\\303\\251');
      CREATE TABLE original AS TABLE raw;
      """)
    let fixture = try await Fixture("SELECT", settings: ["PG_DATABASE": database])
    let request = "\"table\": \"public.raw\", \"date\": \"2024-01-01\""
    let result = try await fixture.backupOne(request + ", \"time_column\": \"at\"")
    #expect(result.rows == 2, "\(result.error as Any)")
    #expect(try fixture.manifestEncoding(database, "public.raw.2024-01-01") == "SQL_ASCII")
    try await server.psql(database, "TRUNCATE raw")
    #expect(try await fixture.restoreOne(request).rowsLoaded == 2)
    #expect(
      try await server.psql(database, "SELECT count(*) FROM (TABLE raw EXCEPT ALL TABLE original) x") == "0")
    // Into a database with an encoding the bytes must be of it.
    let utf8 = try await server.makeDatabase()
    try await server.psql(utf8, "CREATE TABLE public.raw (at timestamptz, note text)")
    let error = try await fixture.restoreError(
      request + ", \"pg\": {\"database\": \"\(utf8)\"}, \"destination\": {\"on_existing\": \"append\"}")
    #expect(error.code == .badRow)
    #expect(error.message.contains("22021, bytes that are not valid in the encoding"))
    // Nor does the request's own word for "any bytes" let them in.
    let unverified = try await fixture.restoreError(
      request + ", \"pg\": {\"database\": \"\(utf8)\"}, \"destination\": {\"on_existing\": \"append\"}, "
        + "\"copy\": {\"csv_options\": {\"ENCODING\": \"SQL_ASCII\"}}")
    #expect(unverified.code == .badField)
    #expect(unverified.field == "copy.csv_options.ENCODING")
  }
}

extension Fixture {
  fileprivate func manifestEncoding(_ database: String, _ name: String) throws -> String? {
    let data = try bytes("\(database)/_sluice/\(name).json")
    guard case .object(let members) = try JSONValue(json: data), case .string(let encoding) = members["encoding"] else {
      return nil
    }
    return encoding
  }
}
