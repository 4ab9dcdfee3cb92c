import Essentials
import Foundation
import Jobs
import TestSupport
import Testing

extension ProgramTests {
  /// `Prefer: respond-async`: a job that is begun in one call and looked at in others.
  @Suite("Operations")
  struct Operations {
    private let backup = "/api/backup_manual?table=events.clicks&date=2024-01-01"
    private let async = [(name: "Prefer", value: "respond-async, wait=10")]

    /// The operation once it has ended.
    private func ended(_ service: Service, _ location: String) async throws -> JSONValue {
      try await eventually { try await service.get(location).json["state"].text != "running" }
      return try await service.get(location).json
    }

    @Test("A long job is answered at once and followed to its result")
    func asynchronous() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serveAlone()
      let location = try await site.whileLocked {
        let begun = try await service.call("GET", backup, headers: async)
        #expect(begun.status == 202)
        #expect(begun.headers["preference-applied"] == "respond-async")
        let location = try #require(begun.headers["location"])
        #expect(location == "/api/operations/\(try begun.json["id"].text ?? "")")
        try await site.waitUntilBlocked()
        let running = try await service.get(location)
        #expect(running.status == 200)
        #expect(try running.json["state"].text == "running")
        #expect(try running.json["kind"].text == "backup")
        #expect(try running.json["progress"]["subject"].text == "events.clicks 2024-01-01")
        return location
      }
      let done = try await ended(service, location)
      #expect(done["state"].text == "succeeded")
      #expect(done["result"]["results"][0]["rows"].number == 10)
      #expect(try await site.rows(inArchive: site.archive()) == 10)

      try await site.sql("TRUNCATE events.clicks")
      let restore = try await service.call(
        "POST", "/api/restore", #"{"table": "events.clicks", "date": "2024-01-01"}"#, headers: async)
      #expect(restore.status == 202)
      let restored = try await ended(service, try #require(restore.headers["location"]))
      #expect(restored["state"].text == "succeeded")
      #expect(restored["result"]["rows_loaded"].number == 10)
    }

    @Test("A waiting job that is cancelled ends at once and leaves nothing; a finished one stays as it is")
    func cancelled() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serveAlone(["PG_LOCK_TIMEOUT_SECONDS": "3600"])
      try await site.whileLocked {
        let begun = try await service.call("GET", backup, headers: async)
        let location = try #require(begun.headers["location"])
        try await eventually {
          try await service.get(location).json["progress"]["waits_for"].text?.contains("is locked by pid ") == true
        }
        let answer = try await service.call("DELETE", location)
        #expect(answer.status == 202, "\(answer.text)")
        let done = try await ended(service, location)
        #expect(done["state"].text == "cancelled")
        #expect(done["error"]["code"].text == "cancelled")
        #expect(done["progress"]["waits_for"].text == nil)
        #expect(site.temporaries.isEmpty)
        let again = try await service.call("DELETE", location)
        #expect(again.status == 409)
        #expect(again.code == "operation_ended")
      }
      #expect(try await service.call("DELETE", "/api/operations/x").code == "operation_not_found")
    }

    @Test("An operation that another instance runs ends there when it is cancelled here")
    func cancelledElsewhere() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let (first, second) = (
        try await site.serveAlone(["PG_LOCK_TIMEOUT_SECONDS": "3600"]), try await site.serveAlone()
      )
      try await site.whileLocked {
        let begun = try await first.call("GET", backup, headers: async)
        let location = try #require(begun.headers["location"])
        try await site.waitUntilBlocked()
        let listed = try await second.get("/api/operations?state=running&kind=backup").json
        #expect("/api/operations/\(listed["operations"][0]["id"].text ?? "")" == location)
        let asked = try await second.call("DELETE", location)
        #expect(asked.status == 202, "\(asked.text)")
        #expect(try asked.json["cancel_requested"] == .bool(true))
        try await eventually { try await second.get(location).json["state"].text == "cancelled" }
        #expect(site.temporaries.isEmpty)
      }
    }

    @Test("A failed operation says why")
    func failed() async throws {
      let service = try await Site().serveAlone()
      let begun = try await service.call(
        "GET", "/api/backup_manual?table=events.absent:at&date=2024-01-01", headers: async)
      #expect(begun.status == 202)
      let failed = try await ended(service, try #require(begun.headers["location"]))
      #expect(failed["state"].text == "failed")
      #expect(failed["error"]["code"].text == "table_not_found")
    }

    @Test("An operation whose table-days all fail has failed")
    func allFail() async throws {
      let service = try await Site().serveAlone()
      let begun = try await service.call(
        "GET", "/api/backup_manual?table=events.a:at,events.b:at&date=2024-01-01", headers: async)
      let failed = try await ended(service, try #require(begun.headers["location"]))
      #expect(failed["state"].text == "failed")
      #expect(failed["result"]["results"].items.count == 2)
    }

    @Test("An operation whose table-days differ is partial")
    func partial() async throws {
      let site = try await Site()
      try await site.makeClicks(1)
      let service = try await site.serveAlone()
      let begun = try await service.call(
        "GET", "/api/backup_manual?table=events.clicks,events.b:at&date=2024-01-01", headers: async)
      #expect(try await ended(service, try #require(begun.headers["location"]))["state"].text == "partial")
    }

    @Test("A bad request is refused at once")
    func badRequest() async throws {
      let service = try await Site().serveAlone()
      let answer = try await service.call("GET", "/api/backup_manual?table=a.b&date=2024-02-30", headers: async)
      #expect(answer.status == 400)
      #expect(service.site.files.isEmpty)
    }

    @Test(
      "An unknown operation is not found",
      arguments: [
        ("1", 404, "operation_not_found"), ("0b7e4b1c-0000-4000-8000-000000000000", 404, "operation_not_found"),
        ("..%2f..%2fetc", 404, "operation_not_found"), ("%00", 400, "bad_target"),
      ])
    func unknown(id: String, status: Int, code: String) async throws {
      let service = try await Site().serveAlone()
      let answer = try await service.get("/api/operations/\(id)")
      #expect(answer.status == status, "\(answer.text)")
      #expect(answer.code == code)
    }

    @Test(
      "An operation whose process was killed is lost, and another instance resumes it: only what is missing is done")
    func killed() async throws {
      let site = try await Site()
      try await site.makeClicks(10, days: ["2024-01-01", "2024-01-02"])
      let first = try await site.serveAlone(["BACKUP_CONCURRENCY": "1"])
      let span = "/api/backup_manual?table=events.clicks&from=2024-01-01&to=2024-01-02"
      _ = try await first.get(backup)
      let made = try await site.whileLocked {
        let begun = try await first.call("GET", span, headers: async)
        try await site.waitUntilBlocked()
        first.process.kill(SIGKILL)
        await first.process.end()
        return try #require(begun.headers["location"])
      }
      let second = try await site.serveAlone()
      // Its lease has not ended: another instance may be at work on it.
      #expect(try await second.get(made).json["state"].text == "running")
      #expect(try await second.call("POST", made + "/resume").code == "already_running")
      try site.silence(made)
      #expect(try await second.get(made).json["state"].text == "lost")
      #expect(try await second.call("POST", made + "/rerun-failed").code == "operation_ended")
      let resumed = try await second.call("POST", made + "/resume")
      #expect(resumed.status == 202, "\(resumed.text)")
      #expect(resumed.headers["location"] == made)
      let done = try await ended(second, made)
      #expect(done["state"].text == "succeeded")
      #expect(done["attempt"].number == 2)
      #expect(done["finished"].items.count == 2)
      #expect(site.files.count { $0.hasSuffix(".csv.gz") } == 2)
      #expect(try await second.call("POST", made + "/resume").code == "operation_ended")
    }

    @Test("The next process knows a finished operation")
    func remembered() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let first = try await site.serveAlone()
      let begun = try await first.call("GET", backup, headers: async)
      let location = try #require(begun.headers["location"])
      let told = try await ended(first, location)
      await first.stop()
      let second = try await site.serveAlone()
      #expect(try await second.get(location).json == told)
    }
  }
}
