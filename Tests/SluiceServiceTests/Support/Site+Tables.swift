import TestSupport

extension Site {
  @discardableResult
  func sql(_ text: String) async throws -> String { try await server.psql(database, text) }

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
    let name = "locker_\(database)"
    async let locker = try? run(
      "\(PostgresServer.binaries)/psql",
      ["-X", "-q", "-h", server.socketDirectory, "-p", "\(server.port)", "-U", server.superuser, "-d", database],
      environment: ["PGAPPNAME": name],
      input: "BEGIN; LOCK TABLE \(table) IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(300);")
    try await eventually {
      try await sql(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '\(name)' AND query LIKE '%pg_sleep%'"
          + " AND state = 'active' AND wait_event = 'PgSleep'") == "1"
    }
    do {
      let value = try await body()
      try await unlock(name)
      _ = await locker
      return value
    } catch {
      try await unlock(name)
      _ = await locker
      throw error
    }
  }

  private func unlock(_ name: String) async throws {
    try await sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(name)'")
  }

  /// Waits until a session of the program waits for a lock: its job is under way and can get no further.
  func waitUntilBlocked() async throws {
    try await eventually {
      try await sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(database)' AND wait_event_type = 'Lock'") != "0"
    }
  }
}
