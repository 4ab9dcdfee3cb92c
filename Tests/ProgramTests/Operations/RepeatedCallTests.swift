import Essentials
import Foundation
import Glibc
import TestSupport
import Testing

extension ProgramTests {
  /// Calls that are sent twice, calls that would last too long, and operations from the command line.
  @Suite("Repeated and long calls")
  struct RepeatedCalls {
    private let day = #"{"table": "events.clicks", "date": "2024-01-01", "overwrite": true}"#

    @Test("A POST with an Idempotency-Key is done once; the key with another request is refused")
    func idempotency() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serveAlone()
      let key = [(name: "Idempotency-Key", value: "\"a-1\"")]
      let first = try await service.call("POST", "/api/backup_manual", day, headers: key)
      #expect(first.status == 200, "\(first.text)")
      let location = try #require(first.headers["location"])
      let bytes = try Data(contentsOf: URL(filePath: site.archive()))
      try await site.makeClicks(5)
      let again = try await service.call(
        "POST", "/api/backup_manual", day, headers: [(name: "Idempotency-Key", value: "a-1")])
      #expect(again.status == 200)
      #expect(again.headers["location"] == location)
      #expect(try again.json["state"].text == "succeeded")
      #expect(try again.json["result"]["results"][0]["rows"].number == 10)
      #expect(try Data(contentsOf: URL(filePath: site.archive())) == bytes)
      let other = try await service.call(
        "POST", "/api/backup_manual", #"{"table": "events.clicks", "date": "2024-01-02"}"#, headers: key)
      #expect(other.status == 422)
      #expect(other.code == "idempotency_key_reused")
      let bad = try await service.call(
        "POST", "/api/backup_manual", day, headers: [(name: "Idempotency-Key", value: "a b")])
      #expect(bad.status == 400)
      // Another process knows it too.
      let second = try await site.serveAlone()
      #expect(try await second.call("POST", "/api/backup_manual", day, headers: key).headers["location"] == location)
    }

    @Test("A call that is repeated while the first one runs is answered with its operation")
    func whileRunning() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serveAlone()
      let key = [(name: "Idempotency-Key", value: "b-1")]
      let first = try await site.whileLocked {
        let call = Task { try await service.call("POST", "/api/backup_manual", day, headers: key) }
        try await site.waitUntilBlocked()
        let again = try await service.call("POST", "/api/backup_manual", day, headers: key)
        #expect(again.status == 202, "\(again.text)")
        #expect(try again.json["state"].text == "running")
        #expect(again.headers["retry-after"] != nil && again.headers["location"] != nil, "\(again.headers)")
        return call
      }
      #expect(try await first.value.status == 200)
    }

    @Test(
      "Of calls with one key at the same time, on two instances, one does the work, and each is told of its operation")
    func atOnce() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let services = [try await site.serveAlone(), try await site.serveAlone()]
      for round in 1...3 {
        let key = [(name: "Idempotency-Key", value: "c-\(round)")]
        let answers = try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
          for number in 0..<8 {
            group.addTask { try await services[number % 2].call("POST", "/api/backup_manual", day, headers: key) }
          }
          return try await group.reduce(into: [HTTPAnswer]()) { $0.append($1) }
        }
        #expect(answers.allSatisfy { [200, 202].contains($0.status) }, "\(answers.map(\.text))")
        #expect(Set(answers.compactMap { $0.headers["location"] }).count == 1)
      }
      let listed = try await services[0].get("/api/operations?kind=backup").json
      #expect(listed["operations"].items.map { $0["state"].text } == ["succeeded", "succeeded", "succeeded"])
    }

    @Test(
      "A restore that appends, with a key, whose process was killed is taken up by the same call, and loads its rows once"
    )
    func killedAppend() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      #expect(try await site.sluice(["backup", "--table", "events.clicks", "--date", "2024-01-01"]).status == 0)
      try await site.sql("TRUNCATE events.clicks")
      let request =
        #"{"table": "events.clicks", "date": "2024-01-01", "destination": {"on_existing": "append"}}"#
      let key = [(name: "Idempotency-Key", value: "d-1")]
      let first = try await site.serveAlone()
      try await site.whileLoadsStop(at: 5) {
        let call = Task { try? await first.call("POST", "/api/restore", request, headers: key) }
        try await site.waitUntilBlocked()
        first.process.kill(SIGKILL)
        await first.process.end()
        _ = await call.value
      }
      let second = try await site.serveAlone()
      let id = try #require(try await second.get("/api/operations").json["operations"][0]["id"].text)
      try site.silence(id)
      let again = try await second.call("POST", "/api/restore", request, headers: key)
      #expect(again.status == 200, "\(again.text)")
      #expect(try again.json["state"].text == "succeeded" && again.json["id"].text == id)
      #expect(try await site.count() == 10)
      let once = try await second.call("POST", "/api/restore", request, headers: key)
      #expect(try once.json["id"].text == id)
      #expect(try await site.count() == 10)
    }

    @Test("A call that is likely to outlast SLUICE_SYNC_LIMIT is answered 202 before its work begins, and says why")
    func syncLimit() async throws {
      let site = try await Site()
      try await site.makeClicks(10, days: ["2024-01-01", "2024-01-02"])
      let service = try await site.serveAlone(["SLUICE_SYNC_LIMIT": "10"])
      #expect(try await service.call("POST", "/api/backup_manual", day).status == 200)
      // The first day took long.
      let manifest = try #require(site.files.first { $0.hasSuffix("events.clicks.2024-01-01.json") })
      let file = site.lake.file(manifest)
      let text = try String(contentsOfFile: file, encoding: .utf8)
      #expect(text.contains(/"seconds" : [0-9.]+/))
      try text.replacing(/"seconds" : [0-9.e-]+/, with: "\"seconds\" : 400").write(
        toFile: file, atomically: true, encoding: .utf8)
      await service.stop()
      let second = try await site.serveAlone(["SLUICE_SYNC_LIMIT": "10"])
      let answer = try await second.call(
        "POST", "/api/backup_manual", #"{"table": "events.clicks", "date": "2024-01-02"}"#)
      #expect(answer.status == 202, "\(answer.text)")
      #expect(answer.headers["preference-applied"] == nil)
      #expect(
        try answer.json["reason"].text?.contains("likely to take 400 s, longer than SLUICE_SYNC_LIMIT (10 s)") == true)
      let location = try #require(answer.headers["location"])
      try await eventually { try await second.get(location).json["state"].text == "succeeded" }
      let unlimited = try await site.serveAlone(["SLUICE_SYNC_LIMIT": "0"])
      #expect(
        try await unlimited.call("POST", "/api/backup_manual", #"{"table": "events.clicks", "date": "2024-01-02"}"#)
          .status == 200)
    }

    @Test("The command line lists, shows, cancels and takes up operations")
    func commands() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serveAlone()
      let begun = try await service.call(
        "POST", "/api/backup_manual", #"{"table": "events.clicks,events.absent:at", "date": "2024-01-01"}"#,
        headers: [(name: "Prefer", value: "respond-async")])
      let id = try #require(try begun.json["id"].text)
      try await eventually { try await service.get("/api/operations/\(id)").json["state"].text == "partial" }
      let list = try await site.sluice(["operations", "list", "--state", "partial"])
      #expect(list.output.contains(id))
      #expect(list.output.contains("partial"))
      let shown = try await site.sluice(["operations", "show", id])
      #expect(shown.output.contains("sluice operations rerun-failed \(id)"))
      #expect(shown.output.contains("events.absent"))
      #expect(try await site.sluice(["operations", "resume", id]).errors.contains("use rerun-failed"))
      #expect(try await site.sluice(["operations", "cancel", id]).errors.contains("operation_ended"))
      // Once the table is there, what failed is done, and nothing else.
      try await site.makeClicks(4, table: "events.absent")
      let rerun = try await site.sluice(["operations", "rerun-failed", id])
      #expect(rerun.status == 0, "\(rerun.errors)")
      #expect(rerun.output.contains("succeeded"))
      #expect(try await service.get("/api/operations/\(id)").json["attempt"].number == 2)
      let json = try await site.sluice(["operations", "show", id, "--json"])
      #expect(try JSONValue(json.output)["finished"].items.count == 2)
      #expect(try await site.sluice(["operations", "show", "x"]).errors.contains("operation_not_found"))
      #expect(try await site.sluice(["operations", "list", "--state", "done"]).status == 2)
    }
  }
}
