import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// HTTP calls that the host hands on as they came.
  @Suite("Forwarded HTTP calls")
  struct Forwarded {
    @Test("A day is archived, dropped and restored as it was")
    func roundTrip() async throws {
      let site = try await Site()
      try await site.makeClicks(2000, days: ["2024-01-01", "2024-01-02"])
      let before = try await site.hash()
      let service = try await site.serve()

      let backup = try await service.get("/api/backup_manual?table=events.clicks&date=2024-01-01")
      #expect(backup.status == 200)
      let result = try backup.json["results"][0]
      #expect(try backup.json["status"].text == "ok")
      #expect(result["rows"].number == 2000)
      #expect(result["path"].text == "\(site.database)/events.clicks.2024-01-01.csv.gz")
      #expect(try await site.rows(inArchive: site.archive()) == 2000)

      try await site.sql("DELETE FROM events.clicks WHERE at < '2024-01-02 00:00:00+00'")
      #expect(try await site.count() == 2000)
      let restore = try await service.post(
        "/api/restore", #"{"adls_url": "file://\#(site.archive())", "pg": {"host": null}}"#)
      #expect(restore.status == 200)
      #expect(try restore.json["rows_loaded"].number == 2000)
      #expect(try restore.json["target_table"].text == "events.clicks")
      #expect(try await site.hash() == before)
    }

    @Test("A backup takes its request from a body too")
    func body() async throws {
      let site = try await Site()
      try await site.makeClicks()
      let service = try await site.serve()
      let body = #"{"table": "events.clicks", "date": "2024-01-01", "compression_level": 6}"#
      let first = try await service.post("/api/backup_manual", body)
      #expect(first.status == 200)
      #expect(try first.json["results"][0]["status"].text == "ok")
      // Once more: what is there is left alone, and says so.
      let second = try await service.post("/api/backup_manual", body)
      #expect(second.status == 200)
      #expect(try second.json["results"][0]["skipped"].text == "exists")
    }

    @Test("The list shows archives and the missing days between them")
    func listing() async throws {
      let site = try await Site()
      try await site.makeClicks(10, days: ["2024-01-01", "2024-01-03"])
      let service = try await site.serve()
      for day in ["2024-01-01", "2024-01-03"] {
        #expect(try await service.get("/api/backup_manual?table=events.clicks&date=\(day)").status == 200)
      }
      let archives = try await service.get("/api/archives?table=events.clicks&to=2024-01-03").json["archives"].items
      #expect(archives.map { $0["date"].text } == ["2024-01-01", "2024-01-02", "2024-01-03"])
      #expect(archives.map { $0["status"].text } == ["archived", "missing", "archived"])
      #expect(archives.map { $0["rows"].number } == [10, nil, 10])
    }

    @Test("Several tables and days have one result each, in their order")
    func several() async throws {
      let site = try await Site()
      try await site.makeClicks(10, days: ["2024-01-01", "2024-01-02"])
      try await site.makeClicks(20, days: ["2024-01-01", "2024-01-02"], table: "events.pages")
      let service = try await site.serve()
      let answer = try await service.post(
        "/api/backup_manual",
        #"{"tables": ["events.pages:at", "events.clicks"], "from": "2024-01-01", "to": "2024-01-02"}"#)
      #expect(answer.status == 200)
      let results = try answer.json["results"].items
      #expect(
        results.map { "\($0["table"].text ?? "") \($0["date"].text ?? "") \($0["rows"].number ?? -1)" } == [
          "events.pages 2024-01-01 20", "events.pages 2024-01-02 20", "events.clicks 2024-01-01 10",
          "events.clicks 2024-01-02 10",
        ])
    }

    @Test("Results that differ are answered with 207")
    func multiStatus() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve()
      let answer = try await service.get(
        "/api/backup_manual?table=events.absent:at,events.clicks&date=2024-01-01")
      #expect(answer.status == 207)
      #expect(try answer.json["status"].text == "partial")
      let results = try answer.json["results"].items
      #expect(results.map { $0["status"].text } == ["failed", "ok"])
      #expect(results[0]["error"]["code"].text == "table_not_found")
      #expect(try await site.rows(inArchive: site.archive()) == 10)
    }

    @Test("Results that fail alike are answered with their common status")
    func commonStatus() async throws {
      let site = try await Site()
      let service = try await site.serve()
      let answer = try await service.get("/api/backup_manual?table=events.a:at,events.b:at&date=2024-01-01")
      #expect(answer.status == 404)
      #expect(try answer.json["results"].items.count == 2)
    }

    @Test("Several days are restored by table, from and to")
    func span() async throws {
      let site = try await Site()
      try await site.makeClicks(10, days: ["2024-01-01", "2024-01-02"])
      let before = try await site.hash()
      let service = try await site.serve()
      let span = #""table": "events.clicks", "from": "2024-01-01", "to": "2024-01-02""#
      #expect(try await service.post("/api/backup_manual", "{\(span)}").status == 200)
      try await site.sql("TRUNCATE events.clicks")
      let answer = try await service.post("/api/restore", "{\(span)}")
      #expect(answer.status == 200)
      #expect(try answer.json["results"].items.map { $0["rows_loaded"].number } == [10, 10])
      #expect(try await site.hash() == before)

      // One of the two is there already now, and one has no archive: the good and the bad are told apart.
      try await site.sql("DELETE FROM events.clicks WHERE at >= '2024-01-02'")
      let mixed = try await service.post("/api/restore", "{\(span)}")
      #expect(mixed.status == 207)
      #expect(try mixed.json["results"][0]["error"]["code"].text == "rows_exist")
      #expect(try mixed.json["results"][1]["status"].text == "ok")
      #expect(try await site.hash() == before)
    }
  }

  /// `/api/health`.
  @Suite("Health and readiness")
  struct Health {
    @Test("Readiness checks the database and the lake")
    func ready() async throws {
      let service = try await Site().serve()
      #expect(try await service.get("/api/health").json["status"].text == "ok")
      let ready = try await service.get("/api/health?ready=1")
      #expect(ready.status == 200)
      #expect(try ready.json["checks"]["postgres"]["status"].text == "ok")
      #expect(try ready.json["checks"]["lake"]["status"].text == "ok")
    }

    @Test("Without its database the service is alive but not ready")
    func noDatabase() async throws {
      let server = try await PostgresServer()
      let service = try await Site(server: server).serve()
      #expect(try await service.get("/api/health?ready=1").status == 200)
      await server.stopAndWait()
      // An answer serves for a few seconds.
      try await eventually { try await service.get("/api/health?ready=1").status == 503 }
      let ready = try await service.get("/api/health?ready=1")
      #expect(ready.status == 503)
      #expect(try ready.json["checks"]["postgres"]["status"].text == "failed")
      #expect(try ready.json["checks"]["postgres"]["code"].text == "database_unavailable")
      // Anybody may ask: where the database is, and as whom, is for the log.
      #expect(!ready.text.contains("127.0.0.1"))
      #expect(service.log.contains { $0.contains("not ready") && $0.contains("127.0.0.1") })
      #expect(try ready.json["checks"]["lake"]["status"].text == "ok")
      #expect(try await service.get("/api/health").status == 200)
      let backup = try await service.get("/api/backup_manual?table=events.clicks&date=2024-01-01")
      #expect(backup.status == 503)
      #expect(backup.code == "database_unavailable")
    }

    @Test("Without its lake the service is alive but not ready")
    func noLake() async throws {
      let site = try await Site()
      let service = try await site.serve()
      try FileManager.default.removeItem(atPath: site.lake.path)
      let ready = try await service.get("/api/health?ready=1")
      #expect(ready.status == 503)
      #expect(try ready.json["checks"]["lake"]["status"].text == "failed")
      #expect(try await service.get("/api/health").status == 200)
    }
  }
}
