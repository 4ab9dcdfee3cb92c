import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// What the files under `deploy/` call is run as they call it.
  @Suite("Files under deploy/")
  struct Deploy {
    /// A site with the table of the files, and the settings file that they name.
    private func site(_ settings: String = "deploy/sluice.json", server: PostgresServer? = nil) async throws -> Site {
      var site = try await Site(server: server)
      try await site.sql(
        """
        CREATE SCHEMA events;
        CREATE TABLE events.clicks (id bigint NOT NULL, at timestamptz NOT NULL, page text);
        INSERT INTO events.clicks SELECT n, now() - interval '200 days', 'old' FROM generate_series(1, 7) n;
        INSERT INTO events.clicks SELECT n, now() - interval '1 day', 'new' FROM generate_series(8, 20) n;
        """)
      try FileManager.default.copyItem(at: Repository.file(settings), to: URL(filePath: site.app.file("sluice.json")))
      site.environment["BACKUP_TABLES"] = nil
      return site
    }

    private func count(_ site: Site) async throws -> String {
      try await site.sql(
        "SELECT count(*) FILTER (WHERE page = 'old') || ' ' || count(*) FILTER (WHERE page = 'new') FROM events.clicks")
    }

    /// The words of `name = [...]` or `name: [...]`, whatever stands between them.
    private func list(_ name: String, in text: String) throws -> [String] {
      let pattern = try Regex("\\b\(name)\\s*[=:]\\s*\\[([^\\]]*)\\]")
      let match = try #require(text.firstMatch(of: pattern))
      return match.output[1].substring.map(String.init)?.matches(of: #/['"]([^'"]*)['"]/#).map { String($0.1) } ?? []
    }

    /// The names of a container's variables that the program must know.
    private func variables(_ text: String, _ pattern: Regex<(Substring, Substring)>) -> Set<String> {
      Set(text.matches(of: pattern).map { String($0.1) })
    }

    @Test("The Container Apps job runs by its arguments, in Bicep and in Terraform, with variables that are settings")
    func containerJob() async throws {
      let help = try await Site(withDatabase: false).sluice(["help", "settings"]).output
      let bicep = try Repository.text("deploy/container-apps-job/job.bicep")
      let terraform = try Repository.text("deploy/container-apps-job/job.tf")
      let inBicep = variables(bicep, #/name: '([A-Z][A-Z_]+)'/#)
      let inTerraform = variables(terraform, #/name\s*= "([A-Z][A-Z_]+)"/#)
      #expect(inBicep == inTerraform && inBicep.count == 7)
      for name in inBicep where name != "AZURE_CLIENT_ID" {
        #expect(help.contains("\n\(name)\n") || help.contains("\(name),"), "\(name)")
      }
      let arguments = try list("args", in: bicep)
      #expect(arguments == (try list("args", in: terraform)) && arguments.first == "maintenance")
      let site = try await site()
      let ran = try await site.sluice(arguments)
      #expect(ran.status == 0, "\(ran.output)\(ran.errors)")
      #expect(try JSONValue(ran.output)["status"].text == "ok")
      #expect(try await count(site) == "0 13")
    }

    @Test("The workflow's commands run, with variables that are settings, and no secret is named in it")
    func workflow() async throws {
      let text = try Repository.text("deploy/github-actions/maintenance.yml")
      #expect(!text.contains("secrets."))
      let help = try await Site(withDatabase: false).sluice(["help", "settings"]).output
      for name in variables(text, #/      ((?:PG|LAKE|SLUICE)_[A-Z]+):/#) {
        #expect(help.contains("\(name)"), "\(name)")
      }
      let commands = text.matches(of: #/run: sluice (.*)/#).map { String($0.1) }
      #expect(commands.count == 2)
      let site = try await site()
      for command in commands {
        let words = command.prefix { $0 != "$" }.split(separator: " ").map(String.init)
        let ran = try await site.sluice(words)
        #expect(ran.status == 0, "\(command): \(ran.output)\(ran.errors)")
      }
      #expect(try await count(site) == "0 13")
      // The option that a run by hand adds.
      let option = try #require(text.firstMatch(of: #/inputs.dry-run && '([^']*)'/#)).1
      #expect(try await site.sluice(["maintenance", "run", String(option)]).status == 0)
    }

    @Test("The Logic App's call runs the tasks with the key in its header, and none without it")
    func logicApp() async throws {
      let workflow = try JSONValue(Repository.text("deploy/logic-app/workflow.json"))
      let run = workflow["definition"]["actions"]["until_done"]["actions"]["run"]["inputs"]
      #expect(run["method"].text == "POST" && run["headers"]["x-functions-key"].text == "@parameters('key')")
      let path = try #require(run["uri"].text?.replacing("@{parameters('host')}", with: ""))
      let body = String(decoding: run["body"].compact.utf8, as: UTF8.self)
      let site = try await site()
      let service = try await site.serve(["MAINTENANCE_KEY": "the-key-of-the-night"])
      let refused = try await service.post(path, body)
      #expect(refused.status == 401 || refused.status == 403, "\(refused.status) \(refused.text)")
      #expect(try await count(site) == "7 13")
      let done = try await service.call(
        "POST", path, body, headers: [(name: "x-functions-key", value: "the-key-of-the-night")])
      #expect(done.status == 200, "\(done.text)")
      #expect(try await count(site) == "0 13")
    }

    @Test("The script of the function app packs the tasks beside the program and sets settings that there are")
    func functionApp() async throws {
      let help = try await Site(withDatabase: false).sluice(["help", "settings"]).output
      let settings = try JSONValue(Repository.text("deploy/functions-timer/settings.json")).items
      for setting in settings { #expect(help.contains(setting["name"].text ?? "?"), "\(setting)") }
      let routes = try JSONValue(Repository.text("function-routes.json"))["functions"].items
      #expect(routes.contains { $0["name"].text == "nightly_maintenance" && $0["trigger"].text == "timer" })
      // The commands of Azure are stand-ins that note how they are called.
      let folder = try TemporaryDirectory("deploy")
      try FileManager.default.createDirectory(atPath: folder.file("dist/app"), withIntermediateDirectories: true)
      try FileManager.default.createDirectory(atPath: folder.file("bin"), withIntermediateDirectories: true)
      try FileManager.default.copyItem(at: Repository.file("deploy"), to: URL(filePath: folder.file("deploy")))
      for name in ["az", "zip"] {
        try Data("#!/bin/sh\necho \(name) \"$@\" >> \(folder.file("calls"))\n".utf8).write(
          to: URL(filePath: folder.file("bin/\(name)")))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.file("bin/\(name)"))
      }
      let call = [
        "-C", folder.path, "-i", "PATH=\(folder.file("bin")):/usr/bin:/bin", "GROUP=group", "APP=app",
        "deploy/functions-timer/deploy.sh",
      ]
      let ran = try await TestSupport.run("/usr/bin/env", call)
      #expect(ran.status == 0, "\(ran.errors)")
      let calls = try String(contentsOfFile: folder.file("calls"), encoding: .utf8)
      #expect(
        calls.contains(
          "az functionapp config appsettings set -g group -n app --settings @deploy/functions-timer/settings.json"))
      #expect(FileManager.default.fileExists(atPath: folder.file("dist/app/sluice.json")))
    }

    @Test(
      "The job of pg_cron is planned, applied and run as its settings file declares it, and deletes what the task says",
      .enabled(if: PostgresServer.hasCron, "the extension pg_cron is not installed"))
    func pgCron() async throws {
      var site = try await site("deploy/pg-cron/sluice.json", server: await ProgramTests.Cron.serverTask.value)
      site.environment["PG_CRON_DATABASE"] = "cronned"
      let plan = try await site.sluice(["cron", "plan"])
      #expect(
        plan.status == 0 && plan.output.contains("+ sluice_old-clicks  to create"), "\(plan.output)\(plan.errors)")
      #expect(try await site.sluice(["cron", "apply"]).status == 0)
      let run = try await site.sluice(["cron", "run", "old-clicks"])
      #expect(run.status == 0, "\(run.output)\(run.errors)")
      #expect(try await count(site) == "0 13")
      #expect(try await site.sluice(["cron", "remove", "--all", "--yes"]).status == 0)
    }

    @Test("Every file under deploy/ is named by these tests or by those of pg_cron")
    func all() throws {
      let files = try #require(FileManager.default.subpaths(atPath: Repository.file("deploy").path)).filter {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: Repository.file("deploy/\($0)").path, isDirectory: &isFolder)
          && !isFolder.boolValue
      }
      let used = [
        "container-apps-job/job.bicep", "container-apps-job/job.tf", "functions-timer/deploy.sh",
        "functions-timer/settings.json",
        "github-actions/maintenance.yml", "logic-app/workflow.json", "pg-cron/sluice.json", "sluice.json",
      ]
      #expect(files.sorted() == used)
    }
  }
}
