import Essentials
import HTTPClient
import Synchronization
import Testing

@Suite("Proxy")
struct ProxyTests {
  /// What a stand-in proxy was asked, and a client that is told of it.
  func proxied(noProxy: String? = nil) throws -> (HTTPClient, ScriptedServer, @Sendable () -> [String]) {
    let heads = Heads()
    let server = try ScriptedServer { peer in
      guard let head = peer.head() else { return }
      heads.add(head)
      peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    }
    var configuration = HTTPClientConfiguration()
    var environment = [
      "HTTPS_PROXY": "http://me:pass%20word@127.0.0.1:\(server.port)",
      "HTTP_PROXY": "http://127.0.0.1:\(server.port)", "http_proxy": "http://127.0.0.1:\(server.port)",
      "ALL_PROXY": "http://127.0.0.1:\(server.port)",
    ]
    environment["NO_PROXY"] = noProxy
    configuration.takeProxy(from: environment)
    return (try HTTPClient(configuration: configuration), server, { heads.all })
  }

  @Test("https goes through HTTPS_PROXY, and the proxy's password is in no error")
  func used() async throws {
    let (client, server, heads) = try proxied()
    let url = try RequestURL(parsing: "https://account.dfs.core.windows.net/fs")
    let error = await #expect(throws: HTTPClientError.self) {
      _ = try await client.send(ClientRequest(.get, url, fields: ["Authorization": "Bearer abc"]))
    }
    #expect(heads().first?.hasPrefix("CONNECT account.dfs.core.windows.net:443 HTTP/1.1\r\n") == true)
    // What is meant for the host must not be told to the proxy.
    #expect(heads().first?.contains("Bearer") == false)
    #expect(!"\(error as Any)".contains("pass"))
    #expect(server.connections == 1)
  }

  @Test("Hosts of NO_PROXY, plain http and requests that refuse a proxy go directly")
  func straight() async throws {
    let plain = try ScriptedServer(HTTPClientTests.echo)
    let (client, server, _) = try proxied(noProxy: "localhost,.internal")
    let response = try await client.send(
      ClientRequest(.get, try RequestURL(parsing: "http://127.0.0.1:\(plain.port)/")))
    #expect(response.status == 200)
    for (host, proxy) in [("localhost", ClientRequest.ProxyUse.asConfigured), ("127.0.0.1", .never)] {
      // The plain server speaks no TLS: the handshake fails, but there and not at the proxy.
      await #expect(throws: HTTPClientError.self) {
        _ = try await client.send(
          ClientRequest(
            .get, try RequestURL(parsing: "https://\(host):\(plain.port)/"),
            limits: TransferLimits(connect: .seconds(2), stall: .seconds(2)), proxy: proxy))
      }
    }
    #expect(server.connections == 0)
  }
}

private final class Heads: Sendable {
  private let heads = Mutex<[String]>([])
  var all: [String] { heads.withLock { $0 } }
  func add(_ head: String) { heads.withLock { $0.append(head) } }
}
