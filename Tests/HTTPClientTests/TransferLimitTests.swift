import Foundation
import Glibc
import HTTPClient
import Testing

@Suite("Transfer limits")
struct TransferLimitTests {
  let client: HTTPClient

  init() throws { client = try HTTPClient() }

  @Test("A paused reader is not a stall")
  func pausedIsNoStall() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(32 << 20)\r\n\r\n")
      peer.send([UInt8](repeating: 7, count: 32 << 20))
    }
    let request = ClientRequest(.get, try server.url(), limits: TransferLimits(stall: .milliseconds(250)))
    let response = try await client.send(request)
    try await Task.sleep(for: .milliseconds(600))
    #expect(try await response.body.collect(limit: 33 << 20).count == 32 << 20)
  }

  @Test("A server that is silent is given up after the stall limit, before and within the answer")
  func stall() async throws {
    let silent = try ScriptedServer { $0.waitForEnd() }
    let limits = TransferLimits(stall: .milliseconds(300))
    await #expect(throws: HTTPClientError.timedOut(.stall, host: "127.0.0.1", seconds: 0.3)) {
      _ = try await client.send(ClientRequest(.put, try silent.url(), body: [1], limits: limits))
    }
    let half = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
      peer.waitForEnd()
    }
    let response = try await client.send(ClientRequest(.get, try half.url(), limits: limits))
    #expect(response.status == 200)
    await #expect(throws: HTTPClientError.timedOut(.stall, host: "127.0.0.1", seconds: 0.3)) {
      _ = try await response.body.collect(limit: 100)
    }
  }

  @Test("A slow link is not a stall while the socket's own buffer goes down")
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
      .put, try server.url(), body: [UInt8](repeating: 1, count: 2 << 20),
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
    let response = try await client.send(ClientRequest(.get, try server.url(), limits: limits))
    await #expect(throws: HTTPClientError.timedOut(.total, host: "127.0.0.1", seconds: 0.5)) {
      _ = try await response.body.collect(limit: 100_000)
    }
  }
}
