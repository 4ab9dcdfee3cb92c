import Foundation
import Jobs
import Postgres
import Reporting
import TestSupport
import Testing

/// Parameters of the server that could change how a value is written or read.
@Suite("Parameters of the server")
struct ServerSettingTests {
  /// A table with a value of every type whose text depends on something.
  static let table = """
    CREATE SCHEMA events;
    CREATE SCHEMA aside;
    CREATE TABLE aside.named (id int);
    CREATE FUNCTION aside.twice(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
    CREATE TYPE events.mood AS ENUM ('good', 'bad');
    CREATE TYPE events.pair AS (a timestamptz, b regclass);
    CREATE TABLE events.clicks (
      at timestamptz, local timestamp, day date, clock timetz, span interval, f4 real, f8 double precision, cost numeric,
      raw bytea, price money, texts text[], doc xml, json jsonb, path jsonpath, vec tsvector, query tsquery,
      feeling events.mood, duo events.pair, during tstzrange, uid uuid, net inet, bits bit(4), place point,
      rel regclass, fun regproc, proc regprocedure, oper regoper, optor regoperator, typ regtype, conf regconfig,
      dict regdictionary, coll regcollation, rels regclass[], flag boolean, chars char(5), one "char", lsn pg_lsn, oids oid);
    INSERT INTO events.clicks VALUES (
      '2024-01-01 10:00:00.123456+00', '2024-03-04 05:06:07.5', '2024-03-04', '10:00:00-07', '1 year -2 mons +3 days -04:05:06.7',
      1/3.0, 1/3.0, 123456789.123456789, '\\x00ff5c', 1234.5, ARRAY['NULL', NULL, 'a"b', '', 'c,d'], 'some <b>bold</b> text',
      '{"a": [1, null]}', '$.a[*] ? (@ > 1)', to_tsvector('simple', 'a fat cat'), 'fat & cat', 'good',
      ROW('2024-01-01 10:00+00', 'aside.named'), '[2024-01-01,2024-01-02)', '00000000-0000-0000-0000-000000000001',
      '10.0.0.1/8', '1010', '(1.5,2)', 'aside.named', 'aside.twice', 'aside.twice(int)', '||/', '+(int4,int4)',
      'events.mood', 'simple', 'simple', '"C"', ARRAY['aside.named', 'pg_class']::regclass[], true, 'ab', 'x', '16/B374D848', 42);
    CREATE TABLE public.original AS TABLE events.clicks;
    """
  static let request = "\"table\": \"events.clicks:at\", \"date\": \"2024-01-01\""

  /// Values each parameter is set to, where its kind does not tell.
  private static let texts: [String: [String]] = [
    "DateStyle": ["German", "SQL, DMY", "Postgres, YMD"], "TimeZone": ["Asia/Tokyo", "America/St_Johns"],
    "timezone_abbreviations": ["Australia", "India"], "lc_monetary": ["C.UTF-8"], "lc_numeric": ["C.UTF-8"],
    "lc_time": ["C.UTF-8"], "lc_messages": ["C.UTF-8"], "search_path": ["aside, events, public", "''"],
    "default_text_search_config": ["pg_catalog.german"], "extra_float_digits": ["-15", "0", "1"],
  ]
  /// What ends or forbids sessions, or needs a file: no matter of values.
  private static let passedOver: Set<String> = [
    "default_transaction_read_only", "transaction_read_only", "transaction_deferrable", "transaction_isolation",
    "client_encoding", "is_superuser", "in_hot_standby", "ignore_system_indexes", "post_auth_delay", "ssl",
  ]

  /// Every parameter that a database may set, with values other than its own.
  private func changes(_ fixture: Fixture) async throws -> [(name: String, value: String)] {
    let rows = try await fixture.psql(
      "SELECT name || '|' || vartype || '|' || setting || '|' || COALESCE(array_to_string(enumvals, ';'), '') "
        + "FROM pg_settings WHERE context IN ('user', 'superuser') ORDER BY name")
    return rows.split(separator: "\n").flatMap { row -> [(name: String, value: String)] in
      let parts = row.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      let name = parts[0]
      guard !Self.passedOver.contains(name) else { return [] }
      if let texts = Self.texts[name] { return texts.map { (name, $0) } }
      switch parts[1] {
      case "bool": return [(name, parts[2] == "on" ? "off" : "on")]
      case "enum": return parts[3].split(separator: ";").map(String.init).filter { $0 != parts[2] }.map { (name, $0) }
      // A limit that ends statements, sessions or transactions soon; not before the session has set its own.
      case "integer" where name.hasSuffix("_timeout"): return [(name, "1000")]
      default: return []
      }
    }
  }

  @Test("No parameter of the database changes an archive or what is restored from it")
  func everyParameter() async throws {
    let server = try await PostgresServer()
    let fixture = try await Fixture(Self.table, server: server)
    #expect(try await fixture.backupOne(Self.request).rows == 1)
    let archive = try await fixture.csv()
    let admin = try await PostgresConnection.connect(to: server.target(), password: nil)
    let database = try await admin.quoteIdentifier(fixture.database)
    let all = try await changes(fixture)
    #expect(all.count > 100)
    for change in all {
      let value = change.name == "search_path" ? change.value : try await admin.quoteLiteral(change.value)
      do {
        try await admin.query("ALTER DATABASE \(database) SET \(change.name) = \(value)")
      } catch {
        // A few can't be set for a database.
        continue
      }
      // New sessions, under the parameter.
      let changed = try await Fixture(other: fixture)
      let backup = try await changed.backupOne(Self.request + ", \"overwrite\": true")
      #expect(backup.status == .ok, "\(change): \(backup.error as Any)")
      #expect(try await fixture.csv() == archive, "\(change) changes what is written")
      for mode in ["direct", "staging"] {
        let restored = try await changed.restore(
          "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"mode\": \"\(mode)\", "
            + "\"on_existing\": \"\(mode == "direct" ? "replace" : "append")\"}")
        #expect(restored.status == .ok, "\(change)")
      }
      await changed.pools.close()
      try await admin.query("ALTER DATABASE \(database) RESET ALL")
      // Two rows, the one that replaced and the one that was added, both as the first was.
      let same = try await fixture.psql(
        "SELECT count(*), count(DISTINCT c::text), bool_and(c::text = o::text) FROM events.clicks c, public.original o")
      #expect(same == "2|1|t", "\(change) changes what is read")
      try await fixture.psql("DELETE FROM events.clicks; INSERT INTO events.clicks TABLE public.original")
    }
    await admin.close()
    await server.stopAndWait()
  }

  @Test("A restore into a read-only database fails with an error that says so")
  func readOnly() async throws {
    let fixture = try await Fixture()
    _ = try await fixture.backupOne()
    try await fixture.psql("ALTER DATABASE \"\(fixture.database)\" SET default_transaction_read_only = on")
    let own = try await Fixture(other: fixture)
    let error = try await own.restoreError(
      "\"table\": \"events.clicks\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\"}")
    #expect(error.message.contains("read-only transaction"), "\(error)")
  }
}

extension PostgresServer {
  fileprivate func target() -> PostgresTarget {
    PostgresTarget(host: "127.0.0.1", port: port, database: "postgres", user: superuser, sslMode: .disable)
  }
}
