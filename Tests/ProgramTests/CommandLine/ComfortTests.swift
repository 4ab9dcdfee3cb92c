import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// What a command does when less is said.
  @Suite("Short calls of commands")
  struct ShortCalls {
    @Test("A backup without a table does what the timer does, and the next finds nothing left")
    func nightly() async throws {
      let site = try await Site()
      try await site.makeClicks(0)
      try await site.addRowsAroundToday()
      let more = ["BACKUP_LOOKBACK_DAYS": "2"]
      let dry = try await site.sluice(["backup", "--dry-run"], more)
      #expect(dry.status == 0, "\(dry.errors)")
      #expect(dry.output.split(separator: "\n").filter { $0.contains("would archive it") }.count == 2)
      #expect(!site.files.contains { $0.hasSuffix(".csv.gz") })
      let run = try await site.sluice(["backup"], more)
      #expect([0, 3].contains(run.status), "\(run.errors)")
      #expect(site.files.filter { $0.hasSuffix(".csv.gz") }.count == 2)
      let again = try await site.sluice(["backup"], more)
      #expect(again.output.contains("every day of BACKUP_LOOKBACK_DAYS is archived"))
      let nothing = try await site.sluice(["backup", "--dry-run", "--table", "events.clicks", "--date", "yesterday"])
      #expect(nothing.output.contains("\n0 of 1 table-days\n"), "\(nothing.output)")
    }

    @Test("A day may be named by today's date, and tables by a pattern")
    func words() async throws {
      let site = try await Site()
      try await site.makeClicks(0)
      try await site.addRowsAroundToday()
      let run = try await site.sluice(["backup", "--tables", "events.*", "--date", "yesterday", "--json"])
      #expect(run.status == 0, "\(run.errors)")
      let yesterday = Date(timeIntervalSinceNow: -86_400).formatted(.iso8601.year().month().day())
      #expect(try JSONValue(run.output)["results"][0]["date"].text == yesterday)
      let none = try await site.sluice(["backup", "--tables", "evens.*", "--date", "yesterday"])
      #expect(none.status == 2)
      #expect(none.errors.contains("--tables: no table of BACKUP_TABLES matches evens.*; it has events.clicks"))
      let service = try await site.serveAlone()
      let answer = try await service.get("/api/backup_manual?table=events.clicks&date=yesterday")
      #expect(answer.status == 200)
      #expect(try answer.json["results"][0]["skipped"].text != nil)
    }

    @Test("With --quiet only failures are printed")
    func quiet() async throws {
      let site = try await Site()
      try await site.makeClicks(5)
      let good = try await site.sluice(["backup", "--table", "events.clicks", "--date", "2024-01-01", "-q"])
      #expect(good.status == 0)
      #expect(good.output.isEmpty && good.errors.isEmpty)
      let bad = try await site.sluice(["backup", "--table", "events.absent:at", "--date", "2024-01-01", "--quiet"])
      #expect(bad.status == 1)
      #expect(bad.errors.contains("table_not_found"))
      let both = try await site.sluice(["backup", "-q", "-v", "--date", "2024-01-01"])
      #expect(both.status == 2)
      let verbose = try await site.sluice(["backup", "--table", "events.clicks", "--date", "2024-01-01", "-v"])
      #expect(verbose.errors.contains(" info backup skipped "))
    }

    @Test("A dry run of a restore is its preview")
    func dryRestore() async throws {
      let site = try await Site()
      try await site.makeClicks(5)
      let call = ["--table", "events.clicks", "--date", "2024-01-01"]
      #expect(try await site.sluice(["backup"] + call).status == 0)
      let dry = try await site.sluice(["restore", "--dry-run"] + call)
      #expect(dry.status == 1)
      #expect(dry.output.contains("would refuse it"))
    }

    @Test(
      "libpq's variables and its password file are understood, and the file's password goes to the host that it names alone"
    )
    func libpq() async throws {
      let site = try await Site()
      try await site.makeClicks(5)
      try await site.sql(
        "GRANT USAGE ON SCHEMA events TO \(site.server.plainUser); GRANT SELECT ON events.clicks TO \(site.server.plainUser)"
      )
      let file = site.app.file("passwords")
      // A backslash is doubled in the file.
      let password = site.server.plainPassword.replacing("\\", with: "\\\\")
      func call(_ line: String) async throws -> CommandResult {
        try "\(line)\n".write(toFile: file, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file)
        return try await site.sluice(
          ["backup", "--table", "events.clicks", "--date", "2024-01-01", "--overwrite"],
          [
            "PG_HOST": "", "PG_PORT": "", "PG_USER": "", "PG_DATABASE": "", "PGHOST": "127.0.0.1",
            "PGPORT": "\(site.server.port)", "PGUSER": site.server.plainUser, "PGDATABASE": site.database,
            "PGPASSFILE": file, "PG_RETRY_SECONDS": "0",
          ])
      }
      let good = try await call("127.0.0.1:*:*:\(site.server.plainUser):\(password)")
      #expect(good.status == 0, "\(good.errors)")
      let other = try await call("elsewhere:*:*:\(site.server.plainUser):\(password)")
      #expect(other.status == 1)
      #expect(other.errors.contains("database_sign_in_failed") || other.errors.contains("password"))
      #expect(!other.errors.contains(site.server.plainPassword))
    }
  }
}
