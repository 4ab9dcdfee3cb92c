import Glibc
import HTTPClient
import Testing

@Suite("Stalls")
struct StallTests {
  let client: HTTPClient
  let limits = TransferLimits(stall: .milliseconds(400))

  init() throws { client = try HTTPClient() }

  func put(_ server: ScriptedServer, _ count: Int) async throws -> Int {
    let url = try RequestURL(usesTLS: false, host: "127.0.0.1", port: server.port, target: "/")
    let body = [UInt8](repeating: 1, count: count)
    return try await client.send(ClientRequest(.put, url, body: body, limits: limits)).status
  }

  @Test("A kept connection whose packets vanish is given up after the stall limit", arguments: [0, 1, 8 << 20])
  func vanishingPackets(bodyBytes: Int) async throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      // Before the answer: the client's next packet must be the first that is lost.
      peer.dropAllThatComes()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      peer.waitForEnd()
    }
    #expect(try await put(server, 0) == 200)
    await #expect(throws: HTTPClientError.timedOut(.stall, host: "127.0.0.1", seconds: 0.4)) {
      _ = try await put(server, bodyBytes)
    }
    #expect(server.connections == 1)
  }

  @Test("A peer that stops reading is given up after the stall limit", arguments: [false, true])
  func peerThatStopsReading(isKept: Bool) async throws {
    let server = try ScriptedServer(receiveBuffer: 16 << 10) { peer in
      if isKept {
        _ = peer.head()
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
      }
      peer.waitUntilClosed()
    }
    if isKept { #expect(try await put(server, 0) == 200) }
    await #expect(throws: HTTPClientError.timedOut(.stall, host: "127.0.0.1", seconds: 0.4)) {
      _ = try await put(server, 8 << 20)
    }
    #expect(server.connections == 1)
  }
}

extension ScriptedServer.Peer {
  /// From now on nothing that the client sends arrives, and none of it is acknowledged: as if the cable were cut.
  ///
  /// A socket filter (packet(7), "Linux Socket Filter") that takes no byte of any packet.
  func dropAllThatComes() {
    var nothing = SocketFilter.takeNothing
    withUnsafeMutablePointer(to: &nothing) { filter in
      var program = SocketFilter.Program(length: 1, filter: filter)
      precondition(setOption(SOL_SOCKET, SO_ATTACH_FILTER, &program) == 0, "the system has no socket filters")
    }
  }

  /// Waits until the client has gone, without reading.
  func waitUntilClosed() {
    var state = pollfd(fd: descriptor, events: Int16(POLLRDHUP_), revents: 0)
    while poll(&state, 1, -1) < 0, errno == EINTR {}
  }
}

/// Of poll(2); a GNU extension that Swift does not see.
private let POLLRDHUP_: Int32 = 0x2000

/// `struct sock_filter` of linux/filter.h, which Swift does not see: one instruction.
private struct SocketFilter {
  /// `struct sock_fprog`.
  struct Program {
    let length: UInt16
    let filter: UnsafeMutablePointer<SocketFilter>
  }

  let code: UInt16
  let ifTrue: UInt8 = 0
  let ifFalse: UInt8 = 0
  let operand: UInt32

  /// BPF_RET | BPF_K: take 0 bytes.
  static let takeNothing = SocketFilter(code: 0x06, operand: 0)
}
