import Testing

@testable import HTTPServer

@Suite("Limits of the server", .timeLimit(.minutes(1))) struct ServerLimitTests {
  private let hello: HTTPServer.Handler = { _ in .text("hello") }

  @Test("A head that does not come in time is answered 408")
  func aSlowClientIsDroppedWith408() async throws {
    try await withServer({ $0.headerTimeout = .milliseconds(200) }, handler: hello) { port in
      let client = try RawClient(port: port)
      try await client.send("GET / HTTP/1.1\r\nHo")
      #expect(try await client.readAll().hasPrefix("HTTP/1.1 408 "))
    }
  }

  @Test("A body that stalls is answered 408")
  func aBodyThatDoesNotComeIsDroppedWith408() async throws {
    try await withServer({ $0.bodyStallTimeout = .milliseconds(200) }, handler: hello) { port in
      let client = try RawClient(port: port)
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
      #expect(try await client.readAll().hasPrefix("HTTP/1.1 408 "))
    }
  }

  @Test("An idle connection is closed without an answer")
  func anIdleConnectionIsClosedWithoutAWord() async throws {
    try await withServer({ $0.idleTimeout = .milliseconds(200) }, handler: hello) { port in
      let client = try RawClient(port: port)
      #expect(try await client.readAll().isEmpty)
      let used = try RawClient(port: port)
      try await used.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await used.readAll().hasSuffix("hello"), "closed after its answer, not before")
    }
  }

  @Test("A client that reads nothing is cut off")
  func aClientThatReadsNothingIsCutOff() async throws {
    let size = 64 * 1024 * 1024
    let answered = Gate()
    let big: HTTPServer.Handler = { _ in
      answered.open()
      return HTTPResponse(body: [UInt8](repeating: 0x61, count: size))
    }
    var configuration = HTTPServerConfiguration()
    configuration.writeStallTimeout = .milliseconds(200)
    let server = HTTPServer(configuration: configuration, handler: big)
    let client = try RawClient(port: try await server.start(), receiveBuffer: 4096)
    try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await answered.wait()
    // It waits for the answer under way, and so until the connection is cut.
    await server.shutdown(grace: .seconds(3600))
    let received = (try? await client.readAll().utf8.count) ?? 0
    #expect(received < size)
  }

  @Test("A connection too many is told so when all others have requests under way")
  func oneConnectionTooMany() async throws {
    let (started, go) = (Gate(), Gate())
    let slow: HTTPServer.Handler = { _ in
      started.open()
      await go.wait()
      return .text("hello")
    }
    try await withServer({ $0.maximumConnections = 1 }, handler: slow) { port in
      let first = try RawClient(port: port)
      try await first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      await started.wait()
      let second = try RawClient(port: port)
      try await second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      let refusal = try await second.readAnswer()
      #expect(refusal.hasPrefix("HTTP/1.1 503 ") && refusal.contains("Connection: close\r\n"))
      #expect(
        refusal.contains("too_many_connections") && refusal.contains("Retry-After: 5\r\n")
          && refusal.contains("X-Request-Id: "))
      go.open()
      #expect(try await first.readAnswer().hasSuffix("hello"), "the connection within the cap is served on")
    }
  }

  @Test("Idle connections shut nobody out: the one that has been idle for the longest gives way")
  func idleGivesWay() async throws {
    try await withServer({ $0.maximumConnections = 3 }, handler: hello) { port in
      var idle: [RawClient] = []
      for _ in 0..<3 {
        idle.append(try RawClient(port: port))
        // Served once, so that it is certain to be accepted before the next.
        try await idle[idle.count - 1].send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await idle[idle.count - 1].readAnswer().hasSuffix("hello"))
      }
      let fourth = try RawClient(port: port)
      try await fourth.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await fourth.readAnswer().hasSuffix("hello"))
      #expect(try await idle[0].readAll().isEmpty, "closed without a word")
      for client in idle.dropFirst() {
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await client.readAnswer().hasSuffix("hello"))
      }
    }
  }

  @Test("Heads that never end shut nobody out either")
  func unfinishedHeadsGiveWay() async throws {
    try await withServer({ $0.maximumConnections = 2 }, handler: hello) { port in
      let slow = try RawClient(port: port)
      try await slow.send("GET / HTTP/1.1\r\n")
      let busy = try RawClient(port: port)
      try await busy.send("GET / HTTP/1.1\r\n")
      for _ in 0..<5 {
        let client = try RawClient(port: port)
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(try await client.readAll().hasSuffix("hello"))
      }
      _ = (slow, busy)
    }
  }

  @Test("A port in use is named, with the remedy")
  func aPortInUseIsNamedWithTheRemedy() async throws {
    try await withServer(handler: hello) { port in
      let second = HTTPServer(configuration: .init(host: "127.0.0.1", port: port), handler: hello)
      let error = await #expect(throws: HTTPServerError.self) { try await second.start() }
      #expect(error == .addressInUse(address: "127.0.0.1:\(port)"))
      #expect(error?.description.contains("choose another port") == true)
      await second.shutdown(grace: .zero)
    }
  }

  @Test(
    "A host that is not an address is refused",
    arguments: ["example.org", "", "1.2.3", "[::1"])
  func aHostThatIsNoAddressIsRefused(_ host: String) async {
    let server = HTTPServer(configuration: .init(host: host, port: 0), handler: hello)
    await #expect(throws: HTTPServerError.badHost(host)) { try await server.start() }
  }

  @Test(
    "IPv4 and IPv6 addresses, in brackets or not, and localhost are taken as hosts",
    arguments: ["::1", "[::1]", "localhost", "0.0.0.0"])
  func hostsOfEveryFormAreServed(_ host: String) throws {
    let address = try SocketAddress(host: host, port: 80)
    #expect(["[::1]:80", "127.0.0.1:80", "0.0.0.0:80"].contains(address.text))
    #expect(address.port == 80)
  }

  @Test("A port above 65535 is refused")
  func aPortOutOfRangeIsRefused() async {
    let server = HTTPServer(configuration: .init(host: "127.0.0.1", port: 65536), handler: hello)
    await #expect(throws: HTTPServerError.badPort(65536)) { try await server.start() }
  }

  @Test("A second start is refused")
  func aServerStartsOnce() async throws {
    let server = HTTPServer(handler: hello)
    _ = try await server.start()
    await #expect(throws: HTTPServerError.alreadyStarted) { try await server.start() }
    await server.shutdown(grace: .zero)
  }
}
