import Foundation
import TestSupport

extension Site {
  @discardableResult
  func sql(_ text: String) async throws -> String { try await server.psql(database, text) }

  /// Rows of `events.clicks` a month before today and a day after it, so that the days between are days of the table.
  func addRowsAroundToday() async throws {
    try await sql("INSERT INTO events.clicks VALUES (1, now() - interval '30 days'), (2, now() + interval '1 day')")
  }

  /// `events.clicks` with `rows` rows on each of `days`.
  func makeClicks(_ rows: Int = 100, days: [String] = ["2024-01-01"], table: String = "events.clicks") async throws {
    try await sql(
      """
      CREATE SCHEMA IF NOT EXISTS events;
      CREATE TABLE IF NOT EXISTS \(table) (id bigint NOT NULL, at timestamptz NOT NULL, page text, amount numeric);
      """)
    for day in days {
      try await sql(
        """
        INSERT INTO \(table)
        SELECT n, '\(day) 00:00:00+00'::timestamptz + n * interval '10 milliseconds',
          CASE WHEN n % 7 = 0 THEN NULL WHEN n % 7 = 1 THEN '' ELSE 'a "page", ' || n END, n / 3.0
        FROM generate_series(1, \(rows)) n
        """)
    }
  }

  func count(_ table: String = "events.clicks") async throws -> Int {
    Int(try await sql("SELECT count(*) FROM \(table)")) ?? -1
  }

  /// The same for the same rows in any order.
  func hash(_ table: String = "events.clicks") async throws -> String {
    try await sql("SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM \(table) t")
  }

  /// Rows of an archive, by the system's own gunzip, which also proves it whole.
  func rows(inArchive path: String) async throws -> Int {
    let text = try await runChecked("/bin/sh", ["-c", "gzip -t '\(path)' && gzip -dc '\(path)' | wc -l"])
    // The tables of these tests have no line break within a value; the header is one line.
    return (Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0) - 1
  }

  /// Lets `body` run while another session keeps everyone from reading `table`.
  func whileLocked<Value: Sendable>(
    _ table: String = "events.clicks", _ body: () async throws -> Value
  ) async throws -> Value {
    try await whileHolding("LOCK TABLE \(table) IN ACCESS EXCLUSIVE MODE", body)
  }

  /// Lets `body` run while whoever has begun to read `table` waits: an index of it is held, which the planner looks at.
  func whileReadsStop<Value: Sendable>(
    _ table: String = "events.clicks", _ body: () async throws -> Value
  ) async throws -> Value {
    try await sql("CREATE INDEX held ON \(table) (id)")
    return try await whileHolding("REINDEX INDEX events.held", body)
  }

  /// Lets `body` run while a load into `events.clicks` stops at the row of that id.
  func whileLoadsStop<Value: Sendable>(at id: Int, _ body: () async throws -> Value) async throws -> Value {
    try await sql(
      """
      CREATE FUNCTION events.stop() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN NEW; END';
      CREATE TRIGGER stop BEFORE INSERT ON events.clicks FOR EACH ROW WHEN (NEW.id = \(id))
        EXECUTE FUNCTION events.stop();
      """)
    return try await whileHolding("SELECT pg_advisory_lock(42)", body)
  }

  private func whileHolding<Value: Sendable>(_ lock: String, _ body: () async throws -> Value) async throws -> Value {
    let name = "holder_\(UUID().uuidString.prefix(8))"
    async let holder = try? run(
      "\(PostgresServer.binaries)/psql",
      ["-X", "-q", "-h", server.socketDirectory, "-p", "\(server.port)", "-U", server.superuser, "-d", database],
      environment: ["PGAPPNAME": name], input: "BEGIN; \(lock); SELECT pg_sleep(300);")
    let result: Result<Value, any Error>
    do {
      try await eventually {
        try await sql(
          "SELECT count(*) FROM pg_stat_activity WHERE application_name = '\(name)' AND wait_event = 'PgSleep'") == "1"
      }
      result = .success(try await body())
    } catch {
      result = .failure(error)
    }
    try await sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(name)'")
    _ = await holder
    return try result.get()
  }

  /// Waits until a session of the program waits for a lock: its job is under way and can get no further.
  func waitUntilBlocked() async throws {
    try await eventually {
      try await sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(database)' AND wait_event_type = 'Lock'") != "0"
    }
  }
}
