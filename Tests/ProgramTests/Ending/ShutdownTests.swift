import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// SIGTERM, SIGINT and SIGHUP: an end in order.
  @Suite("Shutdown by a signal")
  struct Shutdown {
    private let backup = "/api/backup_manual?table=events.clicks&date=2024-01-01"
    private let day = #"{"table": "events.clicks", "date": "2024-01-01"}"#

    @Test("An idle service ends with exit code 0", arguments: [SIGTERM, SIGINT, SIGHUP])
    func idle(_ signal: Int32) async throws {
      let service = try await Site().serve()
      service.process.kill(signal)
      #expect(await service.process.end() == .exited(0))
      #expect(service.process.errors.isEmpty)
    }

    @Test("A running job is finished and answered before the end", arguments: [SIGTERM, SIGINT])
    func answered(_ signal: Int32) async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve()
      let call = try await site.whileLocked {
        let call = Task { try await service.get(backup) }
        try await site.waitUntilBlocked()
        service.process.kill(signal)
        // It takes nothing new from now on.
        try await eventually { (try? HTTPSocket(port: service.port)) == nil }
        #expect(service.process.isRunning)
        return call
      }
      #expect(try await call.value.status == 200)
      #expect(await service.process.end() == .exited(0))
      #expect(try await site.rows(inArchive: site.archive()) == 10)
      #expect(site.temporaries.isEmpty)
    }

    @Test("A backup that outlasts the grace period is cancelled and removes its temporary file", arguments: ["0", "1"])
    func backupCancelled(_ grace: String) async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve(["SLUICE_SHUTDOWN_GRACE": grace])
      try await site.whileReadsStop {
        let call = Task { try await service.get(backup) }
        try await site.waitUntilBlocked()
        #expect(site.temporaries.count == 1)
        let end = await service.stop()
        #expect(end == .exited(0))
        let answer = try await call.value
        #expect(answer.status == 503)
        #expect(answer.code == "cancelled")
        #expect(site.files.isEmpty)
        // The server was told as well: nobody waits for the lock any more.
        try await eventually {
          try await site.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '\(site.database)' AND wait_event_type = 'Lock'")
            == "0"
        }
      }
    }

    @Test("A restore that outlasts the grace period is rolled back")
    func restoreCancelled() async throws {
      let site = try await Site()
      try await site.makeClicks(2000)
      let service = try await site.serve(["SLUICE_SHUTDOWN_GRACE": "0"])
      #expect(try await service.get(backup).status == 200)
      try await site.sql("TRUNCATE events.clicks")
      try await site.whileLoadsStop(at: 1500) {
        let call = Task { try await service.post("/api/restore", day) }
        try await site.waitUntilBlocked()
        #expect(await service.stop() == .exited(0))
        #expect(try await call.value.code == "cancelled")
      }
      #expect(try await site.count() == 0)
    }

    @Test("A timer's run that outlasts the grace period fails its invocation")
    func timer() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve(["SLUICE_SHUTDOWN_GRACE": "0"])
      try await site.whileLocked {
        let call = Task { try await service.invoke("nightly_backup", Envelopes.timer("nightly_backup")) }
        try await site.waitUntilBlocked()
        #expect(await service.stop() == .exited(0))
        #expect(try await call.value.status == 503)
        // Nothing but the operation of the run, which somebody may resume.
        #expect(site.files.count == 1)
        let operation = try #require(site.files.first { $0.hasPrefix("_sluice/operations/") })
        let document = try JSONValue(String(contentsOfFile: site.lake.file(operation), encoding: .utf8))
        #expect(document["state"].text == "lost")
        #expect(document["kind"].text == "nightly_backup")
      }
    }

    @Test(
      "A second signal ends the service at once, with a failure",
      arguments: [(SIGTERM, SIGTERM), (SIGTERM, SIGINT), (SIGINT, SIGINT)])
    func secondSignal(_ first: Int32, _ second: Int32) async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve(["SLUICE_SHUTDOWN_GRACE": "3600"])
      try await site.whileLocked {
        let call = Task { try? await service.get(backup) }
        try await site.waitUntilBlocked()
        service.process.kill(first)
        try await eventually { service.log.contains { $0.contains("stopping") } }
        service.process.kill(second)
        #expect(await service.process.end() == .exited(1))
        _ = await call.value
      }
      #expect(!site.hasFile(site.archive()))
    }

    @Test("A running operation is carried to its end")
    func operation() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serveAlone()
      try await site.whileLocked {
        let begun = try await service.call("GET", backup, headers: [("Prefer", "respond-async")])
        #expect(begun.status == 202)
        try await site.waitUntilBlocked()
        service.process.kill(SIGTERM)
        try await eventually { service.log.contains { $0.contains("stopping") } }
      }
      #expect(await service.process.end() == .exited(0))
      #expect(try await site.rows(inArchive: site.archive()) == 10)
    }
  }
}
