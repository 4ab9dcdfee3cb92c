import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  @Suite("The command that sets a database up")
  struct Setup {
    /// A server whose log has every statement.
    static let serverTask = Task {
      try await PostgresServer(settings: [
        "log_statement=all", "log_min_messages=info", "log_min_error_statement=error",
      ])
    }

    @Test(
      "The script needs no server, plan tells by its exit code on request, apply does it, roles lists it, remove takes it back"
    )
    func wayAndBack() async throws {
      let site = try await Site()
      try await site.makeClicks(3)
      let role = "Slu.ice \(UUID().uuidString.prefix(8))"
      let call = ["--role", role, "--for", "backup,restore"]
      let script = try await site.sluice(["setup", "sql"] + call, ["PG_HOST": "", "PG_PORT": "1"])
      #expect(script.status == 0 && script.errors.isEmpty, "\(script.errors)")
      #expect(script.output.contains("\\set ON_ERROR_STOP on") && script.output.contains("ARRAY['events']"))

      let before = try await site.server.definitions(site.database, rolesWith: role)
      let plan = try await site.sluice(["setup", "plan"] + call)
      #expect(plan.status == 0, "\(plan.errors)")
      #expect(
        plan.output.contains(
          "  + SELECT on table events.clicks\n      GRANT SELECT ON TABLE events.clicks TO \"\(role)\"\n"))
      #expect(try await site.sluice(["setup", "plan", "--detailed-exitcode"] + call).status == 3)
      let dry = try await site.sluice(["setup", "apply", "--dry-run", "--json"] + call)
      let told = try JSONValue(dry.output)
      #expect(told["dry_run"] == .bool(true) && told["parts"][0]["status"].text == "planned")
      #expect(try await site.server.definitions(site.database, rolesWith: role) == before)

      let applied = try await site.sluice(["setup", "apply", "--json"] + call)
      #expect(applied.status == 0, "\(applied.errors)")
      let report = try JSONValue(applied.output)
      #expect(report["parts"].items.map { $0["status"].text } == Array(repeating: "applied", count: 4))
      #expect(report["parts"][0]["changes"][0]["statement"].text == "CREATE ROLE \"\(role)\" LOGIN")
      let again = try await site.sluice(["setup", "plan", "--detailed-exitcode"] + call)
      #expect(again.status == 0)
      #expect(
        again.output.hasSuffix("nothing to do: the database \(site.database) has what the role \(role) needs\n"),
        "\(again.output)")
      let listed = try await site.sluice(["setup", "roles", "--role", role])
      #expect(listed.output == "\(role)  plain; may log in\n  events.clicks  SELECT, INSERT, DELETE\n")
      // The role does what it is for.
      let backup = try await site.sluice(
        ["backup", "--table", "events.clicks", "--date", "2024-01-01"], ["PG_USER": role])
      #expect(backup.status == 0, "\(backup.errors)")

      #expect(try await site.sluice(["setup", "remove", "--role", role]).status == 0)
      #expect(try await site.server.definitions(site.database, rolesWith: role) == before)
    }

    @Test(
      "The password of a new role comes from the environment or standard input, and is in no output and no log",
      // Each gives its verifier to one role.
      .serialized, arguments: [true, false])
    func password(fromInput: Bool) async throws {
      let server = try await Self.serverTask.value
      let site = try await Site(server: server)
      let role = "role \(UUID().uuidString.prefix(8))"
      let password = "pä55 '\\\(UUID().uuidString)"
      let call = ["setup", "apply", "--role", role, "--part", "roles"]
      let result =
        fromInput
        ? try await site.sluice(call + ["--password-stdin"], input: password + "\n")
        : try await site.sluice(call, ["SETUP_PASSWORD": password])
      #expect(result.status == 0, "\(result.errors)")
      #expect(!(result.output + result.errors).contains(password))
      #expect(!(result.output + result.errors).contains("SCRAM"))
      let stored = try await server.psql("postgres", "SELECT rolpassword FROM pg_authid WHERE rolname = '\(role)'")
      #expect(stored.hasPrefix("SCRAM-SHA-256$"))
      let log = try String(contentsOfFile: server.socketDirectory + "/log", encoding: .utf8)
      #expect(log.contains("CREATE ROLE") && !log.contains(password.suffix(36)))
      // The verifier is that of the password.
      try await server.psql(
        "postgres",
        "UPDATE pg_authid SET rolpassword = (SELECT rolpassword FROM pg_authid WHERE rolname = '\(role)') WHERE rolname = 'plain'"
      )
      let signedIn = try await site.sluice(
        ["setup", "roles"], ["PG_USER": "plain", "PG_PASSWORD": password])
      #expect(signedIn.status == 0, "\(signedIn.errors)")
    }

    @Test(
      "A wrong call is told by its option, with exit code 2",
      arguments: [
        (["setup"], "setup sql"), (["setup", "pln"], "(did you mean plan?)"), (["setup", "plan"], "--role"),
        (["setup", "plan", "--role", "r", "--part", "retentions,roles"], "--part"),
        (["setup", "plan", "--role", "r", "--schemas", "events", "--part", "retention"], "--owner"),
        (["setup", "plan", "--role", "r", "--for", "everything"], "--for"),
        (["setup", "plan", "--role", "r", "--kind", "robot"], "--kind"),
        (["setup", "plan", "--role", "r", "--object-id", "x"], "--object-id"),
        (["setup", "plan", "--role", "r", "--kind", "user", "--object-id", "5f0c"], "--object-id"),
        (["setup", "plan", "--role", String(repeating: "é", count: 32)], "--role"),
        (["setup", "sql", "--role", "r", "--schemas", "\"open"], "--schemas"),
        (["setup", "apply", "--role", "r", "--password", "pa55"], "--password"),
      ])
    func wrongCall(_ arguments: [String], _ named: String) async throws {
      let result = try await Site(withDatabase: false).sluice(arguments)
      #expect(result.status == 2, "\(result.output)")
      #expect(result.errors.contains(named), "\(result.errors)")
      #expect(!result.errors.contains("pa55"))
    }

    @Test("Without BACKUP_TABLES the schemas must be named")
    func noSchemas() async throws {
      var site = try await Site(withDatabase: false)
      site.environment["BACKUP_TABLES"] = nil
      let result = try await site.sluice(["setup", "sql", "--role", "r"])
      #expect(result.status == 2 && result.errors.contains("--schemas"))
      #expect(try await site.sluice(["setup", "sql", "--role", "r", "--part", "roles,restore-log"]).status == 0)
    }
  }
}
