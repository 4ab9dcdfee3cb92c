import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// `BACKUP_FANOUT=queue`: the table-days of a night as messages that any instance takes.
  @Suite("Fan-out")
  struct FanOut {
    @Test(
      "A night in one message a table-day is done once by two instances, with messages that are delivered twice and a worker that is killed"
    )
    func night() async throws {
      let site = try await Site()
      try await site.makeClicks(0)
      try await site.makeClicks(0, table: "events.pages")
      for table in ["events.clicks", "events.pages"] {
        try await site.sql(
          "INSERT INTO \(table) SELECT n, date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' - n * interval '1 day'"
            + " FROM generate_series(1, 6) n")
      }
      let settings = [
        "BACKUP_TABLES": "events.clicks:at,events.pages:at", "BACKUP_LOOKBACK_DAYS": "6", "BACKUP_FANOUT": "queue",
      ]
      let (first, second) = (try await site.serve(settings), try await site.serve(settings))
      let night = try await first.invoke("nightly_backup", Envelopes.timer("nightly_backup"))
      #expect(night.status == 200)
      let messages = try night.json["Outputs"]["job"].items.compactMap(\.text)
      #expect(messages.count == 12)
      let location = "/api/operations/\(try JSONValue(messages[0])["operation"].text ?? "")"
      #expect(try await second.get(location).json["state"].text == "queued")
      #expect(site.files.allSatisfy { !$0.hasSuffix(".csv.gz") })

      // One is killed in the middle of a table-day; its message comes again.
      let doomed = try await site.serve(settings)
      try await site.whileLocked {
        let clicks = try #require(messages.first { $0.contains("events.clicks") })
        Task { try? await doomed.invoke("backup_worker", try Envelopes.queue("backup_worker", clicks)) }
        try await site.waitUntilBlocked()
        doomed.process.kill(SIGKILL)
        await doomed.process.end()
      }
      let copies = messages + messages.enumerated().filter { $0.offset % 3 == 0 }.map(\.element)
      try await withThrowingTaskGroup { group in
        for (index, service) in [first, second, first, second].enumerated() {
          group.addTask {
            for (number, message) in copies.enumerated() where number % 4 == index {
              let answer = try await service.invoke("backup_worker", try Envelopes.queue("backup_worker", message))
              #expect(answer.status == 200, "\(answer.text)")
            }
          }
        }
        try await group.waitForAll()
      }
      let done = try await first.get(location).json
      #expect(done["state"].text == "succeeded")
      #expect(done["finished"].items.count == 12)
      #expect(done["result"]["results"].items.count == 12)
      #expect(site.files.count { $0.hasSuffix(".csv.gz") } == 12)
      let made = (first.log + second.log).filter { $0.contains("backup ok") }
      #expect(made.count == 12)
      #expect(!site.files.contains { $0.contains("_sluice/operations/") && !$0.hasSuffix(".json") })
    }

    @Test("A large request that is answered at once becomes one message a table-day; a single day stays one message")
    func request() async throws {
      let site = try await Site()
      try await site.makeClicks(3, days: ["2024-01-01", "2024-01-02"])
      let service = try await site.serve(["BACKUP_FANOUT": "queue"])
      func begin(_ body: String) async throws -> [String] {
        let answer = try await service.invoke(
          "backup_async", try Envelopes.http("POST", "https://app.example/api/backup_async", body: body))
        #expect(try answer.json["Outputs"]["res"]["statusCode"].number == 202)
        return try answer.json["Outputs"]["job"].items.compactMap(\.text)
      }
      let several = try await begin(
        #"{"table": "events.clicks", "from": "2024-01-01", "to": "2024-01-02", "compression_level": 6}"#)
      #expect(several.count == 2)
      for message in several {
        let json = try JSONValue(message)
        #expect(json["compression_level"].number == 6)
        #expect(try await service.invoke("backup_worker", try Envelopes.queue("backup_worker", message)).status == 200)
      }
      let operation = try JSONValue(several[0])["operation"].text ?? ""
      #expect(try await service.get("/api/operations/\(operation)").json["state"].text == "succeeded")
      let one = try await begin(#"{"table": "events.clicks", "date": "2024-01-01"}"#)
      #expect(try one.map { try JSONValue($0)["unit"].number } == [nil])
    }

    @Test(
      "An event of the storage account restores the archive that it tells of, where RESTORE_ON_ARRIVAL names its table")
    func arrival() async throws {
      let site = try await Site()
      try await site.makeClicks(5)
      let service = try await site.serve(["RESTORE_ON_ARRIVAL": "*/events.other"])
      #expect(try await service.get("/api/backup_manual?table=events.clicks&date=2024-01-01").status == 200)
      try await site.sql("TRUNCATE events.clicks")
      let path = try #require(site.files.first { $0.hasSuffix(".csv.gz") })
      let event =
        #"{"specversion":"1.0","id":"e1","type":"Microsoft.Storage.BlobRenamed","source":"/x","data":{"destinationUrl":"file://"#
        + "\(site.lake.path)/\(path)\"}}"
      let message = try Envelopes.queue("restore_worker", event)
      #expect(try await service.invoke("restore_worker", message).status == 200)
      #expect(try await site.count() == 0)
      await service.stop()
      let other = try await site.serve(["RESTORE_ON_ARRIVAL": "*/events.*"])
      for _ in 0..<2 { #expect(try await other.invoke("restore_worker", message).status == 200) }
      #expect(try await site.count() == 5)
    }
  }
}
