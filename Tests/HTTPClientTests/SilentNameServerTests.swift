import Foundation
import Glibc
import HTTPClient
import TestSupport
import Testing

/// Name servers that never answer, by a mount namespace with an `/etc/resolv.conf` of its own. A namespace is a process's
/// own, so these tests run themselves once more in a child.
@Suite("Silent name servers")
struct SilentNameServerTests {
  static let marker = "SLUICE_TEST_SILENT_NAME_SERVER"

  @Test(
    "A name look-up that hangs holds up no other request",
    .enabled("needs root and unshare(1), to put a silent name server in place") { await SilentNameServer.isPossible() },
    .enabled(if: ProcessInfo.processInfo.environment[marker] == nil, "is the outer test"))
  func outer() async throws {
    let server = try SilentNameServer()
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let result = try await run(
      "/usr/bin/unshare",
      [
        "--mount", "/bin/sh", "-c", #"mount --bind "$1" /etc/resolv.conf && shift && exec "$@""#, "sh",
        server.resolverFile, program, "--testing-library", "swift-testing", "--filter", "SilentNameServerTests/inner",
      ], environment: [Self.marker: "1"])
    let text = result.output + result.errors
    #expect(result.status == 0, "\(text)")
    #expect(text.contains("with 1 test in 1 suite passed"), "the inner test did not run: \(text)")
    #expect(server.questions > 0, "nobody asked the silent name server")
  }

  @Test(
    "Beside look-ups that hang, requests are answered, cancelled and timed out",
    .enabled(if: ProcessInfo.processInfo.environment[marker] != nil, "runs in the child of the outer test"))
  func inner() async throws {
    let client = try HTTPClient()
    let server = try ScriptedServer(HTTPClientTests.echo)
    let reached = try RequestURL(usesTLS: false, host: "127.0.0.1", port: server.port, target: "/")
    let limits = TransferLimits(connect: .milliseconds(200))
    try await within(.seconds(60)) {
      for round in 0..<3 {
        let lost = try RequestURL(usesTLS: false, host: "lost-\(round).example.net", target: "/")
        let waiting = Task { try await client.send(ClientRequest(.get, lost)).status }
        await #expect(throws: HTTPClientError.timedOut(.connect, host: lost.host, seconds: 0.2)) {
          _ = try await client.send(ClientRequest(.get, lost, limits: limits))
        }
        #expect(try await client.send(ClientRequest(.get, reached)).status == 200)
        waiting.cancel()
        await #expect(throws: CancellationError.self) { _ = try await waiting.value }
        #expect(try await client.send(ClientRequest(.get, reached)).status == 200)
      }
    }
  }

  /// Fails when `body` is not through in time: a look-up takes longer than that.
  private func within(_ limit: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await Task.sleep(for: limit)
        // The body can't be waited for: what it hangs in does not see its end.
        fatalError("the client's queue stood still")
      }
      try await group.next()
      group.cancelAll()
    }
  }
}

/// A port 53 that takes questions and answers none, and a resolver's file that names it.
private final class SilentNameServer: Sendable {
  static let address = "127.66.0.53"
  let resolverFile: String
  private let descriptor: Int32

  /// A container's root may not be allowed to.
  static func isPossible() async -> Bool {
    guard geteuid() == 0 else { return false }
    return (try? await run("/usr/bin/unshare", ["--mount", "/bin/true"]))?.status == 0
  }

  init() throws {
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(53).bigEndian
    inet_pton(AF_INET, Self.address, &address.sin_addr)
    let isBound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    self.descriptor = descriptor
    resolverFile = NSTemporaryDirectory() + "resolv-\(UUID().uuidString)"
    guard isBound else { throw CommandFailure(description: "port 53 of \(Self.address) is taken") }
    // Two and a half minutes for one name: much longer than the inner test may take.
    let text = "nameserver \(Self.address)\noptions timeout:30 attempts:5\n"
    try Data(text.utf8).write(to: URL(filePath: resolverFile))
  }

  deinit {
    close(descriptor)
    unlink(resolverFile)
  }

  /// Questions that came so far and were not counted before.
  var questions: Int {
    var count = 0
    var buffer = [UInt8](repeating: 0, count: 512)
    while recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT)) > 0 { count += 1 }
    return count
  }
}
