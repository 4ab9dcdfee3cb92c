import Essentials
import Foundation
import Glibc
import TestSupport
import Testing

extension ProgramTests {
  /// Calls in the host's envelope: chunked, without a length.
  @Suite("Invocations in an envelope")
  struct Envelope {
    private let url = "https://app.example/api/backup_manual"

    @Test("An HTTP function is answered inside the envelope")
    func http() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve()
      let answer = try await service.invoke(
        "backup_manual",
        try Envelopes.http("POST", url, body: #"{"table": "events.clicks", "date": "2024-01-01"}"#))
      #expect(answer.status == 200)
      #expect(answer.headers["content-type"] == "application/json")
      let res = try answer.json["Outputs"]["res"]
      #expect(res["statusCode"].number == 200)
      let inner = try JSONValue(res["body"].text ?? "")
      #expect(inner["results"][0]["rows"].number == 10)
      #expect(try await site.rows(inArchive: site.archive()) == 10)
    }

    @Test("The query string inside an envelope is the request")
    func query() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve()
      let answer = try await service.invoke(
        "backup_manual",
        try Envelopes.http(
          "GET", url + "?table=events.clicks&date=2024-01-01", query: ["table": "events.clicks", "date": "2024-01-01"]))
      #expect(try answer.json["Outputs"]["res"]["statusCode"].number == 200)
      #expect(site.hasFile(site.archive()))
    }

    @Test("A refusal is answered inside a 200")
    func refusal() async throws {
      // Any other status would give the caller an empty 500.
      let service = try await Site().serve()
      let answer = try await service.invoke(
        "backup_manual", try Envelopes.http("GET", url, query: ["table": "events.clicks", "date": "2024-02-30"]))
      #expect(answer.status == 200)
      let res = try answer.json["Outputs"]["res"]
      #expect(res["statusCode"].number == 400)
      #expect(res["headers"]["Content-Type"].text == "application/problem+json")
      #expect(try JSONValue(res["body"].text ?? "")["code"].text == "bad_field")
    }

    @Test("The timer archives yesterday and the missing days")
    func timer() async throws {
      let site = try await Site()
      try await site.makeClicks(0)
      try await site.sql(
        "INSERT INTO events.clicks SELECT n, date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - n * interval '1 day'"
          + " FROM generate_series(1, 3) n")
      let service = try await site.serve(["BACKUP_LOOKBACK_DAYS": "3"])
      let answer = try await service.invoke("nightly_backup", Envelopes.timer("nightly_backup"))
      #expect(answer.status == 200)
      #expect(answer.headers["content-type"] == "application/json")
      // An empty answer, or none that is an object, would hang the invocation to its end.
      guard case .object(let members) = try answer.json else {
        Issue.record("not an object: \(answer.text)")
        return
      }
      #expect(!members.isEmpty)
      let logs = members["Logs"]?.items.compactMap(\.text) ?? []
      #expect(logs.contains { $0.contains("nightly backup done") })
      let archives = site.files.filter { $0.hasSuffix(".csv.gz") }
      #expect(archives.count == 3)
      for archive in archives { #expect(try await site.rows(inArchive: site.lake.file(archive)) == 1) }
    }

    @Test("The failure of one table fails the timer, and the others are archived")
    func oneFails() async throws {
      let site = try await Site()
      try await site.makeClicks(0)
      try await site.addRowsAroundToday()
      let service = try await site.serve([
        "BACKUP_TABLES": "events.absent:at,events.clicks:at", "BACKUP_LOOKBACK_DAYS": "1",
      ])
      let answer = try await service.invoke("nightly_backup", Envelopes.timer("nightly_backup"))
      #expect(answer.status == 500)
      #expect(answer.code == "nightly_failed")
      let detail = try #require(try answer.json["detail"].text)
      #expect(
        detail.hasPrefix("1 of 2 table-days failed or are unconfirmed: events.absent ")
          && detail.hasSuffix(": table_not_found"))
      let archives = site.files.filter { $0.hasSuffix(".csv.gz") }
      #expect(archives.count == 1)
      #expect(archives.first?.contains("events.clicks") == true)
    }

    @Test("The nightly run stops before the host would kill it")
    func deadline() async throws {
      let site = try await Site()
      try await site.makeClicks(0)
      let service = try await site.serve(["AzureFunctionsJobHost__functionTimeout": "00:00:00"])
      let answer = try await service.invoke("nightly_backup", Envelopes.timer("nightly_backup"))
      #expect(answer.status == 200)
      #expect(site.files.allSatisfy { !$0.hasSuffix(".csv.gz") })
      #expect(service.log.contains { $0.contains("before the function's time limit") && $0.contains("days=7") })
    }

    @Test("A timer without tables fails with an error that names BACKUP_TABLES")
    func noTables() async throws {
      let service = try await Site().serve(["BACKUP_TABLES": ""])
      let answer = try await service.invoke("nightly_backup", Envelopes.timer("nightly_backup"))
      #expect(answer.status == 400)
      #expect(answer.code == "not_configured")
      #expect(try answer.json["field"].text == "BACKUP_TABLES")
    }

    @Test("Messages of both queues run their jobs")
    func queues() async throws {
      let site = try await Site()
      try await site.makeClicks(25)
      let before = try await site.hash()
      let service = try await site.serve()
      let message = #"{"table": "events.clicks", "date": "2024-01-01"}"#
      let backup = try await service.invoke("backup_worker", try Envelopes.queue("backup_worker", message))
      #expect(backup.status == 200)
      #expect(try backup.json["Logs"].items.compactMap(\.text).contains { $0.contains("backup ok") })
      #expect(try await site.rows(inArchive: site.archive()) == 25)
      try await site.sql("TRUNCATE events.clicks")
      let restore = try await service.invoke("restore_worker", try Envelopes.queue("restore_worker", message))
      #expect(restore.status == 200)
      #expect(try restore.json["Logs"].items.compactMap(\.text).contains { $0.contains("restore ok") })
      #expect(try await site.hash() == before)
    }

    @Test(
      "A message that can never succeed goes to the poison queue at once, with one line of level error",
      arguments: [
        ("not JSON", "bad_json"), ("[1]", "bad_json"),
        (#"{"table": "events.clicks", "date": "2024-02-30"}"#, "bad_field"),
        (#"{"table": "events.clicks", "date": "2024-01-01", "frobnicate": 1}"#, "unknown_field"),
        (#"{"table": "events.absent:at", "date": "2024-01-01"}"#, "table_not_found"),
        (#"{"tables": ["events.clicks", "events.absent:at"], "date": "2024-01-01"}"#, "table_not_found"),
      ])
    func badMessage(_ message: String, _ code: String) async throws {
      let site = try await Site()
      try await site.makeClicks(1)
      let service = try await site.serve()
      let answer = try await service.invoke("backup_worker", try Envelopes.queue("backup_worker", message))
      #expect(answer.status == 200)
      let poison = try #require(try answer.json["Outputs"]["poison"].items.first?.text)
      #expect(message.hasPrefix("{") ? poison.contains(#""key":"#) && poison.contains(#""table"#) : poison == message)
      let errors = service.log.filter { $0.contains("Z error ") }
      #expect(errors.count == 1)
      #expect(errors.first?.contains("code=\(code)") == true, "\(errors)")
      #expect(try await service.get("/api/health").status == 200)
    }

    @Test("A job that is answered at once is put on the queue, and the worker's operation goes on to its end")
    func queuedJob() async throws {
      let site = try await Site()
      try await site.makeClicks(25)
      let service = try await site.serve()
      let body = #"{"table": "events.clicks", "date": "2024-01-01"}"#
      let answer = try await service.invoke(
        "backup_async", try Envelopes.http("POST", "https://app.example/api/backup_async", body: body))
      let res = try answer.json["Outputs"]["res"]
      #expect(res["statusCode"].number == 202, "\(answer.text)")
      let location = try #require(res["headers"]["Location"].text)
      #expect(try await service.get(location).json["state"].text == "queued")
      #expect(!site.hasFile(site.archive()))
      let message = try #require(try answer.json["Outputs"]["job"].items.first?.text)
      let worked = try await service.invoke("backup_worker", try Envelopes.queue("backup_worker", message))
      #expect(worked.status == 200)
      let done = try await service.get(location).json
      #expect(done["state"].text == "succeeded")
      #expect(done["result"]["results"][0]["rows"].number == 25)
      // The host delivers a message again when it has not seen the answer.
      let again = try await service.invoke("backup_worker", try Envelopes.queue("backup_worker", message))
      #expect(again.status == 200)
      #expect(try await service.get(location).json == done)
    }

    @Test("A worker that is killed leaves an operation that the message's next delivery takes up")
    func killedWorker() async throws {
      let site = try await Site()
      try await site.makeClicks(25)
      let first = try await site.serve()
      let answer = try await first.invoke(
        "backup_async",
        try Envelopes.http(
          "POST", "https://app.example/api/backup_async", body: #"{"table": "events.clicks", "date": "2024-01-01"}"#))
      let location = try #require(try answer.json["Outputs"]["res"]["headers"]["Location"].text)
      let message = try Envelopes.queue(
        "backup_worker", try #require(try answer.json["Outputs"]["job"].items.first?.text))
      try await site.whileLocked {
        Task { try? await first.invoke("backup_worker", message) }
        try await site.waitUntilBlocked()
        #expect(try await first.get(location).json["state"].text == "running")
        first.process.kill(SIGKILL)
        await first.process.end()
      }
      try site.silence(location)
      let second = try await site.serve()
      #expect(try await second.invoke("backup_worker", message).status == 200)
      #expect(try await second.get(location).json["state"].text == "succeeded")
    }

    @Test(
      "A body that is not an envelope is refused",
      arguments: ["", "{", "[]", "{}", #"{"Data": {}}"#, #"{"Data": {"message": null}}"#])
    func noEnvelope(_ body: String) async throws {
      let service = try await Site().serve()
      let answer = try await service.invoke("backup_worker", body)
      #expect(answer.status == 400)
      #expect(answer.code == "bad_envelope")
      #expect(try await service.get("/api/health").status == 200)
    }
  }
}
