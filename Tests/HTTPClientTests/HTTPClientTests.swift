import Foundation
import HTTPClient
import Synchronization
import Testing

@Suite("HTTP client")
struct HTTPClientTests {
  let client: HTTPClient

  init() throws { client = try HTTPClient() }

  func url(_ server: ScriptedServer, _ target: String = "/") throws -> RequestURL {
    try RequestURL(usesTLS: false, host: "127.0.0.1", port: server.port, target: target)
  }

  /// Answers each request of a connection with what it was sent.
  static let echo: @Sendable (ScriptedServer.Peer) -> Void = { peer in
    while let head = peer.head() {
      let body = peer.body(contentLength(head))
      let answer = Array(head.utf8) + body
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(answer.count)\r\nX-One: a b\r\n\r\n")
      peer.send(answer)
    }
  }

  @Test("A request goes out as it was put together, and the answer comes back whole")
  func roundTrip() async throws {
    let server = try ScriptedServer(Self.echo)
    let request = ClientRequest(
      .patch, try url(server, "/a%2Fb/../c+d?x=1&y=%3D"), fields: ["X-Empty": "", "Authorization": "Bearer abc"],
      body: Array("hello".utf8))
    let response = try await client.send(request)
    let text = String(decoding: try await response.body.collect(limit: 10_000), as: UTF8.self)
    #expect(response.status == 200)
    #expect(response.fields["x-one"] == "a b")
    #expect(text.hasPrefix("PATCH /a%2Fb/../c+d?x=1&y=%3D HTTP/1.1\r\n"))
    #expect(text.hasSuffix("\r\n\r\nhello"))
    for line in ["Content-Length: 5", "Authorization: Bearer abc", "X-Empty:"] {
      #expect(text.contains("\r\n\(line)\r\n"))
    }
    #expect(!text.contains("Expect") && !text.contains("Transfer-Encoding"))
  }

  @Test(
    "A method with a body says its length even when there is none",
    arguments: [ClientRequest.Method.put, .patch, .post])
  func emptyBody(method: ClientRequest.Method) async throws {
    let server = try ScriptedServer(Self.echo)
    let response = try await client.send(ClientRequest(method, try url(server)))
    #expect(
      String(decoding: try await response.body.collect(limit: 10_000), as: UTF8.self).contains("Content-Length: 0\r\n"))
  }

  @Test("Connections are used again")
  func reuse() async throws {
    let server = try ScriptedServer(Self.echo)
    for _ in 0..<20 {
      _ = try await client.send(ClientRequest(.put, try url(server), body: [1])).body.collect(limit: 10_000)
    }
    #expect(server.connections == 1)
  }

  @Test("A kept connection that the server has closed is replaced, and the body sent again")
  func deadConnection() async throws {
    let server = try ScriptedServer { peer in
      guard let head = peer.head() else { return }
      let body = peer.body(contentLength(head))
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.count)\r\n\r\n")
      peer.send(body)
    }
    for round in 0..<5 {
      let body = [UInt8](repeating: UInt8(round), count: 100_000)
      let response = try await client.send(ClientRequest(.put, try url(server), body: body))
      #expect(try await response.body.collect(limit: 200_000) == body)
    }
    #expect(server.connections == 5)
  }

  @Test("A reader that is slow holds the sender up instead of filling memory")
  func backPressure() async throws {
    let total = 64 << 20
    let sent = Mutex(0)
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
      for _ in 0..<64 {
        peer.send([UInt8](repeating: 7, count: 1 << 20))
        sent.withLock { $0 += 1 << 20 }
      }
    }
    let response = try await client.send(ClientRequest(.get, try url(server)))
    // Wait until the sender stands still: what it could send lies in the two sockets' buffers and ours.
    var before = -1
    while case let now = sent.withLock({ $0 }), now != before {
      before = now
      try await Task.sleep(for: .milliseconds(300))
    }
    #expect(before < total / 2)
    var got = 0
    for try await piece in response.body {
      got += piece.count
      #expect(piece.count <= 1 << 20)
    }
    #expect(got == total)
  }

  @Test("A paused reader is no stall")
  func pausedIsNoStall() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(32 << 20)\r\n\r\n")
      peer.send([UInt8](repeating: 7, count: 32 << 20))
    }
    let request = ClientRequest(.get, try url(server), limits: TransferLimits(stall: .milliseconds(400)))
    let response = try await client.send(request)
    try await Task.sleep(for: .seconds(1.5))
    #expect(try await response.body.collect(limit: 33 << 20).count == 32 << 20)
  }

  @Test("A server that is silent is given up after the stall limit, before and within the answer")
  func stall() async throws {
    let silent = try ScriptedServer { $0.waitForEnd() }
    let limits = TransferLimits(stall: .milliseconds(300))
    await #expect(throws: HTTPClientError.timedOut(.stall, host: "127.0.0.1", seconds: 0.3)) {
      _ = try await client.send(ClientRequest(.put, try url(silent), body: [1], limits: limits))
    }
    let half = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
      peer.waitForEnd()
    }
    let response = try await client.send(ClientRequest(.get, try url(half), limits: limits))
    #expect(response.status == 200)
    await #expect(throws: HTTPClientError.timedOut(.stall, host: "127.0.0.1", seconds: 0.3)) {
      _ = try await response.body.collect(limit: 100)
    }
  }

  @Test("A slow link is no stall while the socket's own buffer goes down")
  func slowLink() async throws {
    let server = try ScriptedServer(receiveBuffer: 16 << 10) { peer in
      guard let head = peer.head() else { return }
      var left = contentLength(head)
      while left > 0, case let count = peer.body(min(left, 64 << 10)).count, count > 0 {
        left -= count
        usleep(100_000)
      }
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    }
    let request = ClientRequest(
      .put, try url(server), body: [UInt8](repeating: 1, count: 2 << 20),
      limits: TransferLimits(stall: .seconds(1.5)))
    #expect(try await client.send(request).status == 200)
  }

  @Test("The total limit ends a transfer that goes on for too long, while bytes come")
  func total() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
      for _ in 0..<1000 {
        peer.send("x")
        usleep(20_000)
      }
    }
    let limits = TransferLimits(stall: .seconds(10), total: .milliseconds(500))
    let response = try await client.send(ClientRequest(.get, try url(server), limits: limits))
    await #expect(throws: HTTPClientError.timedOut(.total, host: "127.0.0.1", seconds: 0.5)) {
      _ = try await response.body.collect(limit: 100_000)
    }
  }

  @Test("A broken connection, a body cut short and a refused connection are told apart")
  func breaks() async throws {
    let resets = try ScriptedServer { peer in
      _ = peer.head()
      peer.reset()
    }
    let broken = await #expect(throws: HTTPClientError.self) {
      _ = try await client.send(ClientRequest(.get, try url(resets)))
    }
    if case .broken(let host, _) = broken { #expect(host == "127.0.0.1") } else { Issue.record("\(broken as Any)") }

    let cut = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    }
    let response = try await client.send(ClientRequest(.get, try url(cut)))
    let short = await #expect(throws: HTTPClientError.self) { _ = try await response.body.collect(limit: 100) }
    if case .broken = short {} else { Issue.record("\(short as Any)") }

    var gone: ScriptedServer? = try ScriptedServer(Self.echo)
    let address = try url(gone!)
    gone = nil
    let refused = await #expect(throws: HTTPClientError.self) {
      // The listening thread may still take one connection, which it then closes.
      _ = try? await client.send(ClientRequest(.get, address))
      _ = try await client.send(ClientRequest(.get, address))
    }
    if case .connectFailed = refused {} else { Issue.record("\(refused as Any)") }
    #expect(refused?.isTransient == true)
  }

  @Test("What is no HTTP is an error, not an answer")
  func noHTTP() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("SSH-2.0-OpenSSH_9\r\n")
    }
    let error = await #expect(throws: HTTPClientError.self) {
      _ = try await client.send(ClientRequest(.get, try url(server)))
    }
    if case .malformedResponse = error {} else { Issue.record("\(error as Any)") }
  }

  @Test("A head without an end is an error, and does not fill memory")
  func endlessHead() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\n")
      // 64 MiB, unless the client goes.
      for _ in 0..<65_536 { peer.send("X-More: \(String(repeating: "x", count: 1000))\r\n") }
    }
    let error = await #expect(throws: HTTPClientError.self) {
      _ = try await client.send(ClientRequest(.get, try url(server)))
    }
    #expect(
      error == .malformedResponse(host: "127.0.0.1", reason: "its head is longer than 262144 bytes"),
      "\(error as Any)")
  }

  @Test("A redirect is an answer: nothing is sent to the other host", arguments: [301, 302, 303, 307, 308])
  func redirect(status: Int) async throws {
    let other = try ScriptedServer(Self.echo)
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 \(status) Moved\r\nLocation: http://127.0.0.1:\(other.port)/\r\nContent-Length: 0\r\n\r\n")
    }
    let response = try await client.send(ClientRequest(.get, try url(server), fields: ["Authorization": "Bearer x"]))
    #expect(response.status == status)
    #expect(other.connections == 0)
  }

  @Test("Interim answers are passed over")
  func interim() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send(
        "HTTP/1.1 100 Continue\r\nX-Old: 1\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\nETag: \"1\"\r\n\r\n")
    }
    let response = try await client.send(ClientRequest(.get, try url(server)))
    #expect(response.status == 201)
    #expect(response.fields["x-old"] == nil)
    #expect(response.fields["etag"] == "\"1\"")
  }

  @Test("Cancelling ends the transfer before, in and after the head")
  func cancelling() async throws {
    let server = try ScriptedServer { peer in
      let head = peer.head() ?? ""
      if head.contains("/half") { peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") }
      peer.waitForEnd()
    }
    let waiting = Task { try await client.send(ClientRequest(.get, try url(server))) }
    while server.connections == 0 { try await Task.sleep(for: .milliseconds(5)) }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { _ = try await waiting.value }

    let response = try await client.send(ClientRequest(.get, try url(server, "/half")))
    let reading = Task { try await response.body.collect(limit: 100) }
    try await Task.sleep(for: .milliseconds(50))
    reading.cancel()
    await #expect(throws: CancellationError.self) { _ = try await reading.value }

    let early = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await client.send(ClientRequest(.get, try url(server)))
    }
    await #expect(throws: CancellationError.self) { _ = try await early.value }
  }

  @Test("An unread body that is let go of ends its transfer")
  func letGo() async throws {
    let gone = Mutex(false)
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
      peer.waitForEnd()
      gone.withLock { $0 = true }
    }
    #expect(try await client.send(ClientRequest(.get, try url(server))).status == 200)
    while !gone.withLock({ $0 }) { try await Task.sleep(for: .milliseconds(5)) }
  }

  @Test("A header that would break the message is refused, and its value is not repeated")
  func injectedField() async throws {
    let server = try ScriptedServer(Self.echo)
    let error = await #expect(throws: HTTPClientError.self) {
      _ = try await client.send(ClientRequest(.get, try url(server), fields: ["X": "secret\r\nHost: other"]))
    }
    #expect("\(error as Any)".contains("'X'") && !"\(error as Any)".contains("secret"))
    #expect(server.connections == 0)
  }

  @Test("Hundreds of requests at once are all answered")
  func many() async throws {
    let server = try ScriptedServer(Self.echo)
    let address = try url(server)
    try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<300 {
        group.addTask {
          try await client.send(ClientRequest(.put, address, body: [1, 2, 3])).body.collect(limit: 10_000).count
        }
      }
      for try await count in group { #expect(count > 3) }
    }
  }
}
