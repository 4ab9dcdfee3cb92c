import Essentials
import Foundation
import Jobs
import TestSupport
import Testing

extension ProgramTests {
  /// What does not reach a job: help, wrong options, wrong settings.
  @Suite("Usage of the command line")
  struct Usage {
    @Test("The version is printed as text and as JSON")
    func version() async throws {
      let site = try await Site(withDatabase: false)
      let text = try await site.sluice(["version"])
      #expect(text.status == 0)
      #expect(text.output == "sluice \(Program.version)\n")
      #expect(try await site.sluice(["--version"]).output == text.output)
      let json = try await site.sluice(["version", "--json"])
      #expect(try JSONValue(json.output)["version"].text == Program.version)
    }

    @Test(
      "Help goes to standard output and names every command",
      arguments: [["help"], ["--help"], ["-h"], ["help", "help"]])
    func help(_ arguments: [String]) async throws {
      let result = try await Site(withDatabase: false).sluice(arguments)
      #expect(result.status == 0)
      #expect(result.errors.isEmpty)
      for command in [
        "init", "serve", "backup", "restore", "archives", "chunks", "verify", "setup", "package", "identity", "version",
        "help",
      ] {
        #expect(result.output.contains("\n  \(command) "), "\(command)")
      }
    }

    @Test(
      "The help of a command shows its options",
      arguments: [
        "init", "serve", "backup", "restore", "archives", "chunks", "verify", "retention", "cron", "audit", "setup",
        "package",
        "identity",
        "version",
      ])
    func commandHelp(_ command: String) async throws {
      let site = try await Site(withDatabase: false)
      let help = try await site.sluice(["help", command])
      #expect(help.status == 0)
      #expect(help.output.contains("--help"))
      #expect(try await site.sluice([command, "--help"]).output == help.output)
    }

    @Test(
      "A wrong call is an error on standard error with exit code 2",
      arguments: [
        ([], "Usage"), (["frobnicate"], "frobnicate"), (["help", "frobnicate"], "frobnicate"),
        (["backup", "--frobnicate"], "--frobnicate"), (["backup", "events.clicks"], "events.clicks"),
        (["backup", "--table"], "--table"), (["backup", "--json=1"], "--json"),
        (["backup", "--date", "2024-01-01", "--date", "2024-01-02"], "--date"),
        (["version", "--frobnicate"], "--frobnicate"),
        (["serve", "--port", "http"], "--port"), (["serve", "--port", "70000"], "--port"),
        (["serve", "--routes", "absent.json"], "absent.json"), (["package"], "--output"),
        (["package", "--output", "out", "--function-timeout", "x"], "--function-timeout"),
        (["backup", "--request", "absent.json"], "absent.json"),
        (["restore", "--csv-option", "HEADER"], "--csv-option"),
        (["backup", "--date", "2024-01-01"], "table"), (["identity"], "identity token"),
        (["identity", "--json"], "identity token"), (["identity", "login"], "identity token"),
        (["identity", "tokn"], "(did you mean token?)"),
        (["identity", "token", "--scope", "storage"], "/.default"),
        (["backup", "--table", "events.clicks", "--date", "2024-02-30"], "2024-02-30"),
        (["backup", "--table", "events.clicks", "--date", "2999-01-01"], "2999-01-01"),
        (["archives", "--from", "2024-01-02", "--to", "2024-01-01"], "from"),
        (["restore", "--table", "events.clicks", "--date", "2024-01-01", "--mode", "sideways"], "sideways"),
      ])
    func wrongCall(_ arguments: [String], _ named: String) async throws {
      let result = try await Site(withDatabase: false).sluice(arguments)
      #expect(result.status == 2)
      #expect(result.errors.contains(named), "\(result.errors)")
      #expect(result.output.isEmpty)
    }

    @Test("A request file that is not a JSON object is refused")
    func requestFile() async throws {
      let site = try await Site(withDatabase: false)
      for text in ["[1]", "{", ""] {
        let result = try await site.sluice(
          ["backup", "--request", "-", "--table", "events.clicks", "--date", "2024-01-01"], input: text)
        #expect(result.status == 2, "\(text)")
        #expect(site.files.isEmpty)
      }
    }

    @Test(
      "The error of a bad setting names it",
      arguments: [
        ("PG_PORT", "http"), ("PG_PORT", "0"), ("PG_SSLMODE", "maybe"), ("PG_POOL_MAX", "0"), ("LAKE_URL", "ftp://x/y"),
        ("BACKUP_TABLES", "clicks"), ("BACKUP_TABLES", "events.clicks:"), ("BACKUP_TIMEZONE", "Mars/Olympus"),
        ("BACKUP_LOOKBACK_DAYS", "-1"), ("BACKUP_CONCURRENCY", "many"), ("BACKUP_GZIP_LEVEL", "10"),
        ("SLUICE_SHUTDOWN_GRACE", "-1"), ("FUNCTIONS_CUSTOMHANDLER_PORT", "x"), ("SLUICE_CONFIG", "absent.json"),
      ])
    func badSetting(_ name: String, _ value: String) async throws {
      let site = try await Site(withDatabase: false)
      for command in [["archives"], ["serve"]] {
        let result = try await site.sluice(command, [name: value])
        #expect(result.status == 2, "\(command)")
        #expect(result.errors.contains(name), "\(result.errors)")
        #expect(result.output.isEmpty)
      }
    }

    @Test("The error of a missing setting names it", arguments: ["PG_HOST", "PG_USER", "PG_DATABASE"])
    func missingSetting(_ name: String) async throws {
      var site = try await Site(withDatabase: false)
      site.environment[name] = nil
      let result = try await site.sluice(["backup", "--table", "events.clicks", "--date", "2024-01-01"])
      #expect(result.status == 2)
      #expect(result.errors.contains(name))
    }

    @Test("The settings file is read, and a variable overrides it")
    func settingsFile() async throws {
      var site = try await Site()
      site.environment["BACKUP_TABLES"] = nil
      try await site.makeClicks(3)
      let file = site.app.file("settings.json")
      try #"{"PG_DATABASE": "absent", "tables": {"events.clicks": {"time_column": "at"}}}"#
        .write(toFile: file, atomically: true, encoding: .utf8)
      let call = ["backup", "--table", "events.clicks", "--date", "2024-01-01"]
      #expect(try await site.sluice(call).status == 1, "no time column is known without the file")
      #expect(try await site.sluice(call, ["SLUICE_CONFIG": file]).status == 0)
      #expect(try await site.rows(inArchive: site.archive()) == 3)
    }

    @Test(
      "The error of an unknown key in the settings file names it",
      arguments: [#"{"FROBNICATE": 1}"#, #"{"tables": {"events.clicks": {"FROBNICATE": 1}}}"#])
    func unknownKey(_ text: String) async throws {
      let site = try await Site(withDatabase: false)
      try text.write(toFile: site.app.file("sluice.json"), atomically: true, encoding: .utf8)
      let result = try await site.sluice(["archives"])
      #expect(result.status == 2)
      #expect(result.errors.contains("FROBNICATE"))
    }

    @Test("No option takes a password")
    func noPassword() async throws {
      // It would show in the list of processes.
      let result = try await Site(withDatabase: false).sluice(["restore", "--password", "pa55"])
      #expect(result.status == 2)
      #expect(!result.errors.contains("pa55"))
    }
  }
}
