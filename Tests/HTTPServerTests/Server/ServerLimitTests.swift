import Testing

@testable import HTTPServer

@Suite(.timeLimit(.minutes(1))) struct ServerLimitTests {
  private let hello: HTTPServer.Handler = { _ in .text("hello") }

  @Test func aSlowClientIsDroppedWith408() async throws {
    try await withServer({ $0.headerTimeout = .milliseconds(200) }, handler: hello) { port in
      let client = try RawClient(port: port)
      try await client.send("GET / HTTP/1.1\r\nHo")
      #expect(try await client.readAll().hasPrefix("HTTP/1.1 408 "))
    }
  }

  @Test func aBodyThatDoesNotComeIsDroppedWith408() async throws {
    try await withServer({ $0.bodyStallTimeout = .milliseconds(200) }, handler: hello) { port in
      let client = try RawClient(port: port)
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
      #expect(try await client.readAll().hasPrefix("HTTP/1.1 408 "))
    }
  }

  @Test func anIdleConnectionIsClosedWithoutAWord() async throws {
    try await withServer({ $0.idleTimeout = .milliseconds(200) }, handler: hello) { port in
      let client = try RawClient(port: port)
      #expect(try await client.readAll().isEmpty)
      let used = try RawClient(port: port)
      try await used.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await used.readAll().hasSuffix("hello"), "closed after its answer, not before")
    }
  }

  @Test func aClientThatReadsNothingIsCutOffAndItsProducerIsLetGo() async throws {
    let ended = Gate()
    let endless: HTTPServer.Handler = { _ in
      let source = Endless(ended: ended)
      return HTTPResponse(body: .stream(HTTPBodyStream(source)))
    }
    try await withServer({ $0.writeStallTimeout = .milliseconds(200) }, handler: endless) { port in
      let client = try RawClient(port: port, receiveBuffer: 4096)
      try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      await ended.wait()
      _ = client
    }
  }

  @Test func oneConnectionTooManyIsToldSo() async throws {
    try await withServer({ $0.maximumConnections = 1 }, handler: hello) { port in
      let first = try RawClient(port: port)
      try await first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await first.readAnswer().hasSuffix("hello"))
      let second = try RawClient(port: port)
      try await second.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      let refusal = try await second.readAnswer()
      #expect(refusal.hasPrefix("HTTP/1.1 503 ") && refusal.contains("Connection: close\r\n"))
      #expect(refusal.contains("too_many_connections"))
      try await first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await first.readAnswer().hasSuffix("hello"), "the connection within the cap is served on")
    }
  }

  @Test func aPortInUseIsNamedWithTheRemedy() async throws {
    try await withServer(handler: hello) { port in
      let second = HTTPServer(configuration: .init(host: "127.0.0.1", port: port), handler: hello)
      let error = await #expect(throws: HTTPServerError.self) { try await second.start() }
      #expect(error == .addressInUse(address: "127.0.0.1:\(port)"))
      #expect(error?.description.contains("choose another port") == true)
      await second.shutdown(grace: .zero)
    }
  }

  @Test(arguments: ["example.org", "", "1.2.3", "[::1"]) func aHostThatIsNoAddressIsRefused(_ host: String) async {
    let server = HTTPServer(configuration: .init(host: host, port: 0), handler: hello)
    await #expect(throws: HTTPServerError.badHost(host)) { try await server.start() }
  }

  @Test(arguments: ["::1", "[::1]", "localhost", "0.0.0.0"]) func hostsOfEveryFormAreServed(_ host: String) throws {
    let address = try SocketAddress(host: host, port: 80)
    #expect(["[::1]:80", "127.0.0.1:80", "0.0.0.0:80"].contains(address.text))
    #expect(address.port == 80)
  }

  @Test func aPortOutOfRangeIsRefused() async {
    let server = HTTPServer(configuration: .init(host: "127.0.0.1", port: 65536), handler: hello)
    await #expect(throws: HTTPServerError.badPort(65536)) { try await server.start() }
  }

  @Test func aServerStartsOnce() async throws {
    let server = HTTPServer(handler: hello)
    _ = try await server.start()
    await #expect(throws: HTTPServerError.alreadyStarted) { try await server.start() }
    await server.shutdown(grace: .zero)
  }
}

/// Bytes without end; `ended` opens when nobody asks for more.
private struct Endless: AsyncSequence, Sendable {
  let ended: Gate

  final class AsyncIterator: AsyncIteratorProtocol {
    let ended: Gate
    init(ended: Gate) { self.ended = ended }
    deinit { ended.open() }
    func next() async -> [UInt8]? { [UInt8](repeating: 0, count: 65536) }
  }

  func makeAsyncIterator() -> AsyncIterator { AsyncIterator(ended: ended) }
}
