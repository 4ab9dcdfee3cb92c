import Testing

@testable import HTTPServer

@Suite("Admission of requests", .timeLimit(.minutes(1))) struct ServerAdmissionTests {
  private static let refuse: HTTPServer.Gatekeeper = { request in
    switch request.path {
    case "/closed": .refused(.text("no", status: 401))
    case "/anyone": .anonymous
    default: .trusted
    }
  }
  private let echo: HTTPServer.Handler = { .text("\($0.path) \($0.body.count)") }

  @Test("A request is refused when its head is whole, before a byte of its body has come")
  func refusedAtTheHead() async throws {
    try await withServer(admit: Self.refuse, handler: echo) { port in
      let client = try RawClient(port: port)
      try await client.send("POST /closed HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
      let answer = try await client.readAll()
      #expect(answer.hasPrefix("HTTP/1.1 401 ") && answer.hasSuffix("no"))
      #expect(answer.contains("Connection: close\r\n"))
    }
  }

  @Test("A client that waits for 100 Continue is refused without one")
  func refusedWithoutContinue() async throws {
    try await withServer(admit: Self.refuse, handler: echo) { port in
      let client = try RawClient(port: port)
      try await client.send(
        "POST /closed HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
      #expect(try await client.readAll().hasPrefix("HTTP/1.1 401 "))
    }
  }

  @Test("A refused request without a body leaves the connection usable")
  func refusedWithoutBody() async throws {
    try await withServer(admit: Self.refuse, handler: echo) { port in
      let client = try RawClient(port: port)
      try await client.send("GET /closed HTTP/1.1\r\nHost: a\r\n\r\nGET /open HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await client.readAnswer().hasPrefix("HTTP/1.1 401 "))
      #expect(try await client.readAnswer().hasSuffix("/open 0"))
    }
  }

  @Test("Anyone may send a small body, and only a known caller a large one", arguments: [true, false])
  func anonymousBodies(_ isChunked: Bool) async throws {
    func request(_ path: String, _ count: Int) -> String {
      let body = String(repeating: "x", count: count)
      let head = "POST \(path) HTTP/1.1\r\nHost: a\r\n"
      return isChunked
        ? head + "Transfer-Encoding: chunked\r\n\r\n\(String(count, radix: 16))\r\n\(body)\r\n0\r\n\r\n"
        : head + "Content-Length: \(count)\r\n\r\n\(body)"
    }
    try await withServer({ $0.maximumAnonymousBody = 100 }, admit: Self.refuse, handler: echo) { port in
      let client = try RawClient(port: port)
      try await client.send(request("/anyone", 100))
      #expect(try await client.readAnswer().hasSuffix("/anyone 100"))
      try await client.send(request("/open", 101))
      #expect(try await client.readAnswer().hasSuffix("/open 101"))
      try await client.send(request("/anyone", 101))
      #expect(try await client.readAll().hasPrefix("HTTP/1.1 413 "))
    }
  }

  @Test("What unknown callers hold together is limited, the largest goes first, and the small are served")
  func untrustedMemory() async throws {
    try await withServer({ $0.maximumUntrustedBytes = 400_000 }, admit: Self.refuse, handler: echo) { port in
      var clients: [RawClient] = []
      for _ in 0..<40 {
        let client = try RawClient(port: port)
        // No end of the head yet: 20 KB of lines.
        try await client.send("GET /open HTTP/1.1\r\nHost: a\r\nA: \(String(repeating: "b", count: 20_000))\r\nB: ")
        clients.append(client)
      }
      let small = try RawClient(port: port)
      try await small.send("GET /open HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await small.readAnswer().hasSuffix("/open 0"))
      var refused = 0
      for client in clients {
        try? await client.send("c\r\n\r\n")
        let answer = try? await client.readAnswer()
        if answer?.contains("too_many_connections") ?? true { refused += 1 }
      }
      #expect((30..<40).contains(refused), "\(refused)")
    }
  }

  @Test("Each answer carries the request's id: the client's own when it is fit for a log, else a new one")
  func requestID() async throws {
    func id(_ lines: String, _ start: String = "GET /open HTTP/1.1\r\nHost: a\r\n") async throws -> Substring? {
      var found: Substring?
      try await withServer(admit: Self.refuse, handler: echo) { port in
        let client = try RawClient(port: port)
        try await client.send("\(start)\(lines)Connection: close\r\n\r\n")
        let lines = try await client.readAll().split(separator: "\r\n").filter { $0.hasPrefix("X-Request-Id: ") }
        #expect(lines.count == 1)
        found = lines.first?.dropFirst(14)
      }
      return found
    }
    let isNew = #/[0-9a-f]{32}/#
    #expect(try await id("X-Request-Id: a1-._~:+/=Z\r\n") == "a1-._~:+/=Z")
    #expect(try await id("")?.wholeMatch(of: isNew) != nil)
    for unfit in ["a b", "a\"", "é", String(repeating: "a", count: 129), "", "a\r\nX-Request-Id: b"] {
      #expect(try await id("X-Request-Id: \(unfit)\r\n")?.wholeMatch(of: isNew) != nil, "\(unfit)")
    }
    let mine = "X-Request-Id: mine\r\n"
    #expect(try await id(mine, "GET /closed HTTP/1.1\r\nHost: a\r\n") == "mine", "an answer of the gatekeeper")
    #expect(try await id(mine, "GET /open HTTP/1.1\r\nHost: a:b\r\n") == "mine", "a refusal of the server")
    #expect(try await id(mine, "GET /open HTTP/9.9\r\nHost: a\r\n")?.wholeMatch(of: isNew) != nil)
  }

  @Test("A handler that does not end when it is cancelled is left behind, and its caller is told")
  func abandoned() async throws {
    let (started, go) = (Gate(), Gate())
    let server = HTTPServer { _ in
      started.open()
      await go.wait()
      return .text("late")
    }
    let port = try await server.start()
    let client = try RawClient(port: port)
    try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await started.wait()
    async let answer = client.readAll()
    #expect(await server.shutdown(grace: .milliseconds(10), cleanup: .milliseconds(10)) == 1)
    let text = try await answer
    #expect(text.hasPrefix("HTTP/1.1 503 ") && text.contains("interrupted"))
    go.open()
  }
}
