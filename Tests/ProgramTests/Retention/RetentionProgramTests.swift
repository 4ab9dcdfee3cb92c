import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  @Suite("The retention, from outside")
  struct Retention {
    /// Two days of a plain table, archived by the role of the setup, which owns nothing.
    private func site() async throws -> (site: Site, role: String, owner: String) {
      let site = try await Site()
      let mark = UUID().uuidString.prefix(8).asciiLowercased()
      let role = "sluice_\(mark)", owner = "owner_\(mark)"
      try await site.makeClicks(20, days: ["2024-01-01", "2024-01-02"])
      try await site.sql(
        "CREATE ROLE \(owner) NOLOGIN; ALTER SCHEMA events OWNER TO \(owner); ALTER TABLE events.clicks OWNER TO \(owner)"
      )
      let setup = try await site.sluice(
        ["setup", "apply", "--role", role, "--for", "retention", "--schemas", "events", "--owner", owner])
      #expect(setup.status == 0, "\(setup.output) \(setup.errors)")
      let policy = try await site.sluice([
        "retention", "policy", "set", "--table", "events.clicks", "--keep", "30 days", "--time-column", "at",
      ])
      #expect(policy.status == 0 && policy.output == "the policy of events.clicks is set\n", "\(policy.errors)")
      let backup = try await site.sluice(
        ["backup", "--table", "events.clicks", "--from", "2024-01-01", "--to", "2024-01-02"], ["PG_USER": role])
      #expect(backup.status == 0, "\(backup.errors)")
      return (site, role, owner)
    }

    @Test("Set up, planned, held, run, told by log and audit chain; the role that does it owns nothing")
    func story() async throws {
      let (site, role, owner) = try await site()
      let me = ["PG_USER": role]
      let again = try await site.sluice(
        [
          "setup", "plan", "--role", role, "--for", "retention", "--schemas", "events", "--owner", owner,
          "--detailed-exitcode",
        ])
      #expect(again.status == 0, "\(again.output)")
      let plan = try await site.sluice(["retention", "plan", "--csv"], me)
      #expect(plan.status == 0, "\(plan.errors)")
      let lines = plan.output.split(separator: "\n")
      #expect(lines.first == "table,unit,kind,start,end,rows,bytes,verdict,reason,detail")
      #expect(
        lines.count == 3 && lines[1].hasPrefix("events.clicks,2024-01-01,rows,")
          && lines[1].contains(",kept,not_verified,"))

      let hold = try await site.sluice(
        [
          "retention", "hold", "--table", "events.clicks", "--from", "2024-01-02", "--to", "2024-01-02", "--reason",
          "case 7",
        ])
      #expect(hold.status == 0 && hold.output.hasPrefix("hold 1 on events.clicks is placed"), "\(hold.errors)")
      // The role of the jobs may not end it.
      #expect(try await site.sluice(["retention", "release", "--hold", "1"], me).status == 1)
      let run = try await site.sluice(["retention", "run"], me)
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.hasPrefix("hold 1 on events.clicks, "))
      #expect(run.output.contains("events.clicks  2024-01-01  ") && run.output.contains("  dropped\n"))
      #expect(run.output.contains("  kept: on_hold  hold 1: case 7\n"))
      #expect(try await site.count() == 20)

      let bare = try await site.sluice(["retention", "hold", "--table", "events.clicks"])
      #expect(bare.status == 2 && bare.errors.contains("--reason is missing"))
      #expect(try await site.sluice(["retention", "release", "--hold", "1"]).status == 0)
      let service = try await site.serve(me)
      let dry = try await service.post("/api/retention", #"{"dry_run": true}"#)
      #expect(dry.status == 200)
      #expect(try dry.json["results"][0]["reason"].text == "not_verified")
      let other = try await service.post("/api/retention", #"{"table": "events.pages"}"#)
      #expect(other.status == 404)
      #expect(try other.json["field"].text == "table")
      let night = try await service.invoke("nightly_retention", Envelopes.timer("nightly_retention"))
      #expect(night.status == 200, "\(night.text)")
      #expect(try await site.count() == 0)
      let nothing = try await service.post("/api/retention", "{}")
      #expect(nothing.status == 200)
      #expect(try nothing.json["results"].items.isEmpty)

      let log = try await site.sluice(["retention", "log", "--table", "events.clicks"])
      #expect(log.output.split(separator: "\n").count { $0.contains("delete_rows") && $0.contains("dropped") } == 2)
      let audit = try await site.sluice(["audit", "show"])
      #expect(
        audit.output.split(separator: "\n").dropLast().map { $0.split(separator: "  ")[1] } == [
          "policy", "hold", "delete", "release", "delete",
        ])
      #expect(try await site.sluice(["audit", "verify"]).status == 0)
    }

    @Test(
      "Archives past their own keep time go while the table has their rows; the last copy stays, also with --force without a terminal"
    )
    func archives() async throws {
      let (site, _, _) = try await site()
      #expect(
        try await site.sluice(["retention", "archives"]).output.hasPrefix("no archive is past its own keep time\n"))
      let policy = try await site.sluice(
        [
          "retention", "policy", "set", "--table", "events.clicks", "--keep", "36500 days", "--keep-archives",
          "60 days",
        ])
      #expect(policy.status == 0, "\(policy.errors)")
      try await site.sql("DELETE FROM events.clicks WHERE at >= '2024-01-02' AND id = 3")
      let told = try await site.sluice(["retention", "archives", "--dry-run"])
      #expect(told.output.contains("events.clicks 2024-01-01  archive removable"))
      #expect(told.output.contains("events.clicks 2024-01-02  archive kept: last_copy"))
      let forced = try await site.sluice(["retention", "archives", "--force"])
      #expect(forced.status == 2 && forced.errors.contains("on a terminal"))
      let removed = try await site.sluice(["retention", "archives"])
      #expect(removed.status == 0 && removed.output.contains("events.clicks 2024-01-01  archive removed"))
      #expect(!FileManager.default.fileExists(atPath: site.archive()))
      #expect(FileManager.default.fileExists(atPath: site.archive("events.clicks", "2024-01-02")))
      #expect(
        try await site.sluice(["audit", "show", "--action", "remove_archive", "--json"]).output.contains(
          "\"forced\":false"))
      // What proved that the day is archived is gone with the archive.
      #expect(try await site.sql("SELECT count(*) FROM admin.archived_day WHERE day = '2024-01-01'") == "0")
    }

    @Test("Where nothing is set up, a run says how that is done, and the timer has nothing to do")
    func notSetUp() async throws {
      let site = try await Site()
      let run = try await site.sluice(["retention", "run"])
      #expect(run.status == 2 && run.errors.contains("sluice setup apply --part retention"), "\(run.errors)")
      let service = try await site.serve()
      let night = try await service.invoke("nightly_retention", Envelopes.timer("nightly_retention"))
      #expect(night.status == 200, "\(night.text)")
    }
  }
}
