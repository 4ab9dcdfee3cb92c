import Essentials
import Foundation
import HTTPClient
import Synchronization
import TestSupport
import Testing

@Suite("HTTP client")
struct HTTPClientTests {
  let client: HTTPClient

  init() throws { client = try HTTPClient() }

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
      .patch, try server.url("/a%2Fb/../c+d?x=1&y=%3D"), fields: ["X-Empty": "", "Authorization": "Bearer abc"],
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
    let response = try await client.send(ClientRequest(method, try server.url()))
    #expect(
      String(decoding: try await response.body.collect(limit: 10_000), as: UTF8.self).contains("Content-Length: 0\r\n"))
  }

  @Test("Connections are used again")
  func reuse() async throws {
    let server = try ScriptedServer(Self.echo)
    for _ in 0..<20 {
      _ = try await client.send(ClientRequest(.put, try server.url(), body: [1])).body.collect(limit: 10_000)
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
      let response = try await client.send(ClientRequest(.put, try server.url(), body: body))
      #expect(try await response.body.collect(limit: 200_000) == body)
    }
    #expect(server.connections == 5)
  }

  @Test("A kept connection that the server closes while a body goes out is replaced too")
  func dyingConnection() async throws {
    let server = try ScriptedServer { peer in
      guard let head = peer.head() else { return }
      let body = peer.body(contentLength(head))
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n")
      peer.send(Array(body.prefix(1)))
      // The next request's head is read, its body is not.
      _ = peer.head()
    }
    for round in 0..<20 {
      let body = [UInt8](repeating: UInt8(round), count: 4 << 20)
      let response = try await client.send(ClientRequest(.put, try server.url(), body: body))
      #expect(try await response.body.collect(limit: 10) == [UInt8(round)])
    }
    #expect(server.connections == 20)
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
    let response = try await client.send(ClientRequest(.get, try server.url()))
    // Wait until the sender stands still: what it could send lies in the two sockets' buffers and ours.
    var before = 0
    try await eventually {
      let now = sent.withLock { $0 }
      defer { before = now }
      if now == before, now > 0 { return true }
      try await Task.sleep(for: .milliseconds(200))
      return false
    }
    #expect(before < total / 2)
    var got = 0
    for try await piece in response.body {
      got += piece.count
      #expect(piece.count <= 1 << 20)
    }
    #expect(got == total)
  }

  @Test("A broken connection, a body cut short and a refused connection are told apart")
  func breaks() async throws {
    let resets = try ScriptedServer { peer in
      _ = peer.head()
      peer.reset()
    }
    let broken = await #expect(throws: HTTPClientError.self) {
      _ = try await client.send(ClientRequest(.get, try resets.url()))
    }
    if case .broken(let host, _) = broken { #expect(host == "127.0.0.1") } else { Issue.record("\(broken as Any)") }

    let cut = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    }
    let response = try await client.send(ClientRequest(.get, try cut.url()))
    let short = await #expect(throws: HTTPClientError.self) { _ = try await response.body.collect(limit: 100) }
    if case .broken = short {} else { Issue.record("\(short as Any)") }

    var gone: ScriptedServer? = try ScriptedServer(Self.echo)
    let address = try gone!.url()
    gone = nil
    let refused = await #expect(throws: HTTPClientError.self) {
      // The listening thread may still take one connection, which it then closes.
      _ = try? await client.send(ClientRequest(.get, address))
      _ = try await client.send(ClientRequest(.get, address))
    }
    if case .connectFailed = refused {} else { Issue.record("\(refused as Any)") }
    #expect(refused?.isTransient == true)
  }

  @Test("Bytes that are not HTTP are an error, not an answer")
  func noHTTP() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("SSH-2.0-OpenSSH_9\r\n")
    }
    let error = await #expect(throws: HTTPClientError.self) {
      _ = try await client.send(ClientRequest(.get, try server.url()))
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
      _ = try await client.send(ClientRequest(.get, try server.url()))
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
    let response = try await client.send(ClientRequest(.get, try server.url(), fields: ["Authorization": "Bearer x"]))
    #expect(response.status == status)
    #expect(other.connections == 0)
  }

  @Test("Interim answers are skipped")
  func interim() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send(
        "HTTP/1.1 100 Continue\r\nX-Old: 1\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\nETag: \"1\"\r\n\r\n")
    }
    let response = try await client.send(ClientRequest(.get, try server.url()))
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
    let waiting = Task { try await client.send(ClientRequest(.get, try server.url())) }
    try await eventually { server.connections > 0 }
    waiting.cancel()
    await #expect(throws: CancellationError.self) { _ = try await waiting.value }

    let response = try await client.send(ClientRequest(.get, try server.url("/half")))
    let hasHalf = Mutex(false)
    let reading = Task {
      _ = try await response.body.next()
      hasHalf.withLock { $0 = true }
      return try await response.body.next()
    }
    try await eventually { hasHalf.withLock { $0 } }
    reading.cancel()
    await #expect(throws: CancellationError.self) { _ = try await reading.value }

    let early = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await client.send(ClientRequest(.get, try server.url()))
    }
    await #expect(throws: CancellationError.self) { _ = try await early.value }
  }

  @Test("An unread body that is released ends its transfer")
  func letGo() async throws {
    let gone = Mutex(false)
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
      peer.waitForEnd()
      gone.withLock { $0 = true }
    }
    #expect(try await client.send(ClientRequest(.get, try server.url())).status == 200)
    try await eventually { gone.withLock { $0 } }
  }

  @Test("A header that would break the message is refused, and its value is not repeated")
  func injectedField() async throws {
    let server = try ScriptedServer(Self.echo)
    let error = await #expect(throws: HTTPClientError.self) {
      _ = try await client.send(ClientRequest(.get, try server.url(), fields: ["X": "secret\r\nHost: other"]))
    }
    #expect("\(error as Any)".contains("'X'") && !"\(error as Any)".contains("secret"))
    #expect(server.connections == 0)
  }

  @Test("Hundreds of requests at once are all answered")
  func many() async throws {
    let server = try ScriptedServer(Self.echo)
    let address = try server.url()
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
