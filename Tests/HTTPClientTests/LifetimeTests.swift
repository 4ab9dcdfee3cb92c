import Dispatch
import Essentials
import Glibc
import TestSupport
import Testing

@testable import HTTPClient

/// What Dispatch and libcurl hold lives until they are through with it, and no longer.
@Suite("Lifetimes")
struct LifetimeTests {
  @Test("A released client leaves no loop behind, with and without transfers under way")
  func loopGoes() async throws {
    let server = try ScriptedServer { peer in
      _ = peer.head()
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
      peer.waitForEnd()
    }
    weak var idle: TransferLoop?
    weak var busy: TransferLoop?
    weak var transfer: Transfer?
    do {
      let roots = TrustedRoots.file("/dev/null")
      let first = TransferLoop(configuration: HTTPClientConfiguration(), roots: roots)
      let second = TransferLoop(configuration: HTTPClientConfiguration(), roots: roots)
      (idle, busy) = (first, second)
      let url = try RequestURL(usesTLS: false, host: "127.0.0.1", port: server.port, target: "/")
      let started = Transfer(request: ClientRequest(.get, url), queue: second.queue)
      transfer = started
      let head = try await withCheckedThrowingContinuation { second.start(started, $0) }
      #expect(head.status == 200)
      first.close()
      second.close()
    }
    try await eventually { idle == nil && busy == nil && transfer == nil }
  }

  @Test("A client that is released while its timers are due does not crash")
  func manyGo() async throws {
    let server = try ScriptedServer(HTTPClientTests.echo)
    let url = try RequestURL(usesTLS: false, host: "127.0.0.1", port: server.port, target: "/")
    for _ in 0..<300 {
      let client = try HTTPClient()
      let limits = TransferLimits(connect: .milliseconds(5), stall: .seconds(10))
      let response = try? await client.send(ClientRequest(.get, url, limits: limits))
      _ = try? await response?.body.collect(limit: 10_000)
    }
  }

  @Test("A cancelled watch reports nothing, and is released with its sources")
  func watchGoes() async throws {
    var ends: [Int32] = [0, 0]
    #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
    defer { ends.forEach { close($0) } }
    let queue = DispatchQueue(label: "test")
    let reader = ends[0]
    let events = Counter()
    weak var watch: SocketWatch?
    queue.sync {
      let made = SocketWatch(reader, queue: queue) { _ in events.count += 1 }
      watch = made
      made?.want(read: true, write: true)
      // Both sources are due by now, and their events wait for this block's end.
      usleep(20_000)
      made?.cancel()
    }
    try await eventually { watch == nil }
    #expect(queue.sync { events.count } == 0)
  }

  /// `@unchecked Sendable`: used on the test's queue alone.
  private final class Counter: @unchecked Sendable {
    var count = 0
  }
}
