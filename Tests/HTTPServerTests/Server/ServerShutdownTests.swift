import Testing

@testable import HTTPServer

@Suite("Shutdown of the server", .timeLimit(.minutes(1))) struct ServerShutdownTests {
  @Test("A shutdown answers the request under way and closes idle connections")
  func aRequestUnderWayIsAnsweredAndIdleConnectionsClose() async throws {
    let (started, go) = (Gate(), Gate())
    let server = HTTPServer { _ in
      started.open()
      await go.wait()
      return .text("done, cancelled: \(Task.isCancelled)")
    }
    let port = try await server.start()
    let idle = try RawClient(port: port)
    let busy = try RawClient(port: port)
    try await busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await started.wait()
    async let down = server.shutdown(grace: .seconds(30))
    #expect(try await idle.readAll().isEmpty)
    go.open()
    let answer = try await busy.readAll()
    #expect(answer.contains("Connection: close\r\n"))
    #expect(answer.hasSuffix("done, cancelled: false"))
    _ = await down
    #expect(throws: RawClient.Failure.self) { try RawClient(port: port) }
    await server.shutdown(grace: .zero)
  }

  @Test("A handler that outlasts the grace is cancelled, awaited, and its answer sent")
  func aHandlerThatOutlastsTheGraceIsCancelledAwaitedAndAnswered() async throws {
    let (started, cleaned) = (Gate(), Gate())
    let server = HTTPServer { _ in
      started.open()
      await Gate.waitForCancellation()
      await Task.yield()
      cleaned.open()
      return .text("stopped", status: 503)
    }
    let port = try await server.start()
    let client = try RawClient(port: port)
    try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await started.wait()
    async let answer = client.readAll()
    await server.shutdown(grace: .milliseconds(50))
    #expect(cleaned.isOpen, "shutdown returns after the handler's clean-up")
    #expect(try await answer.hasPrefix("HTTP/1.1 503 "))
  }

  @Test("A second shutdown with less grace ends the first one earlier")
  func aSecondCallWithLessGraceEndsTheFirst() async throws {
    let started = Gate()
    let server = HTTPServer { _ in
      started.open()
      await Gate.waitForCancellation()
      return .text("")
    }
    let port = try await server.start()
    let client = try RawClient(port: port)
    try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await started.wait()
    async let first = server.shutdown(grace: .seconds(3600))
    async let second = server.shutdown(grace: .milliseconds(10))
    _ = await (first, second)
  }

  @Test("A server that never started shuts down at once, and starts no more")
  func aServerThatNeverStartedGoesDownAtOnce() async {
    let server = HTTPServer { _ in .text("") }
    await server.shutdown(grace: .seconds(3600))
    await #expect(throws: HTTPServerError.alreadyStarted) { try await server.start() }
  }
}
