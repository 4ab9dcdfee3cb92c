import Essentials
import Foundation
import Glibc
import TestSupport
import Testing

extension ProgramTests {
  @Suite("The maintenance, from outside")
  struct Maintenance {
    private static let tasks = """
      {"name": "double", "kind": "deduplicate", "table": "w.t", "key": ["k"], "keep": "newest", "by": "at", "batch_rows": 20, "pause": "20ms", "order": 1},
      {"name": "lost", "kind": "delete_orphans", "child": "w.t", "columns": ["parent"], "parent": "w.p", "parent_columns": ["id"],
       "batch_rows": 20, "pause": "20ms"}
      """

    /// 2,000 rows, of which 400 are duplicates and 100 orphans, with a log of what is deleted.
    private func site() async throws -> Site {
      let site = try await Site()
      try await site.sql(
        """
        CREATE SCHEMA w; CREATE TABLE w.p (id int PRIMARY KEY); INSERT INTO w.p VALUES (1);
        CREATE TABLE w.t (id int PRIMARY KEY, k int, parent int, at timestamptz, pad text); CREATE TABLE w.gone (id int, xid xid8);
        INSERT INTO w.t SELECT n, CASE WHEN n % 5 = 0 THEN n - 1 ELSE n END, CASE WHEN n % 20 = 7 THEN 2 ELSE 1 END,
          '2024-01-01'::timestamptz + n * interval '1 second', repeat('x', 200) FROM generate_series(1, 2000) n;
        CREATE FUNCTION w.log() RETURNS trigger LANGUAGE plpgsql AS
          'BEGIN INSERT INTO w.gone VALUES (OLD.id, pg_current_xact_id()); RETURN NULL; END';
        CREATE TRIGGER log AFTER DELETE ON w.t FOR EACH ROW EXECUTE FUNCTION w.log();
        """)
      try declare(Self.tasks, at: site)
      return site
    }

    private func declare(_ tasks: String, at site: Site) throws {
      try "{\"maintenance\": {\"tasks\": [\(tasks)]}}".write(
        toFile: site.app.file("sluice.json"), atomically: true, encoding: .utf8)
    }

    @Test(
      "A run that is killed five times leaves the right rows, deletes none twice, and no more than a batch in one transaction"
    )
    func killed() async throws {
      let site = try await site()
      for _ in 1...5 {
        let before = try await site.sql("SELECT count(*) FROM w.gone")
        let run = try site.start(["maintenance", "run"])
        try await eventually { try await site.sql("SELECT count(*) FROM w.gone") != before }
        run.kill(SIGKILL)
        await run.end()
      }
      let last = try await site.sluice(["maintenance", "run", "--json"])
      #expect(last.status == 0, "\(last.errors)")
      #expect(
        try await site.sql("SELECT count(*), count(DISTINCT k), count(*) FILTER (WHERE parent = 2) FROM w.t")
          == "1500|1500|0")
      // The newest of two, which is the later number, stays.
      #expect(try await site.sql("SELECT count(*) FROM w.t WHERE id % 5 = 4") == "0")
      #expect(try await site.sql("SELECT count(*), count(DISTINCT id) FROM w.gone") == "500|500")
      #expect(try await site.sql("SELECT max(n) <= 20 FROM (SELECT count(*) n FROM w.gone GROUP BY xid) s") == "t")
      let unfinished = try await site.sluice(["audit", "show", "--unfinished"])
      #expect(unfinished.output.split(separator: "\n").count { $0.contains("outcome=begun") } == 5)
      let again = try await site.sluice(["maintenance", "run"])
      #expect(again.status == 0 && again.output.contains("double  nothing"), "\(again.output)")
    }

    @Test("List, plan and run print what they should; a mistyped task, and one of the file, are refused")
    func commands() async throws {
      let site = try await site()
      let list = try await site.sluice(["maintenance", "list"])
      #expect(list.output.hasPrefix("double  deduplicate  daily  order 1  due today\nlost  "), "\(list.output)")
      let plan = try await site.sluice(["maintenance", "plan", "lost"])
      #expect(
        plan.output.contains("lost  planned  100 rows would go") && plan.output.contains("such as {\"id\":"),
        "\(plan.output)")
      let verbose = try await site.sluice(["maintenance", "plan", "--verbose"])
      #expect(!verbose.errors.contains("\"id\""))
      #expect(try await site.sql("SELECT count(*) FROM w.t") == "2000")
      let wrong = try await site.sluice(["maintenance", "run", "los"])
      #expect(wrong.status == 2 && wrong.errors.contains("did you mean lost?"), "\(wrong.errors)")
      let two = try await site.sluice(["maintenance", "run", "lost", "double", "--json"])
      #expect(two.status == 0, "\(two.errors)")
      #expect(try await site.sql("SELECT count(*) FROM w.t") == "1500")
      try declare(#"{"name": "x", "kind": "vacuum", "tabels": ["a.b"]}"#, at: site)
      let file = try await site.sluice(["maintenance", "list"])
      #expect(
        file.status == 2 && file.errors.contains("maintenance.tasks[0].tabels") && file.errors.contains("did you mean"),
        "\(file.errors)")
    }

    @Test(
      "Without a host the timer's function asks for the key too, and the key goes with what is run, whatever its name")
    func timerAndNames() async throws {
      let site = try await site()
      // Where no host calls the timer, nobody does without the key: neither with no key set nor on loopback.
      for (settings, key, status) in [
        ([:], "m-key", 401), (["MAINTENANCE_KEY": "m-key"], "", 401), (["MAINTENANCE_KEY": "m-key"], "m-key", 200),
      ] as [([String: String], String, Int)] {
        let alone = try await site.serveAlone(settings)
        let timer = Envelopes.timer("nightly_maintenance")
        let headers = [
          (name: "X-Azure-Functions-InvocationId", value: "1"), (name: "Content-Type", value: "application/json"),
          (name: "x-functions-key", value: key),
        ]
        #expect(try await alone.call("POST", "/nightly_maintenance", timer, headers: headers).status == status)
      }
      // The key goes with what is run, whatever the function is called.
      let routes = site.app.file("function-routes.json")
      let named = try String(contentsOfFile: routes, encoding: .utf8)
      try named.replacing("\"name\": \"maintenance\"", with: "\"name\": \"upkeep\"").write(
        toFile: routes, atomically: true, encoding: .utf8)
      let renamed = try await site.serveAlone(["MAINTENANCE_KEY": "m-key"])
      for path in ["/api/maintenance", "/api/admin/maintenance"] {
        #expect(try await renamed.post(path, #"{"dry_run": true}"#).status == 401)
      }
      try named.write(toFile: routes, atomically: true, encoding: .utf8)
    }

    @Test("What was deleted before an error is in the answer; an error before anything was deleted is the answer")
    func failsOverHTTP() async throws {
      let site = try await site()
      try await site.sql(
        """
        CREATE FUNCTION w.no() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no'; END$$;
        CREATE TRIGGER no BEFORE DELETE ON w.t FOR EACH ROW WHEN (OLD.id = 1007) EXECUTE FUNCTION w.no();
        """)
      let service = try await site.serveAlone(["MAINTENANCE_KEY": "m-key"])
      func run(_ task: String) async throws -> HTTPAnswer {
        try await service.call(
          "POST", "/api/maintenance", "{\"tasks\": [\"\(task)\"]}",
          headers: [(name: "x-functions-key", value: "m-key")])
      }
      let partly = try await run("lost")
      let rows = try #require(try partly.json["tasks"][0]["rows"].number)
      #expect(partly.status == 207 && rows > 0, "\(partly.text)")
      #expect(try partly.json["tasks"][0]["outcome"].text == "failed")
      #expect(partly.text.contains("\(Int(rows)) rows were deleted before"), "\(partly.text)")
      #expect(try await site.sql("SELECT count(*) FROM w.gone") == "\(Int(rows))")
      try await site.sql("DELETE FROM w.t WHERE id < 1007 AND parent = 2")
      let none = try await run("lost")
      #expect(none.status >= 400 && none.code == "database_error", "\(none.text)")
    }

    @Test("Without a key nobody may run it; with one, in a header alone, it runs, also behind a host and as a timer")
    func http() async throws {
      let site = try await site()
      let open = try await site.serveAlone()
      #expect(try await open.post("/api/maintenance", #"{"dry_run": true}"#).status == 401)
      let keyed = try await site.serveAlone(["MAINTENANCE_KEY": "m-key", "SLUICE_KEY": "s-key"])
      func call(
        _ path: String, _ headers: [(name: String, value: String)], _ body: String = #"{"dry_run": true}"#
      ) async throws -> Int {
        try await keyed.call("POST", path, body, headers: headers).status
      }
      for path in ["/api/maintenance", "/api/admin/maintenance"] {
        #expect(try await call(path, []) == 401)
        #expect(try await call(path, [(name: "x-functions-key", value: "m-kez")]) == 401)
        #expect(try await call("\(path)?code=m-key", []) == 401)
        #expect(try await call(path, [(name: "x-functions-key", value: "m-key")]) == 200)
        #expect(try await call(path, [(name: "x-functions-key", value: "s-key")]) == 200)
        #expect(try await call(path, [(name: "Authorization", value: "Bearer m-key")]) == 200)
      }
      // It opens nothing else.
      #expect(
        try await keyed.call("POST", "/api/retention", "{}", headers: [(name: "x-functions-key", value: "m-key")])
          .status == 401)
      #expect(
        try await call("/api/maintenance", [(name: "x-functions-key", value: "m-key")], #"{"tasks": ["none"]}"#) == 400)

      let hosted = try await site.serve(["MAINTENANCE_KEY": "m-key"])
      #expect(try await hosted.post("/api/maintenance", "{}").status == 401)
      #expect(
        try await hosted.call(
          "POST", "/api/admin/maintenance", "{}", headers: [(name: "x-functions-key", value: "m-key")]
        ).status == 404)
      let run = try await hosted.call(
        "POST", "/api/maintenance", #"{"tasks": ["lost"]}"#, headers: [(name: "x-functions-key", value: "m-key")])
      #expect(run.status == 200)
      #expect(try run.json["tasks"][0]["rows"].number == 100)
      let night = try await hosted.invoke("nightly_maintenance", Envelopes.timer("nightly_maintenance"))
      #expect(night.status == 200, "\(night.text)")
      #expect(try await site.sql("SELECT count(*) FROM w.t") == "1500")
    }
  }
}
