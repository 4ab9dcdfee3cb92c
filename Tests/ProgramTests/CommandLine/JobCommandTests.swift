import Essentials
import Foundation
import Glibc
import TestSupport
import Testing

extension ProgramTests {
  /// `sluice backup`, `restore` and `archives` as someone calls them by hand or from a script.
  @Suite("Commands that run jobs")
  struct JobCommands {
    private let backup = ["backup", "--table", "events.clicks", "--date", "2024-01-01"]
    private let restore = ["restore", "--table", "events.clicks", "--date", "2024-01-01"]

    /// The one line of JSON that a script reads.
    private func json(_ result: CommandResult) throws -> JSONValue {
      #expect(result.output.hasSuffix("\n"))
      #expect(result.output.filter { $0 == "\n" }.count == 1, "\(result.output)")
      return try JSONValue(result.output)
    }

    @Test("A backup, a list and a restore print text for people")
    func people() async throws {
      let site = try await Site()
      try await site.makeClicks(1500)
      let before = try await site.hash()
      let there = try await site.sluice(backup)
      #expect(there.status == 0)
      #expect(there.output.hasPrefix("events.clicks 2024-01-01  1,500 rows"))
      #expect(there.errors.isEmpty)
      let list = try await site.sluice(["archives"])
      // The days since then are missing.
      #expect(list.status == 3)
      #expect(list.output.hasPrefix("events.clicks 2024-01-01  1,500 rows"))
      let chunks = try await site.sluice(["chunks", "events.clicks:at", "--no-count"])
      #expect(chunks.status == 0, "\(chunks.errors)")
      #expect(chunks.output.hasPrefix("events.clicks has no such chunks or partitions\n"))
      // Each names its lake.
      for output in [there.output, list.output] { #expect(output.hasSuffix("\nlake: file://\(site.lake.path)\n")) }
      try await site.sql("TRUNCATE events.clicks")
      let back = try await site.sluice(restore)
      #expect(back.status == 0)
      #expect(back.output.hasPrefix("events.clicks 2024-01-01  ok  1,500 rows"))
      #expect(back.output.hasSuffix("\nlake: file://\(site.lake.path)\n"))
      #expect(back.errors.isEmpty)
      #expect(try await site.hash() == before)
    }

    @Test("With --json, a backup, a list and a restore print JSON alone")
    func machines() async throws {
      let site = try await Site()
      try await site.makeClicks(15)
      let there = try await site.sluice(backup + ["--json"])
      #expect(there.status == 0)
      #expect(try json(there)["results"][0]["rows"].number == 15)
      #expect(try json(there)["lake"].text == "file://\(site.lake.path)")
      #expect(try json(await site.sluice(["archives", "--json"]))["archives"][0]["rows"].number == 15)
      try await site.sql("TRUNCATE events.clicks")
      let back = try await site.sluice(restore + ["--json"])
      #expect(back.status == 0)
      #expect(try json(back)["rows_loaded"].number == 15)
      #expect(try json(back)["lake"].text == "file://\(site.lake.path)")
    }

    @Test("A request may come from a file, and options override it")
    func requestFile() async throws {
      let site = try await Site()
      try await site.makeClicks(15, days: ["2024-01-02"])
      let result = try await site.sluice(
        ["backup", "--request", "-", "--date", "2024-01-02"],
        input: #"{"table": "events.clicks", "date": "2024-01-01"}"#)
      #expect(result.status == 0)
      #expect(try await site.rows(inArchive: site.archive("events.clicks", "2024-01-02")) == 15)
    }

    @Test("The exit code is 1 when all fails and 3 when a part fails")
    func exitCodes() async throws {
      let site = try await Site()
      try await site.makeClicks(15)
      let failed = try await site.sluice(["backup", "--table", "events.absent:at", "--date", "2024-01-01"])
      #expect(failed.status == 1)
      #expect(failed.errors.contains("table_not_found"))
      #expect(failed.output.isEmpty)
      let partly = try await site.sluice(
        ["backup", "--table", "events.clicks,events.absent:at", "--date", "2024-01-01", "--json"])
      #expect(partly.status == 3)
      #expect(try json(partly)["status"].text == "partial")
      let refused = try await site.sluice(restore)
      #expect(refused.status == 1)
      #expect(refused.errors.contains("rows_exist"))
      let unreachable = try await site.sluice(backup, ["PG_PORT": "\(PostgresServer.freePort())"])
      #expect(unreachable.status == 1)
      #expect(unreachable.errors.contains("database_unavailable"))
    }

    @Test("With --json, a failure is JSON too")
    func jsonFailure() async throws {
      let site = try await Site()
      try await site.makeClicks(15)
      let backup = try await site.sluice(["backup", "--table", "events.absent:at", "--date", "2024-01-01", "--json"])
      #expect(backup.status == 1)
      #expect(try json(backup)["results"][0]["error"]["code"].text == "table_not_found")
      let restore = try await site.sluice(restore + ["--json"])
      #expect(restore.status == 1)
      #expect(try json(restore)["status"].text == "failed")
      #expect(try json(restore)["error"]["code"].text == "archive_not_found")
      let usage = try await site.sluice(["archives", "--from", "2024-02-30", "--json"])
      #expect(usage.status == 2)
      #expect(try json(usage)["error"]["field"].text == "from")
    }

    @Test("The password of a restore comes from the environment and is never an argument")
    func password() async throws {
      var site = try await Site()
      try await site.makeClicks(15)
      try await site.sql("GRANT USAGE ON SCHEMA events TO plain; GRANT SELECT ON events.clicks TO plain")
      site.environment["PG_USER"] = site.server.plainUser
      site.environment["PG_PASSWORD"] = site.server.plainPassword
      #expect(try await site.sluice(backup).status == 0)
      #expect(try await site.sluice(backup + ["--overwrite", "--verbose"], ["PG_PASSWORD": "wr0ng-pa55"]).status == 1)
      let process = try await site.whileLocked {
        let process = try site.start(backup + ["--overwrite", "--verbose"])
        try await site.waitUntilBlocked()
        let line = String(
          decoding: FileManager.default.contents(atPath: "/proc/\(process.pid)/cmdline") ?? Data(), as: UTF8.self)
        #expect(line.contains("--overwrite"))
        #expect(!line.contains("secret"))
        return process
      }
      #expect(await process.end() == .exited(0))
      #expect(!(process.output + process.errors).contains("secret"))
    }

    @Test("An interrupted backup leaves nothing in the lake", arguments: [SIGINT, SIGTERM])
    func interrupted(_ signal: Int32) async throws {
      let site = try await Site()
      try await site.makeClicks(15)
      try await site.whileReadsStop {
        let process = try site.start(backup)
        try await site.waitUntilBlocked()
        #expect(site.temporaries.count == 1)
        process.kill(signal)
        #expect(await process.end() == .exited(130))
        #expect(process.errors.contains("cancelled"))
        #expect(site.files.isEmpty)
      }
    }

    @Test("A second interrupt ends the command at once")
    func secondInterrupt() async throws {
      let site = try await Site()
      try await site.makeClicks(15)
      let process = try await site.whileLocked {
        let process = try site.start(backup)
        try await site.waitUntilBlocked()
        process.kill(SIGSTOP)
        process.kill(SIGINT)
        process.kill(SIGTERM)
        process.kill(SIGCONT)
        #expect(await process.end() == .exited(1))
        return process
      }
      #expect(!process.isRunning)
      #expect(!site.hasFile(site.archive()))
    }

    @Test("Output to a pipe holds no control characters")
    func pipe() async throws {
      let site = try await Site()
      try await site.makeClicks(1000)
      let result = try await site.sluice(backup + ["--verbose"])
      #expect(result.status == 0)
      let controls = (result.output + result.errors).unicodeScalars.filter { $0.value < 32 && $0 != "\n" }
      #expect(controls.isEmpty)
      // --verbose puts the log where the result is not.
      #expect(result.errors.contains("backup ok"))
      #expect(!result.output.contains("backup ok"))
    }

    @Test("On a terminal, a line shows the progress and is cleared at the end")
    func terminal() async throws {
      let site = try await Site()
      try await site.makeClicks(1000)
      let terminal = site.app.file("terminal")
      let variables = site.environment.map { "'\($0.key)=\($0.value)'" }.joined(separator: " ")
      let shell = Task {
        try await run(
          "/usr/bin/script",
          ["-qefc", "env \(variables) '\(SluiceProcess.binary)' \(backup.joined(separator: " "))", terminal])
      }
      func shown() -> String { (try? String(contentsOfFile: terminal, encoding: .utf8)) ?? "" }
      try await site.whileLocked {
        // It is drawn while the job waits.
        try await eventually { shown().contains("\r\u{1B}[Kevents.clicks 2024-01-01  0.0 MB") }
      }
      #expect(try await shell.value.status == 0)
      let last = try #require(shown().split(separator: "\u{1B}[K").last { $0.contains("events.clicks") })
      #expect(last.contains("events.clicks 2024-01-01  1,000 rows"))
    }
  }
}
