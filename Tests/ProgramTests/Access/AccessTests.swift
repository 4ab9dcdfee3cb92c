import Essentials
import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Beyond loopback, where no Functions host checks keys.
  @Suite("Access to the service")
  struct Access {
    private static let key = "kEy-8c1f0b2e"

    private func open(_ site: Site) async throws -> Service {
      let port = try PostgresServer.freePort()
      let process = try site.start(["serve", "--host", "0.0.0.0", "--port", "\(port)"], ["SLUICE_KEY": Self.key])
      let service = Service(process: process, port: port, site: site)
      try await service.waitUntilReady()
      return service
    }

    @Test(
      "The service does not start on an address beyond loopback without an access key", arguments: ["0.0.0.0", "::"])
    func noKey(_ host: String) async throws {
      let result = try await Site().sluice(["serve", "--host", host, "--port", "0"])
      #expect(result.status == 2)
      #expect(result.errors.contains("SLUICE_KEY"))
      #expect(result.errors.contains(host))
      #expect(result.output.isEmpty)
    }

    @Test("A Functions host in front does not lift the need of a key beyond loopback")
    func hostBeyondLoopback() async throws {
      let result = try await Site().sluice(
        ["serve", "--host", "0.0.0.0"], ["FUNCTIONS_CUSTOMHANDLER_PORT": "\(PostgresServer.freePort())"])
      #expect(result.status == 2)
      #expect(result.errors.contains("SLUICE_KEY"))
    }

    @Test("Only the right key is let in")
    func key() async throws {
      let service = try await open(try await Site())
      let header = "x-functions-key"
      #expect(try await service.get("/api/archives").status == 401)
      for wrong in ["", "wrong", Self.key + "x", String(Self.key.dropLast()), Self.key.lowercased()] {
        let answer = try await service.call("GET", "/api/archives", headers: [(header, wrong)])
        #expect(answer.status == 401, "\(wrong)")
        #expect(answer.code == "unauthorized")
      }
      #expect(try await service.get("/api/archives?code=wrong").status == 401)
      #expect(try await service.call("GET", "/api/archives", headers: [(header, Self.key)]).status == 200)
      #expect(try await service.get("/api/archives?code=\(Self.key)").status == 200)
    }

    @Test("Callers without the key are in the log, without what they sent as the key, and cannot fill it")
    func logged() async throws {
      let service = try await open(try await Site())
      for _ in 1...20 {
        let answer = try await service.call("GET", "/api/archives?code=gUess", headers: [("x-functions-key", "gUess")])
        #expect(answer.status == 401)
      }
      var lines: [Substring] { service.log.filter { $0.contains(" warning callers without the key were refused ") } }
      #expect(lines.count == 1)
      #expect(lines.allSatisfy { $0.contains("count=1 method=GET path=/api/archives ") })
      // The others are told before the service ends.
      await service.stop()
      #expect(lines.count == 2 && lines.last?.contains("count=19 method=GET") == true, "\(lines)")
      #expect(!service.process.output.contains("gUess"))
    }

    @Test("Every function except health asks for the key")
    func everyFunction() async throws {
      let service = try await open(try await Site())
      for (method, path) in [
        ("GET", "/api/backup_manual?table=a.b&date=2024-01-01"), ("POST", "/api/backup_manual"),
        ("POST", "/api/restore"), ("GET", "/api/operations/1"), ("POST", "/nightly_backup"), ("POST", "/backup_worker"),
        ("POST", "/restore_worker"), ("POST", "/restore"),
      ] {
        #expect(try await service.call(method, path, method == "POST" ? "{}" : nil).status == 401, "\(method) \(path)")
      }
      #expect(try await service.get("/api/health").status == 200)
      #expect(try await service.get("/").status == 200)
    }

    @Test("On loopback without a host, a key that is set is asked for")
    func loopback() async throws {
      let site = try await Site()
      let port = try PostgresServer.freePort()
      let process = try site.start(["serve", "--port", "\(port)"], ["SLUICE_KEY": Self.key])
      let service = Service(process: process, port: port, site: site)
      try await service.waitUntilReady()
      #expect(try await service.get("/api/archives").status == 401)
      #expect(try await service.get("/api/archives?code=\(Self.key)").status == 200)
    }

    @Test("No secret appears in an answer, in the log or in the process list")
    func secrets() async throws {
      let site = try await Site()
      let service = try await {
        var copy = site
        copy.environment["PG_USER"] = site.server.plainUser
        copy.environment["PG_PASSWORD"] = "wr0ng-pa55word"
        return try await open(copy)
      }()
      let secrets = [Self.key, "wr0ng-pa55word", "0ther-pa55", "sig=5ecret"]
      var answers: [HTTPAnswer] = []
      let header = [(name: "x-functions-key", value: Self.key)]
      for (method, path, body) in [
        ("GET", "/api/health?ready=1", nil), ("GET", "/api/archives?code=\(Self.key)", nil),
        ("GET", "/api/nowhere?code=\(Self.key)", nil),
        ("GET", "/api/backup_manual?table=events.clicks&date=2024-01-01&code=\(Self.key)", nil),
        ("POST", "/api/restore", #"{"table": "a.b", "date": "2024-01-01", "pg": {"password": "0ther-pa55"}}"#),
        (
          "POST", "/api/restore",
          #"{"table": "a.b", "date": "2024-01-01", "pg": {"connection_uri": "postgresql://u:0ther-pa55@h:99999/d"}}"#
        ),
        (
          "POST", "/api/restore",
          #"{"adls_url": "https://a.dfs.core.windows.net/f/d/a.b.2024-01-01.csv.gz?sig=5ecret"}"#
        ),
        ("POST", "/api/restore", #"{"adls_url": "a.b", "pg": {"password": ["0ther-pa55"]}}"#),
      ] as [(String, String, String?)] {
        answers.append(try await service.call(method, path, body, headers: header))
      }
      #expect(answers[0].status == 503, "the password is wrong")
      #expect(try answers[3].json["code"].text == "database_sign_in_failed")
      let commandLine = String(
        decoding: FileManager.default.contents(atPath: "/proc/\(service.process.pid)/cmdline") ?? Data(), as: UTF8.self)
      #expect(commandLine.contains("serve"))
      await service.stop()
      let told =
        answers.map(\.text) + answers.flatMap(\.headers.values) + [
          service.process.output, service.process.errors, commandLine,
        ]
      for secret in secrets { #expect(!told.contains { $0.contains(secret) }, "\(secret)") }
    }

    @Test("A restore may bring its own user and password")
    func ownSignIn() async throws {
      let site = try await Site()
      try await site.makeClicks(5)
      #expect(try await site.sluice(["backup", "--table", "events.clicks", "--date", "2024-01-01"]).status == 0)
      try await site.sql(
        "TRUNCATE events.clicks; GRANT USAGE ON SCHEMA events TO plain; GRANT SELECT, INSERT ON events.clicks TO plain")
      let service = try await site.serve()
      func restore(_ password: String) async throws -> HTTPAnswer {
        let password = try JSONValue.quoted(password)
        return try await service.post(
          "/api/restore",
          #"{"table": "events.clicks", "date": "2024-01-01", "pg": {"user": "plain", "password": \#(password)}}"#)
      }
      #expect(try await restore("wrong").code == "database_sign_in_failed")
      #expect(try await restore(site.server.plainPassword).status == 200)
      // A pooled connection that signed in with the right one must not serve a wrong one.
      #expect(try await restore("wrong").code == "database_sign_in_failed")
    }

    @Test(
      "A database host that the operator has not allowed is refused",
      arguments: [
        #""pg": {"host": "198.51.100.7"}"#,
        #""pg": {"connection_uri": "postgresql://u@198.51.100.7/d"}"#,
      ])
    func refusedHost(_ field: String) async throws {
      let service = try await Site().serve()
      let answer = try await service.post("/api/restore", #"{"table": "a.b", "date": "2024-01-01", \#(field)}"#)
      #expect(answer.status == 403)
      #expect(answer.code == "host_not_allowed")
    }

    @Test("A file outside the lake is refused")
    func outside() async throws {
      let service = try await Site().serve()
      for url in ["file:///etc/x/a.b.2024-01-01.csv.gz", "file://\(service.site.lake.path)/../x/a.b.2024-01-01.csv.gz"]
      {
        let answer = try await service.post("/api/restore", #"{"adls_url": "\#(url)"}"#)
        #expect(answer.status == 403, "\(answer.text)")
        #expect(answer.code == "outside_lake")
      }
    }
  }
}
