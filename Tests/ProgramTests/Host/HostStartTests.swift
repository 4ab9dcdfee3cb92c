import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// Started as the Functions host starts it.
  @Suite("Start behind the Functions host")
  struct HostStart {
    @Test("Behind the host, the service listens on the host's port and asks for no key")
    func port() async throws {
      let service = try await Site().serve()
      let probe = try await service.get("/")
      #expect(probe.status == 200)
      #expect(try await service.get("/api/health").status == 200)
      #expect(try await service.get("/api/archives").status == 200)
      #expect(await service.stop() == .exited(0))
    }

    @Test("Behind the host, no key is asked for even when one is set")
    func keyIsSet() async throws {
      // The host checks its own keys; one that it has let through must not be turned away.
      let service = try await Site().serve(["SLUICE_KEY": "s3cret"])
      #expect(try await service.get("/api/archives").status == 200)
    }

    @Test("The host's port overrides the option")
    func portOption() async throws {
      let site = try await Site()
      let (hosts, option) = (try PostgresServer.freePort(), try PostgresServer.freePort())
      let process = try site.start(["serve", "--port", "\(option)"], ["FUNCTIONS_CUSTOMHANDLER_PORT": "\(hosts)"])
      try await Service(process: process, port: hosts, site: site).waitUntilReady()
      #expect(throws: HTTPSocket.Failure.self) { try HTTPSocket(port: option) }
    }

    @Test("Without a host, the option gives the port")
    func noHost() async throws {
      let site = try await Site()
      let port = try PostgresServer.freePort()
      let service = Service(process: try site.start(["serve", "--port", "\(port)"]), port: port, site: site)
      try await service.waitUntilReady()
      #expect(try await service.get("/api/health").status == 200)
    }

    @Test("A port that is in use is a failure that names it")
    func portTaken() async throws {
      let site = try await Site()
      let service = try await site.serve()
      let second = try await site.sluice(["serve"], ["FUNCTIONS_CUSTOMHANDLER_PORT": "\(service.port)"])
      // Exit code 0 would keep the host from ever starting it again.
      #expect(second.status == 1)
      #expect(second.errors.contains("127.0.0.1:\(service.port)"))
      #expect(second.errors.contains("in use"))
      #expect(!second.errors.contains("internal"))
    }

    @Test("Behind the host the service does not start without a lake, and says what is missing")
    func noLake() async throws {
      var site = try await Site(withDatabase: false)
      site.environment["LAKE_URL"] = nil
      let result = try await site.sluice(["serve"], ["FUNCTIONS_CUSTOMHANDLER_PORT": "\(PostgresServer.freePort())"])
      #expect(result.status == 2)
      #expect(result.errors.contains("LAKE_URL"))
    }

    @Test("The service starts without its database")
    func noDatabase() async throws {
      let service = try await Site().serve(["PG_PORT": "\(PostgresServer.freePort())"])
      #expect(try await service.get("/api/health").status == 200)
    }
  }
}
