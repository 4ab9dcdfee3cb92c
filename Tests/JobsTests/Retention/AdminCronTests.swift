import TestSupport
import Testing

@Suite(
  "Retention by pg_cron", .enabled(if: PostgresServer.hasCron, "the extension pg_cron is not installed"))
struct AdminCronTests {
  typealias Kind = RetentionDatabase.Kind

  @Test("pg_cron alone drops what is proven, logged with the role of the job, and keeps what is not")
  func cron() async throws {
    let libraries = PostgresServer.hasTimescale ? "timescaledb,pg_cron" : "pg_cron"
    let server = try await PostgresServer(settings: [
      "shared_preload_libraries=\(libraries)", "cron.database_name=cronned",
    ])
    try await server.psql("postgres", "CREATE DATABASE cronned")
    let database = try await RetentionDatabase(server: server)
    let kinds = [.partitions, .weekChunks, .compressedWeeks].filter { Kind.all.contains($0) }
    for kind in kinds {
      let table = kind.rawValue.lowercased()
      try await database.makeTable(table, kind)
      try await database.psql("DELETE FROM admin.archived_day WHERE table_name = '\(table)' AND day = '2024-01-12'")
    }
    try await database.makeTable("plain", .plain)
    try await database.psql("INSERT INTO events.plain VALUES ('2024-01-06 12:30+00', 9, 9)")

    try await server.psql("cronned", "CREATE EXTENSION pg_cron")
    // Before version 1.5 a minute is the shortest time.
    let knowsSeconds = try await server.psql(
      "cronned",
      "SELECT regexp_match(extversion, '^([0-9]+)[.]([0-9]+)')::int[] >= '{1,5}' FROM pg_extension WHERE extname = 'pg_cron'"
    )
    let schedule = knowsSeconds == "t" ? "1 second" : "* * * * *"
    try await server.psql(
      "cronned",
      "SELECT cron.schedule_in_database('retention', '\(schedule)', 'CALL admin.enforce_retention_all()', '\(database.name)', "
        + "'\(database.caller)')")
    let ended = "FROM cron.job_run_details WHERE status IN ('succeeded', 'failed')"
    var isFinished = false
    for _ in 0..<2 where !isFinished {
      isFinished =
        (try? await eventually { try await server.psql("cronned", "SELECT count(*) > 0 \(ended)") == "t" }) != nil
    }
    let runs = try await server.psql("cronned", "SELECT DISTINCT status, return_message \(ended)")
    #expect(isFinished && runs.hasPrefix("succeeded"), "\(runs)")
    let log = try await database.psql(
      """
      SELECT string_agg(line, E'\\n' ORDER BY line COLLATE "C") FROM (
        SELECT concat_ws(' ', table_name, outcome, reason, count(DISTINCT unit), caller, as_role, note) AS line
        FROM admin.chunk_maintenance_log WHERE action LIKE 'd%'
        GROUP BY table_name, outcome, reason, caller, as_role, note) l
      """)
    let roles = "\(database.caller) \(database.owner) enforce_retention_all"
    var expected = kinds.flatMap { kind in
      ["dropped 1", "kept no_archive 1"].map { "\(kind.rawValue.lowercased()) \($0) \(roles)" }
    }
    expected += ["plain dropped 13 \(roles)", "plain kept late_rows 1 \(roles)"]
    #expect(log == expected.sorted().joined(separator: "\n"))
    for kind in kinds { #expect(try await database.count(kind.rawValue.lowercased()) == 7 * 24) }
    #expect(try await database.count("plain") == 25)
    await server.stopAndWait()
  }
}
