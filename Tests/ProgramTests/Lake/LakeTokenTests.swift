import Foundation
import LakeEmulator
import TestSupport
import Testing

extension ProgramTests {
  /// Tokens that end before the work does, and endpoints that give none.
  @Suite("Tokens of the lake")
  struct LakeTokens {
    @Test("A token that expires during a backup is renewed, and COPY is not restarted")
    func renewed() async throws {
      try await LakeSite.with(["--token-lifetime", "4"]) { lake in
        try await lake.makeRows(40_000)
        let service = try await lake.serve(["LAKE_APPENDS_IN_FLIGHT": "1"])
        // 1.8 MB at 150 kB a second.
        try await lake.setFaults(
          #"[{"fault": "slow", "operation": "append", "bytes_per_second": 150000, "always": true}]"#)
        let call = Task { try await lake.backUp(service) }
        var sessions: Set<String> = []
        try await eventually {
          let copies = try await lake.site.sql(
            "SELECT pid, backend_start FROM pg_stat_activity WHERE datname = '\(lake.site.database)' AND query LIKE 'COPY%'"
          )
          sessions.formUnion(copies.split(separator: "\n").map(String.init))
          return try await lake.journal().operations[.rename, default: 0] > 0
        }
        let answer = try await call.value
        #expect(answer.status == 200)
        #expect(sessions.count == 1)
        let journal = try await lake.journal()
        #expect(journal.tokenRequests >= 2)
        try await lake.setFaults()
        #expect(try await lake.restore(service).status == 200)
        #expect(try await lake.hasComeBack())
      }
    }

    @Test("Many callers at once cause one token request")
    func oneRequest() async throws {
      try await LakeSite.with { lake in
        let service = try await lake.serve()
        try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
          for _ in 0..<200 { group.addTask { try await service.get("/api/archives") } }
          for try await answer in group { #expect(answer.status == 200, "\(answer.text)") }
        }
        let journal = try await lake.journal()
        #expect(journal.operations[.list, default: 0] >= 200)
        #expect(journal.tokenRequests == 1)
      }
    }

    @Test(
      "Readiness reports a token that is refused",
      arguments: [("forbidden", "sign_in_refused", 1), ("imds_throttled", "no_answer", 2)])
    func readiness(_ fault: String, _ code: String, _ tries: Int) async throws {
      try await LakeSite.with { lake in
        let service = try await lake.serve()
        let ready = try await service.get("/api/health?ready=1")
        #expect(ready.status == 200)
        #expect(try ready.json["checks"]["token"]["status"].text == "ok")

        let other = try await lake.serve()
        try await lake.setFaults(#"[{"fault": "\#(fault)", "operation": "token", "always": true, "seconds": 5}]"#)
        let answer = try await other.get("/api/health?ready=1")
        #expect(answer.status == 503)
        #expect(try answer.json["checks"]["token"]["status"].text == "failed")
        #expect(try answer.json["checks"]["token"]["code"].text == code)
        #expect(try answer.json["checks"]["lake"]["status"].text == "failed")
        #expect(try answer.json["checks"]["postgres"]["status"].text == "ok")
        // A check that had no answer is made again by the next probe.
        try await eventually {
          _ = try await other.get("/api/health?ready=1")
          return try await lake.journal().tokenRequests >= tries
        }
        // Liveness asks nobody.
        #expect(try await other.get("/api/health").status == 200)
      }
    }
  }
}
