import Essentials
import Foundation
import Glibc
import TestSupport
import Testing

extension ProgramTests {
  @Suite(
    "Jobs of pg_cron, from outside", .enabled(if: PostgresServer.hasCron, "the extension pg_cron is not installed"))
  struct Cron {
    static let serverTask = Task {
      let server = try await PostgresServer(settings: [
        "shared_preload_libraries=pg_cron", "cron.database_name=cronned",
      ])
      try await server.psql("postgres", "CREATE DATABASE cronned")
      try await server.psql("cronned", "CREATE EXTENSION pg_cron")
      return server
    }

    /// A role with the part cron, which the setup has made in the database of pg_cron, and a settings file.
    private func site(_ cron: String) async throws -> (site: Site, prefix: String) {
      var site = try await Site(server: await Self.serverTask.value)
      let mark = UUID().uuidString.prefix(8).asciiLowercased()
      let role = "cron_\(mark)", prefix = "p\(mark)_"
      site.environment["PG_CRON_DATABASE"] = "cronned"
      let setup = try await site.sluice(["setup", "apply", "--role", role, "--part", "roles,cron"])
      #expect(
        setup.status == 0 && setup.output.contains("cron in the database cronned: applied"),
        "\(setup.output) \(setup.errors)")
      site.environment["PG_USER"] = role
      try write(cron, prefix, to: site)
      return (site, prefix)
    }

    private func write(_ cron: String, _ prefix: String, to site: Site) throws {
      try Data("{\"cron\": {\"prefix\": \"\(prefix)\", \"jobs\": [\(cron)]}}".utf8).write(
        to: URL(filePath: site.app.file("sluice.json")))
    }

    private static let jobs =
      #"{"name": "n", "schedule": "15 3 * * *", "command": "SELECT 1"}, {"name": "w", "schedule": "@weekly", "command": "SELECT 2"}"#

    @Test("Planned, applied, altered by hand, enabled, exported, imported and removed, with exit codes that say so")
    func story() async throws {
      let (site, prefix) = try await site(Self.jobs)
      let plan = try await site.sluice(["cron", "plan", "--detailed-exitcode"])
      #expect(
        plan.status == 3 && plan.output.contains("+ \(prefix)n  to create\n    schedule: 15 3 * * *\n"),
        "\(plan.errors)")
      #expect(plan.errors.contains("row-level security"))
      #expect(try await site.sluice(["cron", "apply"]).status == 0)
      let again = try await site.sluice(["cron", "apply", "--json"])
      #expect(again.status == 0)
      let report = try JSONValue(again.output)
      #expect(report["changes"] == false && report["drift"] == false)
      #expect(try await site.sluice(["cron", "plan", "--detailed-exitcode"]).status == 0)
      let status = try JSONValue(try await site.sluice(["cron", "status", "--json"]).output)
      #expect(status["jobs"].items.map { $0["name"].text } == [prefix + "n", prefix + "w"])

      #expect(try await site.sluice(["cron", "disable", "n"]).output.hasPrefix("~ \(prefix)n  changed\n"))
      try await site.server.psql(
        "cronned", "SELECT cron.alter_job(jobid, schedule := '@hourly') FROM cron.job WHERE jobname = '\(prefix)w'")
      let drift = try await site.sluice(["cron", "plan"])
      #expect(
        drift.output.contains(
          "    drift: changed by hand\n      schedule: @weekly -> @hourly\n    schedule: @hourly -> @weekly\n"))
      let export = try await site.sluice(["cron", "export"])
      #expect(export.status == 0)

      // What is not declared goes only when somebody says so.
      try write("", prefix, to: site)
      let refused = try await site.sluice(["cron", "apply"])
      #expect(
        refused.status == 1 && refused.errors.contains("cron_refused") && refused.errors.contains("pass --yes"),
        "\(refused.errors)")
      #expect(try await site.sluice(["cron", "remove", "n"], input: "").status == 1)
      #expect(try await site.sluice(["cron", "remove", "n", "--yes"]).output.hasPrefix("- \(prefix)n  removed\n"))
      #expect(try await site.sluice(["cron", "apply", "--yes"]).output.contains("- \(prefix)w  removed\n"))
      let imported = try await site.sluice(["cron", "import", "-"], input: export.output)
      #expect(
        imported.status == 0 && imported.output.contains("+ \(prefix)w  created\n    schedule: @hourly\n"),
        "\(imported.errors)")
      #expect(try await site.sluice(["cron", "remove", "--all", "--yes"]).status == 0)
      let check = try await site.sluice(["cron", "check-permissions"])
      #expect(
        check.status == 0 && check.output.contains("found  ") && check.output.contains(": 0 missing\n"),
        "\(check.output)")
      #expect(try await site.sluice(["cron", "check"]).output.contains("not readable  cron.database_name\n"))
    }

    @Test(
      "The setup makes the part cron in the database of pg_cron, by itself and as a script, and takes it back there")
    func setup() async throws {
      var site = try await Site(server: await Self.serverTask.value)
      site.environment["PG_CRON_DATABASE"] = "cronned"
      let role = "script_\(UUID().uuidString.prefix(8).asciiLowercased())"
      let call = ["--role", role, "--part", "roles,cron"]
      let script = try await site.sluice(["setup", "sql"] + call)
      #expect(script.output.contains("\n\\connect \"cronned\"\n"))
      try await site.server.psql(site.database, script.output)
      let may =
        "SELECT has_function_privilege('\(role)', 'cron.alter_job(bigint, text, text, text, text, boolean)', 'EXECUTE')"
      #expect(try await site.server.psql("cronned", may) == "t")
      #expect(try await site.sluice(["setup", "plan", "--detailed-exitcode"] + call).status == 0)
      let removed = try await site.sluice(["setup", "remove", "--role", role])
      #expect(removed.status == 0, "\(removed.output) \(removed.errors)")
      #expect(try await site.server.psql("postgres", "SELECT count(*) FROM pg_roles WHERE rolname = '\(role)'") == "0")
    }

    @Test("The same over HTTP: the plan and the status, the history, and each action, checked before anything is asked")
    func http() async throws {
      let (site, prefix) = try await site(Self.jobs)
      let service = try await site.serve()
      let before = try await service.get("/api/cron")
      #expect(before.status == 200, "\(before.text)")
      #expect(try before.json["plan"]["jobs"].items.map { $0["outcome"].text } == ["planned", "planned"])
      #expect(try before.json["status"]["jobs"].items.isEmpty)
      let applied = try await service.post("/api/cron/apply", "{}")
      #expect(applied.status == 200)
      #expect(try applied.json["jobs"].items.map { $0["outcome"].text } == ["created", "created"])
      let disabled = try await service.post("/api/cron/disable", #"{"name": "n"}"#)
      #expect(try disabled.json["jobs"][0]["outcome"].text == "changed")
      #expect(try await service.get("/api/cron").json["plan"]["changes"] == true)
      #expect(try await service.get("/api/cron/history?failed=true&limit=5").json["runs"].items.isEmpty)
      for (action, body, status, code) in [
        ("remove", #"{"all": true}"#, 409, "cron_refused"), ("remove", "{}", 400, "missing_field"),
        ("explode", "{}", 400, "bad_field"),
        // Whoever has the key of the service does not say what SQL runs.
        (
          "import", #"{"cron": {"jobs": [{"name": "n", "schedule": "@daily", "command": "SELECT 1"}]}}"#, 400,
          "bad_field"
        ),
        ("enable", #"{"name": "x"}"#, 404, "cron_job_not_found"), ("apply", #"{"force": true}"#, 400, "unknown_field"),
        ("migrate", #"{"to": "moon"}"#, 400, "bad_field"), ("prune", "{}", 400, "missing_field"),
        ("rollback", "{}", 409, "cron_refused"), ("wait", #"{"name": "n"}"#, 409, "cron_refused"),
      ] {
        let answer = try await service.post("/api/cron/\(action)", body)
        #expect(answer.status == status && answer.code == code, "\(action): \(answer.text)")
      }
      #expect(try await service.get("/api/cron/history?since=soon").code == "bad_field")
      #expect(try await service.get("/api/cron/apply").status == 405)
      let removed = try await service.post("/api/cron/remove", #"{"all": true, "yes": true}"#)
      #expect(removed.status == 200)
      #expect(
        try await site.server.psql("cronned", "SELECT count(*) FROM cron.job WHERE starts_with(jobname, '\(prefix)')")
          == "0")
    }

    @Test("A migration that is killed leaves jobs inactive, never active twice, and --rollback brings them back")
    func killedMigration() async throws {
      let (site, prefix) = try await site(Self.jobs)
      let role = try #require(site.environment["PG_USER"])
      try await site.server.psql("postgres", "CREATE DATABASE work")
      // Another server, whose pg_cron is in the work database: the single-database way.
      let single = try await PostgresServer(settings: ["shared_preload_libraries=pg_cron", "cron.database_name=work"])
      try await single.psql("postgres", "CREATE DATABASE work")
      try await single.psql("work", "CREATE EXTENSION pg_cron")
      var old = site
      old.environment.merge(["PG_PORT": "\(single.port)", "PG_DATABASE": "work", "PG_CRON_DATABASE": "work"]) { $1 }
      let setup = try await old.sluice(
        ["setup", "apply", "--role", role, "--part", "roles,cron"], ["PG_USER": single.superuser])
      #expect(setup.status == 0, "\(setup.errors)")
      let applied = try await old.sluice(["cron", "apply"])
      #expect(applied.status == 0, "\(applied.errors)")
      let jobs =
        "SELECT jobname, schedule, command, database, active FROM cron.job WHERE starts_with(jobname, '\(prefix)') ORDER BY 1"
      let before = try await single.psql("work", jobs)
      #expect(before.contains("|work|t\n"))

      var both = old
      both.environment.merge(["PG_CRON_PORT": "\(site.server.port)", "PG_CRON_DATABASE": "cronned"]) { $1 }
      let migration = try both.start(["cron", "migrate", "--to", "cross-database"])
      try await eventually { try await site.server.psql("cronned", jobs) != "" }
      migration.kill(SIGKILL)
      await migration.end()
      #expect(try await single.psql("work", jobs) == before.replacing("|t", with: "|f"))
      // The run that proves the new place is no job of ours: its name has a colon.
      let active = jobs.replacing("ORDER BY", with: "AND active AND strpos(jobname, ':') = 0 ORDER BY")
      #expect(try await site.server.psql("cronned", active) == "")
      let undone = try await both.sluice(["cron", "migrate", "--rollback"])
      #expect(undone.status == 0, "\(undone.errors)")
      #expect(try await single.psql("work", jobs) == before)
      #expect(try await site.server.psql("cronned", jobs) == "")
      await single.stopAndWait()
    }

    @Test("A wrong call is told by its option, and a wrong declaration by its place, with exit code 2 and no server")
    func wrongCalls() async throws {
      var site = try await Site(withDatabase: false)
      site.environment["PG_PORT"] = "1"
      try write(#"{"name": "n", "schedule": "every day", "command": "SELECT 1"}"#, "p_", to: site)
      let bad = try await site.sluice(["cron", "plan"])
      #expect(bad.status == 2 && bad.errors.contains("cron.jobs.n.schedule"), "\(bad.errors)")
      try write(#"{"name": "n", "schedule": "@daily", "run": {"maintenance": "x"}}"#, "p_", to: site)
      let task = try await site.sluice(["cron", "plan"])
      #expect(task.status == 2 && task.errors.contains("cron.jobs.n.run.maintenance"), "\(task.errors)")
      try FileManager.default.removeItem(atPath: site.app.file("sluice.json"))
      for (arguments, words) in [
        (["cron"], "cron plan"), (["cron", "aply"], "did you mean apply?"), (["cron", "enable"], "--all"),
        (["cron", "prune"], "--older-than"),
        (["cron", "prune", "--older-than", "long"], "--older-than"), (["cron", "migrate"], "--to"),
        (["cron", "import"], "file"),
        (["cron", "history", "--limit", "0"], "--limit"),
        (["cron", "migrate", "--rollback", "--to", "single"], "--to"),
        (["cron", "plan"], "no part cron"),
      ] {
        let result = try await site.sluice(arguments)
        #expect(result.status == 2 && result.errors.contains(words), "\(arguments): \(result.errors)")
      }
    }
  }
}
