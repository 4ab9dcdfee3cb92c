import Essentials
import Foundation
import LakeEmulator
import TestSupport
import Testing

extension ProgramTests {
  /// Where a request's `adls_url` may lead: a token goes to whoever is asked.
  @Suite("The hosts of the lake")
  struct LakeHosts {
    /// Paths of `archive` with the configured lake at port `port`, and a stranger who would love a token at `other`.
    private static func strange(_ port: Int, _ other: Int, _ archive: String) -> [String] {
      let hosts = [
        "http://127.0.0.1:\(other)", "http://LOCALHOST:\(other)", "http://localhost.:\(port)", "http://127.0.0.1:80",
        "http://127.0.0.1", "http://user@127.0.0.1:\(port)", "http://user:word@127.0.0.1:\(port)",
        "http://127.0.0.1:\(port)@127.0.0.1:\(other)", "http://%31%32%37.0.0.1:\(port)", "http://127%2e0.0.1:\(port)",
        "http://0x7f000001:\(port)", "http://2130706433:\(port)", "http://127.1:\(port)", "http://127.0.0.1.:\(other)",
        "http://0177.0.0.1:\(port)", "http://127.0.0.01:\(port)", "http://[::ffff:127.0.0.1]:\(port)",
        "http://[::1]:\(port)", "http://0.0.0.0:\(port)", "http://169.254.169.254", "http://127.0.0.1:0\(port)x",
        "http://127.0.0.1:-1", "http://account.dfs.core.windows.net", "https://account.dfs.core.windows.net",
        "https://127.0.0.1.example.com:\(port)", "https://127.0.0.1:\(other)",
        "abfss://lake@account.dfs.core.windows.net",
        "abfss://lake@127.0.0.1:\(other)", "https://sluicetest.dfs.core.windows.net", "http://127.0.0.1:\(port)\\@x",
        "ftp://127.0.0.1:\(port)", "//127.0.0.1:\(port)", "http:127.0.0.1:\(port)",
      ]
      return hosts.map { "\($0)/sluicetest/lake/archive/\(archive)" } + ["file:///etc/\(archive)"]
    }

    private static func request(_ url: String) throws -> String {
      #"{"adls_url": \#(try JSONValue.quoted(url)), "destination": {"target_table": "events.back"}}"#
    }

    @Test("A host that is not allowed is refused before a token is requested")
    func refused() async throws {
      let stranger = try Emulator(EmulatorOptions())
      defer { stranger.stop() }
      try await LakeSite.with { lake in
        try await lake.makeRows(1)
        let service = try await lake.serve()
        for url in Self.strange(lake.emulator.facts.port, stranger.port, lake.archive()) {
          let answer = try await service.post("/api/restore", Self.request(url))
          let code = answer.code ?? ""
          #expect(["host_not_allowed", "bad_field", "outside_lake"].contains(code), "\(url): \(answer.text)")
          #expect([400, 403].contains(answer.status), "\(url)")
          #expect(try answer.json["field"].text == "adls_url", "\(url)")
        }
        let journal = try await lake.journal()
        #expect(journal.tokenRequests == 0)
        #expect(journal.operations == [:])
        #expect(stranger.journal().connections == 0)
      }
    }

    @Test("Other spellings of the lake's own host mean the same lake")
    func spellings() async throws {
      try await LakeSite.with { lake in
        try await lake.makeRows(10)
        let service = try await lake.serve()
        #expect(try await lake.backUp(service).status == 200)
        for host in ["127.0.0.1", "127.0.0.1."] {
          try await lake.site.sql("TRUNCATE events.back")
          let url = "http://\(host):\(lake.emulator.facts.port)/sluicetest/lake/archive/\(lake.archive())"
          let answer = try await service.post("/api/restore", Self.request(url))
          #expect(answer.status == 200, "\(url): \(answer.text)")
          #expect(try await lake.hasComeBack(), "\(url)")
        }
      }
    }

    @Test("An allowed host is read with a token, never with the key of another account")
    func allowed() async throws {
      try await LakeSite.with { other in
        try await other.makeRows(10)
        #expect(try await other.backUp(other.serve()).status == 200)
        let port = other.emulator.facts.port
        let url = "\(other.emulator.facts.origin)/sluicetest/lake/archive/\(other.archive())"
        // The other account is of the same tenant: its own endpoint gives the tokens here.
        try await LakeSite.with([]) { facts in
          [
            "LAKE_ALLOWED_HOSTS": "127.0.0.1:\(port)", "LAKE_AUTH": "connection_string",
            "AZURE_STORAGE_CONNECTION_STRING":
              "AccountName=sluicetest;AccountKey=\(facts.key);DfsEndpoint=\(facts.origin)/sluicetest",
          ].merging(other.emulator.identityEnvironment) { $1 }
        } _: { lake in
          try await lake.makeRows(10)
          try await other.setFaults()
          let service = try await lake.serve()
          let answer = try await service.post("/api/restore", Self.request(url))
          #expect(answer.status == 200, "\(answer.text)")
          // The path tells the database.
          #expect(try await other.hasComeBack())
          #expect(try await other.journal().authorization == ["bearer"])
          // But for the audit chain the own account is left alone.
          #expect(try await lake.files() == [])
        }
      }
    }
  }
}
