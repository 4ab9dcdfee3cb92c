import Foundation
import LakeEmulator
import TestSupport
import Testing

extension ProgramTests {
  /// The program ends within its grace and 5 s, whatever hangs, and tells what it left undone.
  @Suite("Jobs that hang at the end")
  struct BoundedEnd {
    private let backup = "/api/backup_manual?table=events.clicks&date=2024-01-01"
    private let async = [(name: "Prefer", value: "respond-async")]

    /// Lets `body` run while the server process of the job in `site` stands still: it reacts to no cancellation.
    private func whileSessionHangs<Value: Sendable>(
      _ site: Site, _ body: () async throws -> Value
    ) async throws -> Value {
      let pid = try await site.sql(
        "SELECT pid FROM pg_stat_activity WHERE datname = '\(site.database)' AND wait_event_type = 'Lock'")
      try await runChecked("/bin/kill", ["-STOP", pid])
      let result: Result<Value, any Error>
      do {
        result = .success(try await body())
      } catch {
        result = .failure(error)
      }
      try await runChecked("/bin/kill", ["-CONT", pid])
      return try result.get()
    }

    @Test("A job that hangs does not stop the service from ending: its caller is answered and what is left is named")
    func service() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve(["SLUICE_SHUTDOWN_GRACE": "0"])
      try await site.whileReadsStop {
        let call = Task { try await service.get(backup) }
        try await site.waitUntilBlocked()
        try await whileSessionHangs(site) {
          #expect(await service.stop() == .exited(1))
        }
        let answer = try await call.value
        #expect(answer.status == 503)
        #expect(answer.code == "interrupted")
      }
      let left = service.log.filter { $0.contains("left undone") }
      #expect(left.contains { $0.contains("backup events.clicks 2024-01-01") }, "\(left)")
      let temporary = try #require(site.temporaries.first)
      #expect(left.contains { $0.contains(temporary) }, "\(left)")
    }

    @Test("An operation that hangs does not stop the service from ending, and is recorded as lost")
    func operation() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serveAlone(["SLUICE_SHUTDOWN_GRACE": "0"])
      let location = try await site.whileLocked {
        let begun = try await service.call("GET", backup, headers: async)
        try await site.waitUntilBlocked()
        try await whileSessionHangs(site) {
          #expect(await service.stop() == .exited(1))
        }
        return try #require(begun.headers["location"])
      }
      #expect(try await site.serveAlone().get(location).json["state"].text == "lost")
    }

    @Test("A command that hangs ends after Ctrl-C, and names what it left", arguments: [SIGINT, SIGTERM])
    func command(_ signal: Int32) async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      try await site.whileReadsStop {
        let process = try site.start(["backup", "--table", "events.clicks", "--date", "2024-01-01"])
        try await site.waitUntilBlocked()
        try await whileSessionHangs(site) {
          process.kill(signal)
          #expect(await process.end() == .exited(1))
        }
        let temporary = try #require(site.temporaries.first)
        #expect(process.errors.contains("left undone: the temporary file \(temporary)"), "\(process.errors)")
      }
    }

    @Test("A lake that hangs does not stop the service from ending")
    func lake() async throws {
      try await LakeSite.with { lake in
        try await lake.makeRows(1000)
        let service = try await lake.serve([
          "SLUICE_SHUTDOWN_GRACE": "0", "LAKE_STALL_SECONDS": "60", "LAKE_RETRY_SECONDS": "600",
        ])
        try await lake.setFaults(
          """
          [{"fault": "stall", "operation": "append", "always": true}, {"fault": "stall", "operation": "delete", "always": true}]
          """)
        let call = Task { try? await lake.backUp(service) }
        try await eventually { try await lake.journal().operations[.append] != nil }
        service.service.process.kill(SIGTERM)
        let end = await service.service.process.end()
        #expect(end == .exited(1) || end == .exited(0), "\(end)")
        if end == .exited(1) {
          #expect(service.service.log.contains { $0.contains("left undone") && $0.contains("_sluice/tmp/") })
        }
        _ = await call.value
      }
    }

    @Test("A standby that is lost at the flush after the commit does not stop the service from ending")
    func standby() async throws {
      let server = try await PostgresServer(settings: ["synchronous_standby_names=gone", "synchronous_commit=local"])
      let site = try await Site(server: server)
      try await site.makeClicks(10)
      // From now on each commit of the database waits for a standby that does not exist.
      try await site.sql("ALTER DATABASE \(site.database) SET synchronous_commit = 'on'")
      let service = try await site.serve(["SLUICE_SHUTDOWN_GRACE": "0"])
      let copy = #"{"table": "events.clicks", "date": "2024-01-01"}"#
      #expect(try await service.get(backup).status == 200)
      try await server.psql(site.database, "SET synchronous_commit = local; TRUNCATE events.clicks")
      let call = Task { try? await service.post("/api/restore", copy) }
      try await eventually {
        try await server.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") != "0"
      }
      let end = await service.stop()
      #expect(end == .exited(1) || end == .exited(0), "\(end)")
      _ = await call.value
      server.stop()
    }
  }
}
