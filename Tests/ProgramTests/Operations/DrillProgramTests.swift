import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// `sluice drill` and the timer `nightly_drill`, as an operator and the host call them.
  @Suite("Drills, from outside")
  struct Drills {
    private let named = ["drill", "--table", "events.clicks", "--date", "2024-01-01"]

    private func site(_ rows: Int = 50) async throws -> Site {
      let site = try await Site()
      try await site.makeClicks(rows)
      #expect(try await site.sluice(["backup", "--table", "events.clicks", "--date", "2024-01-01"]).status == 0)
      return site
    }

    private func scratchTables(_ site: Site) async throws -> String {
      try await site.sql(
        "SELECT count(*) FROM pg_tables WHERE schemaname = 'sluice_drill' AND tablename LIKE 'drill\\_%'")
    }

    @Test("A drill tells what came back, is an operation, and is the last drill of the status")
    func story() async throws {
      let site = try await site()
      let before = try await site.hash()
      let drill = try await site.sluice(["drill"])
      #expect(drill.status == 0, "\(drill.errors)")
      #expect(drill.output.contains("events.clicks 2024-01-01  restored: 50 rows in "))
      #expect(drill.output.contains("chosen among 1 archives by seed "))
      #expect(drill.output.contains("the table now: 50 rows, the same as the archive's\n"))
      #expect(try await site.hash() == before)
      #expect(try await site.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'sluice_drill'") == "0")
      #expect(try await site.sluice(["status"]).output.contains("last drill: events.clicks 2024-01-01 at "))
      let listed = try JSONValue(await site.sluice(["operations", "list", "--kind", "drill", "--json"]).output)
      #expect(listed["operations"].items.map { $0["state"].text } == ["succeeded"])
      #expect(listed["operations"][0]["result"]["verdict"].text == "restored")
      #expect(try await site.sluice(named + ["--quiet"]).output.isEmpty)
      for (arguments, word) in [(["--date", "2024-01-01"], "--table"), (["--table", "clicks"], "--table")] {
        let wrong = try await site.sluice(["drill"] + arguments)
        #expect(wrong.status == 2 && wrong.errors.contains(word), "\(wrong.errors)")
      }
    }

    @Test("A damaged archive fails the drill, and running the operation again drills the same one")
    func damaged() async throws {
      let site = try await site()
      let path = site.archive()
      let good = try Data(contentsOf: URL(filePath: path))
      var bad = good
      bad[bad.count / 2] ^= 4
      try bad.write(to: URL(filePath: path))
      let drill = try await site.sluice(["drill", "--json"])
      #expect(drill.status == 1)
      let report = try JSONValue(drill.output)
      #expect(report["verdict"].text == "damaged" && report["error"]["code"].text == "archive_corrupt")
      let status = try await site.sluice(["status"])
      #expect(status.status == 3)
      #expect(
        status.output.contains("sluice drill --table events.clicks --date 2024-01-01 tells why"), "\(status.output)")
      let doctor = try await site.sluice(["doctor", "--only", "archives"])
      #expect(doctor.status == 1 && doctor.output.contains("failed  archives.drill"), "\(doctor.output)")
      let line = try #require(
        status.output.split(separator: "\n").first { $0.contains("do: sluice operations rerun-failed") })
      try good.write(to: URL(filePath: path))
      let again = try await site.sluice(line.split(separator: " ").suffix(3).map(String.init) + ["--json"])
      #expect(again.status == 0, "\(again.output) \(again.errors)")
      #expect(try JSONValue(again.output)["result"]["verdict"].text == "restored")
    }

    @Test("What a drill that was killed has left is dropped by the next one, and its operation is lost")
    func killed() async throws {
      let site = try await site()
      // The drill stops when it compares what it has restored.
      try await site.sql(
        """
        CREATE FUNCTION public.stop() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
          IF EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE schema_name = 'sluice_drill') THEN
            PERFORM pg_advisory_lock_shared(43); END IF; END $$;
        CREATE EVENT TRIGGER stop ON sql_drop EXECUTE FUNCTION public.stop();
        """)
      let holder = Task { try? await site.sql("SELECT pg_advisory_lock(43), pg_sleep(300)") }
      try await eventually {
        try await site.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 43") == "1"
      }
      let process = try site.start(named)
      try await site.waitUntilBlocked()
      process.kill(SIGKILL)
      #expect(await process.end() == .signalled(SIGKILL))
      try await site.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 43")
      _ = await holder.value
      #expect(try await scratchTables(site) == "1")
      let listed = try JSONValue(await site.sluice(["operations", "list", "--json"]).output)
      let id = try #require(listed["operations"][0]["id"].text)
      // While its lease lasts another drill may be at work in the table.
      let early = try await site.sluice(named)
      #expect(early.status == 0, "\(early.errors)")
      #expect(try await scratchTables(site) == "1")
      try site.silence(id)
      let next = try await site.sluice(named)
      #expect(next.status == 0, "\(next.errors)")
      #expect(next.output.contains(", which a drill that was killed had left\n"))
      #expect(try await scratchTables(site) == "0")
      let resumed = try await site.sluice(["operations", "resume", id])
      #expect(resumed.status == 0 && resumed.output.contains("succeeded"), "\(resumed.output) \(resumed.errors)")
    }

    @Test(
      "The timer drills an archive, fails the invocation where it does not come back, and does nothing without archives"
    )
    func timer() async throws {
      let site = try await site()
      let service = try await site.serve()
      let answer = try await service.invoke("nightly_drill", Envelopes.timer("nightly_drill"))
      #expect(answer.status == 200, "\(answer.text)")
      #expect(try answer.json["ReturnValue"]["verdict"].text == "restored", "\(answer.text)")
      #expect(try await service.get("/api/operations?kind=nightly_drill").json["operations"].items.count == 1)
      #expect(try await service.get("/api/status").json["last_drill"]["verdict"].text == "restored")
      try Data("short".utf8).write(to: URL(filePath: site.archive()))
      // A file of another length is told by the coverage, and not chosen among.
      let none = try await service.invoke("nightly_drill", Envelopes.timer("nightly_drill"))
      #expect(none.status == 200, "\(none.text)")
      #expect(try none.json["ReturnValue"]["status"].text == "skipped")
    }

    @Test("A job of the command line that takes a while is an operation, which another machine sees and cancels")
    func commands() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      try await site.whileLocked {
        let process = try site.start(
          ["backup", "--table", "events.clicks", "--date", "2024-01-01"], ["PG_LOCK_TIMEOUT_SECONDS": "3600"])
        try await site.waitUntilBlocked()
        try await eventually {
          try await site.sluice(["status"]).output.contains("running: backup ")
        }
        let listed = try JSONValue(await site.sluice(["operations", "list", "--state", "running", "--json"]).output)
        let id = try #require(listed["operations"][0]["id"].text)
        #expect(listed["operations"][0]["request"]["table"].text == "events.clicks")
        #expect(try await site.sluice(["operations", "cancel", id]).status == 0)
        #expect(await process.end() == .exited(130), "\(process.errors)")
        let shown = try await site.sluice(["operations", "show", id, "--json"])
        #expect(try JSONValue(shown.output)["state"].text == "cancelled")
      }
      #expect(site.temporaries.isEmpty)
    }
  }
}
