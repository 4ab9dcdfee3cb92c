import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// What happens around a job: a server, a lake, a client or another job in its way.
  @Suite("Trouble with the server, the lake and the client")
  struct Trouble {
    private let backup = "/api/backup_manual?table=events.clicks&date=2024-01-01"
    private let day = #"{"table": "events.clicks", "date": "2024-01-01"}"#

    @Test("A server that stops during COPY leaves nothing in the lake")
    func serverStops() async throws {
      let server = try await PostgresServer()
      let site = try await Site(server: server)
      try await site.makeClicks(150_000)
      let service = try await site.serve()
      async let answer = service.get(backup)
      try await site.waitForTemporary(bytes: 1)
      await server.stopAndWait()
      #expect(try await answer.status == 503)
      #expect(try await answer.code == "database_unavailable")
      #expect(site.files.isEmpty)
      #expect(try await service.get("/api/health").status == 200)
    }

    @Test("A broken connection is replaced by the next job")
    func brokenConnection() async throws {
      let site = try await Site()
      try await site.makeClicks(150_000)
      let service = try await site.serve()
      async let answer = service.get(backup)
      try await site.waitForTemporary(bytes: 1)
      try await site.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(site.database)' AND query LIKE 'COPY%'"
      )
      #expect(try await answer.status == 503)
      #expect(site.files.isEmpty)
      #expect(try await service.get(backup).status == 200)
      #expect(try await site.rows(inArchive: site.archive()) == 150_000)
    }

    @Test(
      "The messages of a trigger are in no answer, no log and no output of a command",
      arguments: ["direct", "staging"])
    func triggerWords(mode: String) async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve()
      #expect(try await service.get(backup).status == 200)
      try await site.sql(
        """
        TRUNCATE events.clicks;
        CREATE FUNCTION events.talk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          RAISE WARNING 'private %', NEW.id;
          IF NEW.id = 7 THEN RAISE EXCEPTION 'private %', NEW.id USING ERRCODE = '42501', DETAIL = 'private'; END IF;
          RETURN NEW;
        END $$;
        CREATE TRIGGER talk BEFORE INSERT ON events.clicks FOR EACH ROW EXECUTE FUNCTION events.talk();
        """)
      let request = #"{"table": "events.clicks", "date": "2024-01-01", "destination": {"mode": "\#(mode)"}}"#
      let answer = try await service.post("/api/restore", request)
      #expect(answer.status == 500)
      #expect(answer.code == "database_error")
      #expect(answer.text.contains("42501"))
      let command = try site.start([
        "restore", "--table", "events.clicks", "--date", "2024-01-01", "--mode", mode, "--verbose",
      ])
      #expect(await command.end() == .exited(1))
      for text in [answer.text, service.process.output, service.process.errors, command.output, command.errors] {
        #expect(!text.contains("private"), "\(text)")
      }
      #expect(try await site.sql("SELECT count(*) FROM events.clicks") == "0")
    }

    @Test("A lake that cannot be written fails the backup and stays as it is")
    func readOnly() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      // Root may write anywhere unless this right is taken from it.
      let isRoot = getuid() == 0
      let service = try await site.serveAlone(
        wrapper: isRoot ? ["/usr/bin/setpriv", "--bounding-set", "-dac_override"] : [])
      try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: site.lake.path)
      let answer = try await service.get(backup)
      #expect(answer.status == 403)
      #expect(answer.code == "lake_permission_denied")
      let later = try await service.call("GET", backup, headers: [("Prefer", "respond-async")])
      #expect(later.status == 403)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: site.lake.path)
      #expect(site.files.isEmpty)
      #expect(try await service.get(backup).status == 200)
    }

    @Test("A full lake fails the backup, and no part of a file is left in it")
    func full() async throws {
      let site = try await Site()
      try await site.makeClicks(100_000)
      try await site.makeClicks(10, days: ["2024-01-02"])
      // The system's limit on a file's size stands for a full disk.
      let service = try await site.serve(wrapper: ["/usr/bin/prlimit", "--fsize=200000"])
      let answer = try await service.get(backup)
      #expect(answer.status == 507)
      #expect(answer.code == "lake_full")
      #expect(site.files.isEmpty)
      #expect(try await service.get("/api/backup_manual?table=events.clicks&date=2024-01-02").status == 200)
    }

    @Test("A client that disconnects during its body starts no job")
    func clientLeaves() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve()
      do {
        let socket = try HTTPSocket(port: service.port)
        let bytes = HTTPCall("POST", "/api/backup_manual", body: day).bytes
        await socket.send(bytes.prefix(bytes.count - 10))
      }
      #expect(try await service.get("/api/health").status == 200)
      #expect(try await service.get(backup).status == 200)
      #expect(service.log.filter { $0.contains("function=backup_manual") && $0.contains("answered") }.count == 1)
    }

    @Test("A job goes on to its end when its client disconnects")
    func jobGoesOn() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve()
      try await site.whileLocked {
        let socket = try HTTPSocket(port: service.port)
        await socket.send(HTTPCall("GET", backup).bytes)
        try await site.waitUntilBlocked()
      }
      try await eventually { service.log.contains { $0.contains("backup ok") } }
      #expect(try await site.rows(inArchive: site.archive()) == 10)
      #expect(try await service.get("/api/health").status == 200)
    }

    @Test("Of two restores of one file at once, one is refused")
    func twoRestores() async throws {
      let site = try await Site()
      try await site.makeClicks(1000)
      let before = try await site.hash()
      let service = try await site.serve()
      #expect(try await service.get(backup).status == 200)
      try await site.sql("TRUNCATE events.clicks")
      let first = try await site.whileLoadsStop(at: 500) {
        let first = Task { try await service.post("/api/restore", day) }
        try await site.waitUntilBlocked()
        let second = try await service.post("/api/restore", day)
        #expect(second.status == 409)
        #expect(second.code == "already_running")
        return first
      }
      #expect(try await first.value.status == 200)
      #expect(try await site.hash() == before)
    }

    @Test("Of two backups of one table-day at once, one is refused")
    func twoBackups() async throws {
      let site = try await Site()
      try await site.makeClicks(10)
      let service = try await site.serve()
      let first = try await site.whileLocked {
        let first = Task { try await service.get(backup) }
        try await site.waitUntilBlocked()
        let second = try await service.get(backup)
        #expect(second.status == 409)
        #expect(second.code == "already_running")
        return first
      }
      #expect(try await first.value.status == 200)
      #expect(try await site.rows(inArchive: site.archive()) == 10)
    }
  }
}
