import Essentials
import Foundation
import Glibc
import TestSupport
import Testing

extension ProgramTests {
  /// What a command tells while it runs, and when a signal ends it.
  @Suite("Commands of several table-days")
  struct CutShort {
    private let days = ["2024-01-01", "2024-01-02", "2024-01-03"]
    private let span = ["--from", "2024-01-01", "--to", "2024-01-03"]

    /// A site whose backup of the second day waits for a lock until `body` has ended.
    private func whileSecondDayWaits<Value: Sendable>(
      _ body: (Site, [String]) async throws -> Value
    ) async throws -> Value {
      var site = try await Site()
      site.environment["BACKUP_CONCURRENCY"] = "1"
      site.environment["BACKUP_TABLES"] = "events.clicks:at,events.pages:at"
      try await site.makeClicks(10)
      try await site.makeClicks(10, table: "events.pages")
      let call = ["backup", "--table", "events.clicks,events.pages", "--date", "2024-01-01"]
      return try await site.whileLocked("events.pages") { try await body(site, call) }
    }

    @Test("A result is printed when its table-day ends, not when the command ends", arguments: [false, true])
    func asTheyCome(isJSON: Bool) async throws {
      let (process, site) = try await whileSecondDayWaits { site, call in
        let process = try site.start(call + (isJSON ? ["--json"] : []))
        try await eventually { process.output.contains("events.clicks") }
        #expect(process.isRunning)
        #expect(!process.output.contains("events.pages"))
        return (process, site)
      }
      #expect(await process.end() == .exited(0))
      #expect(site.hasFile(site.archive("events.pages")))
      if isJSON {
        let report = try JSONValue(process.output)
        #expect(report["status"].text == "ok")
        #expect(report["lake"].text == "file://\(site.lake.path)")
        #expect(report["results"].items.compactMap { $0["table"].text } == ["events.clicks", "events.pages"])
      } else {
        #expect(process.output.hasSuffix("lake: file://\(site.lake.path)\n"))
      }
    }

    @Test(
      "A backup that a signal ends tells what it finished, and ends with 3", arguments: [SIGINT, SIGTERM, SIGHUP],
      [false, true])
    func partly(_ signal: Int32, isJSON: Bool) async throws {
      let process = try await whileSecondDayWaits { site, call in
        let process = try site.start(call + (isJSON ? ["--json"] : []))
        try await eventually { process.output.contains("events.clicks") }
        try await site.waitUntilBlocked()
        process.kill(signal)
        #expect(await process.end() == .exited(3))
        #expect(!site.hasFile(site.archive("events.pages")))
        return process
      }
      guard isJSON else {
        #expect(process.output.hasPrefix("events.clicks 2024-01-01  10 rows"))
        #expect(process.errors.contains("events.pages 2024-01-01"))
        return
      }
      let report = try JSONValue(process.output)
      #expect(report["status"].text == "partial")
      #expect(report["results"].items.map { $0["status"].text }.first == "ok")
      #expect(report["results"][1]["error"]["code"].text == "cancelled")
    }

    @Test(
      "A command that a signal ends before anything is finished ends with 130 and an error",
      arguments: [SIGINT, SIGTERM], [false, true])
    func nothing(_ signal: Int32, isJSON: Bool) async throws {
      let site = try await Site()
      try await site.makeClicks(10, days: days)
      try await site.whileLocked {
        let process = try site.start(["backup", "--table", "events.clicks"] + span + (isJSON ? ["--json"] : []))
        try await site.waitUntilBlocked()
        process.kill(signal)
        #expect(await process.end() == .exited(130))
        #expect(process.errors.contains("cancelled"))
        if isJSON {
          #expect(try JSONValue(process.output)["error"]["code"].text == "cancelled")
        } else {
          #expect(process.output.isEmpty)
        }
      }
    }

    @Test("A restore of several days that a signal ends tells the days that are loaded", arguments: [false, true])
    func restore(isJSON: Bool) async throws {
      let site = try await Site()
      try await site.makeClicks(10, days: days)
      #expect(try await site.sluice(["backup", "--table", "events.clicks"] + span).status == 0)
      try await site.sql("TRUNCATE events.clicks; INSERT INTO events.clicks VALUES (0, '2024-01-02', NULL, NULL)")
      let process = try await site.whileLoadsStop(at: 5) {
        // The first day is there already, so that its load does not come to the row at which loads stop.
        try await site.sql("INSERT INTO events.clicks VALUES (0, '2024-01-01', NULL, NULL)")
        let process = try site.start(
          ["restore", "--table", "events.clicks", "--from", "2024-01-01", "--to", "2024-01-03"]
            + ["--on-existing", "skip"] + (isJSON ? ["--json"] : []))
        try await site.waitUntilBlocked()
        process.kill(SIGTERM)
        #expect(await process.end() == .exited(3))
        return process
      }
      guard isJSON else {
        #expect(process.output.contains("events.clicks 2024-01-02  skipped"))
        return
      }
      let report = try JSONValue(process.output)
      #expect(report["status"].text == "partial")
      #expect(report["lake"].text == "file://\(site.lake.path)")
      #expect(report["results"].items.map { $0["status"].text } == ["skipped", "skipped", "failed"])
    }
  }

  /// Standard output that cannot be written.
  @Suite("Output that nobody takes")
  struct LostOutput {
    /// Runs `sluice` by a shell, which puts its standard output where `to` says. The shell's output is `sluice`'s exit code.
    private func run(_ site: Site, _ arguments: String, to target: String) async throws -> CommandResult {
      let variables = site.environment.map { "'\($0.key)=\($0.value)'" }.joined(separator: " ")
      let call = "env \(variables) '\(SluiceProcess.binary)' \(arguments)"
      return try await TestSupport.run(
        "/bin/bash", ["-c", "cd '\(site.app.path)'; (\(call); echo $? >&3) 3>code \(target); cat code"])
    }

    private let backup = "backup --table events.clicks --date 2024-01-01"

    @Test(
      "A job whose output is lost ends with 1 and says so, and its work is done",
      arguments: [">/dev/full", ">&-", "| true"], ["", " --json"])
    func job(_ target: String, _ option: String) async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      // The reader is gone before the job has ended, however fast that would be.
      let call = { Task { try await run(site, backup + option, to: target) } }
      let task =
        target.hasPrefix("|")
        ? try await site.whileLocked {
          let task = call()
          try await site.waitUntilBlocked()
          return task
        } : call()
      let result = try await task.value
      #expect(result.output == "1\n", "\(result)")
      #expect(result.errors.contains("standard output cannot be written"), "\(result.errors)")
      #expect(site.hasFile(site.archive()))
    }

    @Test(
      "A listing and a help text whose output is lost end with 1", arguments: ["archives", "help", "version --json"])
    func listing(_ call: String) async throws {
      let site = try await Site()
      for target in [">/dev/full", ">&-"] {
        let result = try await run(site, call, to: target)
        #expect(result.output == "1\n", "\(target)")
        #expect(result.errors.contains("standard output cannot be written"))
      }
    }

    @Test("A listing whose reader has enough ends quietly")
    func head() async throws {
      let site = try await Site()
      let folder = site.lake.url.appending(path: site.database)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for number in 0..<3000 {
        try Data().write(to: folder.appending(path: "events.a\(number).2024-01-01.csv.gz"))
      }
      let result = try await run(site, "archives", to: "| head -n 1")
      // The files are empty, which is what the code tells.
      #expect(result.output.hasSuffix("\n3\n"), "\(result.output)")
      #expect(result.errors.isEmpty, "\(result.errors)")
    }

    @Test("A worse exit code stays")
    func worse() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let result = try await run(
        site, "backup --table events.clicks,events.absent:at --date 2024-01-01", to: ">/dev/full")
      #expect(result.output == "3\n")
    }
  }
}
