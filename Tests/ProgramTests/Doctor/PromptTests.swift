import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  @Suite("Questions to a terminal, and commands that can do without the lake")
  struct Prompts {
    /// Runs the program in a terminal, types what `answer` says when it asks, and returns its exit code.
    private func answer(_ site: Site, _ arguments: [String], _ answer: String) async throws -> Int32 {
      let terminal = site.app.file("terminal-\(UUID().uuidString)")
      let variables = site.environment.map { "'\($0.key)=\($0.value)'" }.joined(separator: " ")
      let script = """
        ( for i in $(seq 600); do grep -q 'Only "yes" goes on: ' '\(terminal)' 2>/dev/null && break; sleep 0.1; done
          printf '\(answer)'; sleep 1 ) |
          script -qefc "env -C '\(site.app.path)' \(variables) '\(SluiceProcess.binary)' \(arguments.joined(separator: " "))" '\(terminal)'
        exit ${PIPESTATUS[1]}
        """
      return try await run("/bin/bash", ["-c", script]).status
    }

    @Test(
      "Ctrl-C at the doctor's question ends with 130 and changes nothing, another word than yes with 1, and yes mends")
    func doctor() async throws {
      let site = try await Site()
      try await site.makeClicks(3)
      let role = "prompt_\(UUID().uuidString.prefix(8).asciiLowercased())"
      try await site.sql("CREATE ROLE \(role) LOGIN")
      let call = ["doctor", "--role", role, "--only", "grants", "--fix"]
      let right = "SELECT has_table_privilege('\(role)', 'events.clicks', 'SELECT')"
      #expect(try await answer(site, call, #"\003"#) == 130)
      #expect(try await answer(site, call, #"y\n"#) == 1)
      #expect(try await site.sql(right) == "f")
      _ = try await answer(site, call, #"yes\n"#)
      #expect(try await site.sql(right) == "t")
      let empty = try await site.sluice(["doctor", "--only", ""])
      #expect(empty.status == 2 && empty.errors.contains("--only"), "\(empty.errors)")
    }

    @Test(
      "Ctrl-C at the question of apply and remove changes nothing, and a lake that cannot be opened is a warning of a plan",
      .enabled(if: PostgresServer.hasCron, "the extension pg_cron is not installed"))
    func cron() async throws {
      var site = try await Site(server: await Cron.serverTask.value)
      site.environment["PG_CRON_DATABASE"] = "cronned"
      let prefix = "q\(UUID().uuidString.prefix(8).asciiLowercased())_"
      func declare(_ jobs: String) throws {
        try Data("{\"cron\": {\"prefix\": \"\(prefix)\", \"jobs\": [\(jobs)]}}".utf8).write(
          to: URL(filePath: site.app.file("sluice.json")))
      }
      try declare(#"{"name": "n", "schedule": "@daily", "command": "SELECT 1"}"#)
      #expect(try await site.sluice(["cron", "apply"]).status == 0)
      let lost = ["LAKE_URL": "file:///nowhere/lake"]
      let plan = try await site.sluice(["cron", "plan"], lost)
      #expect(plan.status == 0 && plan.errors.contains("drift is not told"), "\(plan.errors)")
      let disabled = try await site.sluice(["cron", "disable", "n"], lost)
      #expect(disabled.status == 0 && disabled.errors.contains("could not be noted"), "\(disabled.errors)")
      #expect(try await site.sluice(["cron", "check-permissions"], lost).status == 0)
      let refused = try await site.sluice(["cron", "apply"], lost)
      #expect(refused.status == 1, "\(refused.errors)")
      try declare("")
      #expect(try await answer(site, ["cron", "apply"], #"\003"#) == 130)
      #expect(try await answer(site, ["cron", "remove", "n"], #"\003"#) == 130)
      let count = "SELECT count(*) FROM cron.job WHERE starts_with(jobname, '\(prefix)') AND NOT active"
      #expect(try await site.server.psql("cronned", count) == "1")
      #expect(try await answer(site, ["cron", "remove", "n"], #"yes\n"#) == 0)
      #expect(try await site.server.psql("cronned", count) == "0")
    }
  }
}
