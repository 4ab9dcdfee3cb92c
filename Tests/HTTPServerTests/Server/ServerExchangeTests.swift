import Testing

@testable import HTTPServer

/// Starts a server, runs `body` with its port, and takes the server down.
func withServer(
  _ configure: (inout HTTPServerConfiguration) -> Void = { _ in },
  admit: @escaping HTTPServer.Gatekeeper = { _ in .trusted }, handler: @escaping HTTPServer.Handler,
  _ body: (Int) async throws -> Void
) async throws {
  var configuration = HTTPServerConfiguration()
  configure(&configuration)
  let server = HTTPServer(configuration: configuration, admit: admit, handler: handler)
  let port = try await server.start()
  do {
    try await body(port)
  } catch {
    await server.shutdown(grace: .zero)
    throw error
  }
  await server.shutdown(grace: .zero)
}

@Suite("Exchanges with the server", .timeLimit(.minutes(1))) struct ServerExchangeTests {
  private let echo: HTTPServer.Handler = { request in
    .text("\(request.method) \(request.target) \(String(decoding: request.body, as: UTF8.self))")
  }

  @Test("Requests on one connection are served one after the other")
  func servesRequestsOneAfterTheOtherOnOneConnection() async throws {
    try await withServer(handler: echo) { port in
      let client = try RawClient(port: port)
      for path in ["/1", "/2"] {
        try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await client.readAnswer().hasSuffix("\r\n\r\nGET \(path) "))
      }
    }
  }

  @Test("Pipelined requests are answered in order, and `Connection: close` closes after the last")
  func answersPipelinedRequestsInOrderAndThenCloses() async throws {
    try await withServer(handler: echo) { port in
      let client = try RawClient(port: port)
      try await client.send(
        "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"
          + "POST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nyz\r\n0\r\n\r\n"
          + "GET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      let answers = try await client.readAll()
      let bodies = answers.components(between: "\r\n\r\n", and: "HTTP/1.1")
      #expect(bodies == ["POST /1 x", "POST /2 yz", "GET /3 "])
    }
  }

  @Test("A client that expects 100 Continue gets it, and then the answer")
  func givesTheGoAheadAndThenTheAnswer() async throws {
    try await withServer(handler: echo) { port in
      let client = try RawClient(port: port)
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
      #expect(try await client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
      try await client.send("hi")
      #expect(try await client.readAnswer().hasSuffix("POST / hi"))
    }
  }

  @Test("HEAD gets the length and no body, and the connection goes on")
  func headGetsLengthAndNoBodyAndTheConnectionGoesOn() async throws {
    try await withServer(handler: echo) { port in
      let client = try RawClient(port: port)
      try await client.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\nGET /y HTTP/1.0\r\n\r\n")
      let text = try await client.readAll()
      #expect(text.contains("Content-Length: 8\r\n"))
      #expect(!text.contains("HEAD /x"))
      #expect(text.hasSuffix("\r\n\r\nGET /y "))
    }
  }

  @Test("A slow reader gets every byte of a large answer")
  func aSlowReaderGetsEveryByteOfABigAnswer() async throws {
    let size = 6 * 1024 * 1024
    let big: HTTPServer.Handler = { _ in HTTPResponse(body: [UInt8](repeating: 0x61, count: size)) }
    try await withServer(handler: big) { port in
      let client = try RawClient(port: port, receiveBuffer: 4096)
      try await client.send("GET / HTTP/1.0\r\n\r\n")
      _ = try await client.read(until: "\r\n\r\n")
      #expect(try await client.readAll(piece: 3000).utf8.count == size)
    }
  }

  @Test("A body that is too large is refused before it is read, and the client sees the answer")
  func aTooLargeBodyIsAnsweredBeforeItIsReadAndTheClientSeesTheAnswer() async throws {
    try await withServer(
      {
        $0.maximumBodySize = 1000
        $0.lingerTimeout = .seconds(20)
      }, handler: echo
    ) { port in
      let client = try RawClient(port: port)
      let body = [UInt8](repeating: 0x61, count: 1_000_000)
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n")
      try await client.send(body)
      let text = try await client.readAll()
      #expect(text.hasPrefix("HTTP/1.1 413 "))
      #expect(text.contains("application/problem+json") && text.contains("body_too_large"))
    }
  }

  @Test("A client's reset drops its answer and does not cancel its handler")
  func theAnswerForAClientThatResetIsDroppedAndItsHandlerGoesOn() async throws {
    let (started, gone, finished) = (Gate(), Gate(), Gate())
    let cancelled = Gate()
    let slow: HTTPServer.Handler = { request in
      guard request.path == "/slow" else { return .text("alive") }
      started.open()
      await gone.wait()
      if Task.isCancelled { cancelled.open() }
      finished.open()
      return .text(String(repeating: "x", count: 1_000_000))
    }
    try await withServer(handler: slow) { port in
      let client = try RawClient(port: port)
      try await client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
      await started.wait()
      try await client.reset()
      gone.open()
      await finished.wait()
      #expect(!cancelled.isOpen)
      let other = try RawClient(port: port)
      try await other.send("GET / HTTP/1.0\r\n\r\n")
      #expect(try await other.readAll().hasSuffix("alive"))
    }
  }

  @Test("A request whose client goes in the middle of the body reaches no handler")
  func aClientThatGoesMidBodyReachesNoHandler() async throws {
    let called = Gate()
    let handler: HTTPServer.Handler = { request in
      if request.method == .post { called.open() }
      return .text("ok")
    }
    try await withServer(handler: handler) { port in
      let client = try RawClient(port: port)
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
      client.closeWriting()
      #expect(try await client.readAll().isEmpty)
      #expect(!called.isOpen)
    }
  }
}

extension String {
  /// The texts that begin after `start` and end before the next `end`.
  func components(between start: String, and end: String) -> [String] {
    var found: [String] = []
    var rest = self[...]
    while let from = rest.firstRange(of: start)?.upperBound {
      let to = rest[from...].firstRange(of: end)?.lowerBound ?? rest.endIndex
      found.append(String(rest[from..<to]))
      rest = rest[to...]
    }
    return found
  }
}
