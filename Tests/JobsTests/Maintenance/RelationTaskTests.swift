import Essentials
import Foundation
import TestSupport
import Testing

@testable import Jobs
@testable import Reporting

@Suite("Maintenance of tables and indexes, and statements")
struct RelationTaskTests {
  private static let rows = """
    CREATE SCHEMA e; CREATE TABLE e.t (id int PRIMARY KEY, k int); CREATE TABLE e.quiet (id int);
    ALTER TABLE e.t SET (autovacuum_enabled = false); ALTER TABLE e.quiet SET (autovacuum_enabled = false);
    INSERT INTO e.t SELECT n, n FROM generate_series(1, 20000) n; INSERT INTO e.quiet SELECT generate_series(1, 100);
    """

  private func wait(_ fixture: Fixture, _ condition: String) async throws {
    try await eventually { try await fixture.psql("SELECT \(condition)") == "t" }
  }

  @Test("Only tables above the share of dead or changed rows are vacuumed or analyzed")
  func shares() async throws {
    let fixture = try await Fixture(Self.rows)
    try await wait(
      fixture, "pg_stat_get_live_tuples('e.t'::regclass) = 20000 AND pg_stat_get_live_tuples('e.quiet'::regclass) = 100"
    )
    try await fixture.psql("ANALYZE")
    try await fixture.psql("DELETE FROM e.t WHERE id % 2 = 0")
    try await wait(fixture, "pg_stat_get_dead_tuples('e.t'::regclass) = 10000")
    let vacuum = #""name": "v", "kind": "vacuum", "patterns": ["e.*"], "analyze": true"#
    let dry = try await fixture.maintain(vacuum, dryRun: true)
    #expect(dry.outcome == .planned && dry.parts.map(\.outcome) == [.nothing, .planned], "\(dry)")
    let done = try await fixture.maintain(vacuum)
    #expect(done.parts.map(\.unit) == ["e.quiet", "e.t"] && done.parts.map(\.outcome) == [.nothing, .ok], "\(done)")
    #expect(done.parts[0].reason == "few_dead_rows" && done.parts[1].share == 0.5)
    #expect(
      try await fixture.psql(
        "SELECT vacuum_count, analyze_count FROM pg_stat_user_tables WHERE relid = 'e.t'::regclass") == "1|2")
    try await fixture.psql("UPDATE e.t SET k = 0")
    try await wait(fixture, "pg_stat_get_mod_since_analyze('e.t'::regclass) >= 10000")
    let analyze = try await fixture.maintain(#""name": "a", "kind": "analyze", "all": true"#)
    #expect(analyze.parts.map(\.outcome) == [.nothing, .ok], "\(analyze)")
    let full = try await fixture.maintain(
      #""name": "f", "kind": "vacuum", "tables": ["e.t"], "full": true, "min_dead_share": "1%""#)
    #expect(full.outcome == .ok && full.bytesFreed ?? 0 > 0, "\(full)")
  }

  @Test(
    "A bloated index is built anew beside its readers; an invalid one that a failed build has left goes, and no other one"
  )
  func reindex() async throws {
    let fixture = try await Fixture(
      Self.rows + "DELETE FROM e.t WHERE id % 10 <> 0; VACUUM ANALYZE e.t; CREATE INDEX other ON e.t (k);")
    try await fixture.psql(
      """
      CREATE INDEX t_pkey_ccnew ON e.t (id); CREATE INDEX mine_ccnew ON e.t ((k + 1)); CREATE UNIQUE INDEX wrong ON e.t (id, k);
      UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('e.mine_ccnew'::regclass, 'e.wrong'::regclass);
      DROP INDEX e.t_pkey_ccnew; CREATE UNIQUE INDEX t_pkey_ccnew ON e.t (id);
      UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'e.t_pkey_ccnew'::regclass;
      """)
    let result = try await fixture.maintain(#""name": "r", "kind": "reindex", "tables": ["e.t"]"#)
    #expect(result.outcome == .ok, "\(result)")
    let parts = Dictionary(uniqueKeysWithValues: result.parts.map { ($0.unit, $0) })
    #expect(parts["e.t_pkey_ccnew"]?.outcome == .ok && parts["e.t_pkey_ccnew"]?.reason == "invalid_index")
    #expect(parts["e.t_pkey"]?.outcome == .ok && parts["e.t_pkey"]?.share ?? 0 > 0.5)
    #expect(parts["e.other"]?.reason == "small")
    #expect(
      try await fixture.psql(
        "SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class WHERE relkind = 'i' AND relnamespace = 'e'::regnamespace"
      )
        == "mine_ccnew,other,t_pkey,wrong")
  }

  @Test("A table that the role does not own is told as such, and the others are looked after")
  func owner() async throws {
    let fixture = try await Fixture(
      Self.rows, settings: ["PG_USER": "plain"], password: PostgresServer.shared.plainPassword)
    try await fixture.psql("GRANT USAGE, CREATE ON SCHEMA e TO plain; ALTER TABLE e.t OWNER TO plain")
    let result = try await fixture.maintain(#""name": "v", "kind": "vacuum", "all": true, "min_dead_share": "0%""#)
    #expect(result.outcome == .failed && result.error?.code == .permissionDenied, "\(result)")
    #expect(result.parts.map(\.reason) == ["permission_denied", "few_dead_rows"])
  }

  @Test("A statement of one's own runs within its own time, and its failure is told without its text")
  func statement() async throws {
    let fixture = try await Fixture(Self.rows)
    func task(_ sql: String) -> String { #""name": "s", "kind": "sql", "statement": "\#(sql)", "timeout": "200ms""# }
    let done = try await fixture.maintain(task("DELETE FROM e.quiet WHERE id <= 40"))
    #expect(done.outcome == .ok && done.rows == 40)
    let late = try await fixture.maintain(task("SELECT pg_sleep(60)"))
    #expect(late.outcome == .failed && late.error?.code == .statementCancelled, "\(late)")
    // The session serves others without that limit.
    #expect(
      try await fixture.maintain(#""name": "n", "kind": "sql", "statement": "SELECT pg_sleep(0.4)", "timeout": "60s""#)
        .outcome == .ok)
    let wrong = try await fixture.maintain(task("SELECT 'secret'::int"))
    #expect(wrong.outcome == .failed && wrong.error?.message.contains("secret") == false, "\(wrong)")
  }

  @Test(
    "Compressed chunks are left alone and told; duplicates beside them are refused",
    .enabled(if: PostgresServer.hasTimescale))
  func compressed() async throws {
    let server = try await PostgresServer.withTimescale()
    let fixture = try await Fixture(
      """
      CREATE EXTENSION timescaledb; CREATE SCHEMA e; CREATE TABLE e.h (at timestamptz NOT NULL, k int);
      SELECT create_hypertable('e.h', 'at', chunk_time_interval => interval '1 day');
      INSERT INTO e.h SELECT '2024-01-01'::timestamptz + n * interval '1 hour', n % 3 FROM generate_series(0, 71) n;
      ALTER TABLE e.h SET (timescaledb.compress); SELECT compress_chunk(c) FROM (SELECT c FROM show_chunks('e.h') c ORDER BY c LIMIT 1) s;
      """, server: server)
    let result = try await fixture.maintain(
      #""name": "o", "kind": "delete_older_than", "table": "e.h", "column": "at", "keep": "1 day", "require_archive": false, "pause": "0ms""#
    )
    #expect(result.outcome == .kept && result.reason == "compressed" && result.rows == 48, "\(result)")
    #expect(result.detail?.hasPrefix("24 rows") == true)
    #expect(try await fixture.count("e.h") == 24)
    let double = try await fixture.maintain(
      #""name": "d", "kind": "deduplicate", "table": "e.h", "key": ["k"], "keep": "newest", "by": "at""#)
    #expect(double.error?.code == .chunkNotReadable, "\(double)")
    #expect(try await fixture.count("e.h") == 24)
  }
}
