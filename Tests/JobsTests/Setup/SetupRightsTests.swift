import Essentials
import Postgres
import TestSupport
import Testing

@testable import Configuration
@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("What a role that the setup has made may do")
struct SetupRightsTests {
  @Test("A role for backups archives, also a view and what is made later, and may change nothing")
  func backup() async throws {
    let site = try await SetupSite()
    try await site.apply(["for": "backup"])
    let jobs = site.asRole()
    #expect(try await jobs.backupOne().rows == 2)
    #expect(
      try await jobs.backupOne(
        "\"table\": \"\\\"Me.tr\\\"\\\"ics\\\".\\\"Load.\\\"\\\"s\\\":A.t\", \"date\": \"2024-01-01\""
      ).rows == 0)
    _ = try await site.psql(
      "SET ROLE \(SetupSite.quoted(site.owner)); CREATE TABLE events.later (at timestamptz); "
        + "INSERT INTO events.later VALUES ('2024-01-01 10:00+00')")
    #expect(try await jobs.backupOne("\"table\": \"events.later:at\", \"date\": \"2024-01-01\"").rows == 1)
    for statement in [
      "DELETE FROM events.clicks", "INSERT INTO events.clicks DEFAULT VALUES", "UPDATE events.clicks SET note = ''",
      "TRUNCATE events.clicks", "CREATE TABLE events.own ()", "CREATE SCHEMA own",
      "SELECT * FROM sluice.schema_version",
      "SELECT nextval('events.clicks_number_seq')", "CREATE ROLE another",
    ] {
      let result = try await site.asRole(statement)
      #expect(result.status != 0 && result.errors.contains("permission denied"), "\(statement): \(result.errors)")
    }
    #expect(try await site.run(.plan, ["for": "backup"]).hasChanges == false)
    // The rights to the later table are the setup's too.
    #expect(try await site.run(.remove).status == .ok)
    #expect(try await site.psql("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'Slu%\(site.mark)%'") == "0")
    await jobs.pools.close()
  }

  static let members = "\"table\": \"events.clicks\", \"date\": \"2024-01-01\""

  @Test(
    "A role for restores replaces a day, straight and staged, and leaves its mark and its hold without CREATE on the database",
    arguments: ["direct", "staging"])
  func restore(mode: String) async throws {
    let site = try await SetupSite()
    _ = try await site.psql("REVOKE TEMPORARY ON DATABASE \"\(site.database)\" FROM PUBLIC")
    try await site.apply(["for": "restore"])
    #expect(try await site.psql("SELECT has_database_privilege('\(site.admin)', current_database(), 'CREATE')") == "t")
    #expect(try await site.asRole("CREATE SCHEMA own").status != 0)
    let jobs = site.asRole()
    #expect(try await jobs.backupOne().rows == 2)
    let destination = "\"destination\": {\"on_existing\": \"replace\", \"mode\": \"\(mode)\"}"
    let result = try await jobs.restoreOne(
      "\(Self.members), \(destination), \"key\": \"k\", \"keep_until\": \"2999-01-01\"")
    #expect(result.status == .ok && result.rowsLoaded == 2)
    #expect(result.warnings.filter { $0.contains("not checked") } == [])
    #expect(try await site.psql("SELECT count(*) FROM sluice.restore_log WHERE key = 'k'") == "1")
    #expect(try await site.psql("SELECT count(*) FROM sluice.hold") == "1")
    #expect(try await site.psql("SELECT tableowner FROM pg_tables WHERE schemaname = 'sluice'").contains("admin"))
    for statement in [
      "UPDATE events.clicks SET note = ''", "TRUNCATE events.clicks", "CREATE TABLE events.own ()",
      "DROP TABLE sluice.hold",
      "ALTER TABLE sluice.restore_log ADD more text", "INSERT INTO sluice.schema_version VALUES ('x')",
    ] {
      #expect(try await site.asRole(statement).status != 0, "\(statement)")
    }
    let connection = try await PostgresConnection.connect(to: jobs.settings.server.target(), password: nil)
    for table in ["restore_log", "hold"] {
      let state = try await RestoreLog.State.read(table, on: connection)
      #expect(state.isUsable && state.mayUpdate && state.isComplete && !state.mayCreate, "\(table)")
    }
    await connection.close()
    await jobs.pools.close()
  }

  @Test("A restore into a table of serial and identity columns that the file lacks takes their values")
  func sequences() async throws {
    let site = try await SetupSite()
    try await site.apply(["for": "restore"])
    _ = try await site.psql(
      "SET ROLE \(SetupSite.quoted(site.owner)); CREATE TABLE events.later (id serial, n int GENERATED ALWAYS AS IDENTITY, at timestamptz)"
    )
    let jobs = site.asRole()
    try await jobs.put("at\n2024-01-01 10:00+00\n", at: "\(site.database)/events.later.2024-01-01.csv.gz")
    #expect(
      try await jobs.restoreOne(
        "\"table\": \"events.later\", \"date\": \"2024-01-01\", \"destination\": {\"on_existing\": \"append\"}"
      ).rowsLoaded == 1)
    #expect(try await site.psql("SELECT id, n FROM events.later") == "1|1")
    await jobs.pools.close()
  }

  @Test("CREATE on the schemas is granted only where it is asked for")
  func createsTables() async throws {
    let site = try await SetupSite()
    try await site.apply(["for": "restore"])
    #expect(try await site.asRole("CREATE TABLE events.own ()").status != 0)
    try await site.apply(["for": "restore", "create_tables": true])
    #expect(try await site.asRole("CREATE TABLE events.own ()").status == 0)
    try await site.apply(["for": "restore"])
    #expect(try await site.asRole("CREATE TABLE events.own2 ()").status != 0)
  }

  @Test("Tables to come of a role that has none yet are covered where it is named")
  func forRole() async throws {
    let site = try await SetupSite(isSuper: true)
    let other = "Other \(site.mark)"
    _ = try await site.psql(
      "CREATE ROLE \(SetupSite.quoted(other)); GRANT ALL ON SCHEMA events TO \(SetupSite.quoted(other))")
    try await site.apply(["for": "backup", "for_role": .string("\"\(other)\"")])
    _ = try await site.psql("SET ROLE \(SetupSite.quoted(other)); CREATE TABLE events.others ()")
    #expect(try await site.asRole("SELECT * FROM events.others").status == 0)
    _ = try await site.psql("SET ROLE \(SetupSite.quoted(site.owner)); CREATE TABLE events.mine ()")
    #expect(try await site.asRole("SELECT * FROM events.mine").status != 0)
  }

  @Test(
    "A role with the part cron schedules and changes its own jobs",
    .enabled(if: PostgresServer.hasCron, "the extension pg_cron is not installed"))
  func cron() async throws {
    let site = try await SetupSite(isSuper: true)
    let absent = try await site.run(.plan, ["part": .array(["roles", "cron"])])
    #expect(absent.parts[1].plan.conflicts.first?.note.contains("pg_cron is not in the database") == true)
    let server = site.server
    if try await server.psql("postgres", "SELECT count(*) FROM pg_database WHERE datname = 'cronned'") == "0" {
      try await server.psql("postgres", "CREATE DATABASE cronned")
      try await server.psql("cronned", "CREATE EXTENSION pg_cron")
    }
    var settings = site.fixture.settings.server
    settings.database = "cronned"
    let job = SetupJob(server: settings, pools: ConnectionPools(passwords: FixedPassword(nil), maximum: 2))
    let before = try await server.definitions("cronned", rolesWith: site.mark)
    let members: [String: JSONValue] = ["role": .string(site.role), "part": .array(["roles", "cron"])]
    let report = try await job.run(SetupRequest(.apply, .object(members)))
    #expect(report.status == .ok, "\(report.parts.compactMap(\.error))")
    let scheduled = try await server.psql(
      "cronned", as: site.role,
      """
      SELECT cron.schedule_in_database('job \(site.mark)', '0 3 * * *', 'SELECT 1', '\(site.database)') > 0;
      SELECT cron.alter_job((SELECT jobid FROM cron.job), active := false);
      SELECT cron.unschedule('job \(site.mark)');
      """)
    #expect(scheduled.status == 0, "\(scheduled.errors)")
    #expect(try await job.run(SetupRequest(.plan, .object(members))).hasChanges == false)
    #expect(try await job.run(SetupRequest(.remove, .object(members))).status == .ok)
    #expect(try await server.definitions("cronned", rolesWith: site.mark) == before)
  }

  @Test(
    "The rights to a hypertable are those to its chunks, also to later ones, and none is left",
    .enabled(if: PostgresServer.hasTimescale, "the extension timescaledb is not installed"))
  func hypertable() async throws {
    let server = try await PostgresServer.withTimescale()
    let site = try await SetupSite(server: server)
    let owner = SetupSite.quoted(site.owner)
    _ = try await site.psql(
      """
      CREATE EXTENSION timescaledb;
      SET ROLE \(owner);
      CREATE TABLE events.ticks (at timestamptz NOT NULL, n int);
      SELECT public.create_hypertable('events.ticks', 'at', chunk_time_interval => interval '1 day');
      INSERT INTO events.ticks SELECT '2024-01-01'::timestamptz + n * interval '1 hour', n FROM generate_series(0, 30) n;
      """)
    let before = try await site.definitions()
    try await site.apply()
    let later = "SET ROLE \(owner); INSERT INTO events.ticks VALUES ('2024-01-05 10:00+00', 1)"
    _ = try await site.psql(later)
    let jobs = site.asRole()
    for day in ["2024-01-01", "2024-01-05"] {
      let members = "\"table\": \"events.ticks:at\", \"date\": \"\(day)\""
      #expect(try await jobs.backupOne(members).status == .ok)
      let restored = try await jobs.restoreOne(
        "\"table\": \"events.ticks\", \"date\": \"\(day)\", \"destination\": {\"on_existing\": \"replace\"}")
      #expect(restored.status == .ok)
    }
    await jobs.pools.close()
    #expect(try await site.run(.plan).hasChanges == false)
    let removed = try await site.run(.remove, ["force": true])
    #expect(removed.status == .ok, "\(removed.parts.compactMap(\.error))")
    _ = try await site.psql(
      "SET ROLE \(owner); SELECT public.drop_chunks('events.ticks', newer_than => '2024-01-04'::timestamptz)")
    #expect(try await site.definitions() == before)
    server.stop()
  }
}
