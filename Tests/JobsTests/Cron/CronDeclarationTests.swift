import Essentials
import Foundation
import Testing

@testable import Database
@testable import Jobs
@testable import Reporting

@Suite("The cron part of the settings file")
struct CronDeclarationTests {
  static let defaults = CronDefaults(
    workDatabase: "work", cronDatabase: "cronned", role: "sluice", retentionSchema: "Admin"
  ) { task in
    guard task == "tidy" else { throw JobError(.badField, "there is no task; known are tidy", field: "task") }
    return "VACUUM events.clicks"
  }

  private func specs(_ json: String) throws -> [CronSpec] {
    try CronDeclaration(JSONValue(json: Data(json.utf8))).specs(Self.defaults)
  }

  @Test("Each kind of job becomes its statement, in its database, with its limit before it")
  func statements() throws {
    let specs = try specs(
      """
      {"prefix": "app.", "jobs": [
        {"name": "a", "schedule": "* * * * *", "command": "SELECT 1", "timeout": "30m", "active": false, "role": "other"},
        {"name": "b", "schedule": "@daily", "run": "retention", "database": "metrics"},
        {"name": "c", "schedule": "5 seconds", "run": {"maintenance": "tidy"}},
        {"name": "d", "schedule": "@hourly", "run": {"prune": "7 days"}}]}
      """)
    #expect(
      specs == [
        CronSpec(
          name: "app.a", schedule: "* * * * *", command: "SET statement_timeout = 1800000; SELECT 1", database: "work",
          role: "other", isActive: false),
        CronSpec(
          name: "app.b", schedule: "@daily", command: "CALL \"Admin\".enforce_retention_all()", database: "metrics",
          role: "sluice", isActive: true),
        CronSpec(
          name: "app.c", schedule: "5 seconds", command: "VACUUM events.clicks", database: "work", role: "sluice",
          isActive: true),
        CronSpec(
          name: "app.d", schedule: "@hourly",
          command:
            "DELETE FROM cron.job_run_details WHERE username = current_user AND end_time < pg_catalog.now() - interval '604800 seconds'",
          database: "cronned", role: "sluice", isActive: true),
      ])
    let parts = CronCommand.parts(specs[0].command)
    #expect(parts.command == "SELECT 1" && parts.timeout?.text == "30m")
    #expect(CronCommand.parts("SELECT 1").timeout == nil)
  }

  @Test(
    "A wrong declaration is refused with the field, before any server is asked",
    arguments: [
      ("[]", "cron", "an object"), ("{}", "cron.jobs", "list of jobs"), (#"{"jobs": 1}"#, "cron.jobs", "list of jobs"),
      (#"{"jobs": [], "job": 1}"#, "cron.job", "no such field"),
      (#"{"prefix": "", "jobs": []}"#, "cron.prefix", "1 to 30"),
      (#"{"jobs": [1]}"#, "cron.jobs.0", "an object"), (#"{"jobs": [{}]}"#, "cron.jobs.0.name", "missing"),
      (#"{"jobs": [{"name": "a:b"}]}"#, "cron.jobs.0.name", "letters"),
      (#"{"jobs": [{"name": "\#(String(repeating: "n", count: 57))"}]}"#, nil, "56 characters"),
      (#"{"jobs": [{"name": "a"}]}"#, "cron.jobs.a.schedule", "missing"),
      (#"{"jobs": [{"name": "a", "schedule": "daily"}]}"#, "cron.jobs.a.schedule", "1 fields"),
      (#"{"jobs": [{"name": "a", "schedule": "@daily"}]}"#, "cron.jobs.a.command", "missing"),
      (#"{"jobs": [{"name": "a", "schedule": "@daily", "command": " "}]}"#, "cron.jobs.a.command", "SQL"),
      (
        #"{"jobs": [{"name": "a", "schedule": "@daily", "command": "SELECT 1", "run": "retention"}]}"#,
        "cron.jobs.a.run", "not both"
      ),
      (#"{"jobs": [{"name": "a", "schedule": "@daily", "run": "backup"}]}"#, "cron.jobs.a.run", "retention"),
      (
        #"{"jobs": [{"name": "a", "schedule": "@daily", "run": {"prune": "soon"}}]}"#, "cron.jobs.a.run.prune",
        "a number"
      ),
      (
        #"{"jobs": [{"name": "a", "schedule": "@daily", "run": {"prune": "40000 days"}}]}"#, "cron.jobs.a.run.prune",
        "36525 days"
      ),
      (
        #"{"jobs": [{"name": "a", "schedule": "@daily", "command": ";; -- VACUUM\n /* /* a */ b */;"}]}"#,
        "cron.jobs.a.command", "SQL"
      ),
      (
        #"{"jobs": [{"name": "a", "schedule": "@daily", "run": {"maintenance": "x"}}]}"#, "cron.jobs.a.run.maintenance",
        "known are tidy"
      ),
      (
        #"{"jobs": [{"name": "a", "schedule": "@daily", "command": "SELECT 1", "database": ""}]}"#,
        "cron.jobs.a.database", "name"
      ),
      (
        #"{"jobs": [{"name": "a", "schedule": "@daily", "run": {"prune": "1d"}, "database": "x"}]}"#,
        "cron.jobs.a.database", "cronned"
      ),
      (
        #"{"jobs": [{"name": "a", "schedule": "@daily", "command": "SELECT 1", "timeout": "5"}]}"#,
        "cron.jobs.a.timeout", "unit"
      ),
      (
        #"{"jobs": [{"name": "a", "schedule": "@daily", "command": "SELECT 1", "timeout": "25 days"}]}"#,
        "cron.jobs.a.timeout", "24 days"
      ),
      (
        #"{"jobs": [{"name": "a", "schedule": "@daily", "run": "retention", "timeout": "5m"}]}"#, "cron.jobs.a.timeout",
        "CALL"
      ),
      (
        #"{"jobs": [{"name": "a", "schedule": "@daily", "command": "SELECT 1"}, {"name": "a", "schedule": "@daily", "command": "SELECT 1"}]}"#,
        "cron.jobs.a.name", "two jobs"
      ),
    ])
  func refused(json: String, field: String?, words: String) throws {
    let error = try #require(throws: JobError.self) { _ = try specs(json) }
    #expect(error.code.kind == .invalid)
    if let field { #expect(error.field == field, "\(error)") }
    #expect(error.message.contains(words), "\(error)")
  }

  @Test(
    "A time limit is refused where the statement cannot run in a transaction, with that statement",
    arguments: [
      ("VACUUM", "VACUUM"), ("/* a */ vacuum (analyze) t", "VACUUM"), ("SELECT 1; -- x\nVACUUM t", "VACUUM"),
      ("CALL p()", "CALL"),
      ("DO $$BEGIN DELETE FROM t; COMMIT; END$$", "DO with COMMIT"),
      ("CREATE INDEX CONCURRENTLY i ON t (a)", "CONCURRENTLY"),
      ("REINDEX TABLE CONCURRENTLY t", "CONCURRENTLY"), ("REINDEX DATABASE d", "REINDEX DATABASE"),
      (#"SELECT E'\''; VACUUM; --'"#, "VACUUM"), ("/* /* a */ ; */ VACUUM", "VACUUM"),
      ("SELECT a$b, $1; VACUUM; SELECT b$b", "VACUUM"), ("SELECT 'it''s'; VACUUM", "VACUUM"),
      ("DROP DATABASE d", "DROP DATABASE"), ("ALTER SYSTEM SET a = 1", "ALTER SYSTEM"), ("CLUSTER", "CLUSTER"),
    ])
  func alone(command: String, word: String) throws {
    let limit = try CronDuration("5m", field: "timeout")
    let error = try #require(throws: JobError.self) {
      _ = try CronCommand.limited(command, to: limit, field: "timeout")
    }
    #expect(error.code == .badField && error.field == "timeout" && error.message.contains(word), "\(error)")
    #expect(try CronCommand.limited(command, to: nil, field: "timeout") == command)
  }

  @Test(
    "A word in a text, a comment or a name does not count",
    arguments: [
      "SELECT 'VACUUM; CALL p()'", "SELECT 1 -- ; VACUUM", "SELECT $q$; CALL p()$q$", "ANALYZE \"CONCURRENTLY\"",
      #"SELECT E'\'; VACUUM; --'"#, "/* /* a */ ; VACUUM */ SELECT 1", "SELECT $a$; VACUUM; $b$ $a$",
      String(repeating: "/* ", count: 50_000), String(repeating: "$a", count: 50_000),
      "DO $$BEGIN PERFORM 1; END$$", "CLUSTER t USING i", "REINDEX TABLE t",
    ])
  func together(command: String) throws {
    let limit = try CronDuration("5m", field: "timeout")
    #expect(try CronCommand.limited(command, to: limit, field: "timeout").hasSuffix("; \(command)"))
  }

  @Test("A request without a name, or for an age that no calendar has, is refused")
  func requests() throws {
    for (action, body, field) in [
      ("disable", #"{"name": []}"#, "name"), ("prune", #"{"older_than": "999999 weeks"}"#, "older_than"),
      ("stats", #"{"since": "999999 weeks"}"#, "since"),
    ] {
      let error = try #require(throws: JobError.self) {
        _ = try CronRequest(action, JSONValue(json: Data(body.utf8)), now: Date())
      }
      #expect(error.code.kind == .invalid && error.field == field, "\(error)")
    }
  }
}
