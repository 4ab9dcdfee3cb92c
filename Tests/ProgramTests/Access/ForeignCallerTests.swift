import Foundation
import TestSupport
import Testing

extension ProgramTests {
  /// On loopback without a key.
  @Suite("Callers from elsewhere")
  struct ForeignCallers {
    private func serve(_ site: Site) async throws -> Service {
      let port = try PostgresServer.freePort()
      let service = Service(process: try site.start(["serve", "--port", "\(port)"]), port: port, site: site)
      try await service.waitUntilReady()
      return service
    }

    private func call(_ service: Service, _ method: String, _ lines: String, body: String = "") async throws
      -> HTTPAnswer
    {
      let socket = try HTTPSocket(port: service.port)
      await socket.send(
        Array(
          "\(method) /api/backup_manual?table=a.b&date=x HTTP/1.1\r\nConnection: close\r\n\(lines)\r\n\r\n\(body)".utf8)
      )
      return try HTTPAnswer(try await socket.readToEnd())
    }

    @Test("A web page can't call a program that asks for no key; curl can")
    func pages() async throws {
      let service = try await serve(Site(withDatabase: false))
      for lines in [
        "Host: 127.0.0.1:\(service.port)", "Host: localhost:\(service.port)", "Host: [::1]:\(service.port)",
      ] {
        #expect(try await call(service, "GET", lines).code == "bad_field")
      }
      for lines in [
        "Host: evil.example:\(service.port)", "Host: localhost\r\nOrigin: https://evil.example",
        "Host: localhost\r\nSec-Fetch-Site: cross-site",
        "Host: evil.example\r\nX-Azure-Functions-InvocationId: 1",
      ] {
        let answer = try await call(service, "GET", lines)
        #expect(answer.status == 403)
        #expect(answer.code == "foreign_caller")
      }
    }

    @Test(
      "Behind the Functions host, its callers' Host and Origin are accepted, and those of a page with our port are not")
    func behindTheHost() async throws {
      let service = try await Site(withDatabase: false).serve()
      let id = "X-Azure-Functions-InvocationId: 1"
      #expect(
        try await call(service, "GET", "Host: app.example\r\nOrigin: https://a.example\r\n\(id)").code == "bad_field")
      #expect(try await call(service, "GET", "Host: evil.example:\(service.port)\r\n\(id)").code == "foreign_caller")
      #expect(try await call(service, "GET", "Host: app.example").code == "foreign_caller")
    }

    @Test("TRACE is not allowed anywhere, and the answer says what is")
    func trace() async throws {
      let service = try await serve(Site(withDatabase: false))
      let answer = try await call(service, "TRACE", "Host: localhost")
      #expect(answer.status == 405)
      #expect(answer.headers["allow"] == "GET, HEAD, POST")
    }

    @Test("The request's id is in the answer and in the log")
    func requestID() async throws {
      let service = try await serve(Site(withDatabase: false))
      let answer = try await call(service, "GET", "Host: localhost\r\nX-Request-Id: abc-123")
      #expect(answer.headers["x-request-id"] == "abc-123")
      #expect(
        service.log.contains { $0.contains("request failed") && $0.contains("request=abc-123") }, "\(service.log)")
    }
  }
}
