import Foundation
import Glibc
import HTTPClient
import TestSupport
import Testing

@Suite("HTTP client: TLS")
struct TLSTests {
  /// A server with a certificate for `name`, signed by a throw-away root in `folder`/ca.pem.
  func server(in folder: URL, name: String) async throws -> (ChildProcess, Int) {
    func openssl(_ arguments: String...) async throws { try await runChecked("/usr/bin/openssl", arguments) }
    let path = folder.path
    try await openssl(
      "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(path)/ca.key", "-out", "\(path)/ca.pem", "-subj",
      "/CN=Throw-away root", "-days", "2")
    try await openssl(
      "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "\(path)/key.pem", "-out", "\(path)/request.pem", "-subj",
      "/CN=\(name)")
    try Data("subjectAltName=DNS:\(name)".utf8).write(to: folder.appending(path: "extensions"))
    try await openssl(
      "x509", "-req", "-in", "\(path)/request.pem", "-CA", "\(path)/ca.pem", "-CAkey", "\(path)/ca.key",
      "-CAcreateserial", "-days", "2", "-out", "\(path)/cert.pem", "-extfile", "\(path)/extensions")
    let log = folder.appending(path: "server.log").path
    let child = try ChildProcess(
      "/bin/sh",
      [
        "-c",
        "exec openssl s_server -accept 127.0.0.1:0 -www -cert '\(path)/cert.pem' -key '\(path)/key.pem' >'\(log)' 2>&1",
      ])
    var port: Int?
    try await eventually {
      let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      port = text.split(separator: "\n").first { $0.hasPrefix("ACCEPT 127.0.0.1:") }.flatMap { Int($0.dropFirst(17)) }
      return port != nil
    }
    return (child, try #require(port))
  }

  func status(port: Int, roots: String?) async throws -> Int {
    let client = try HTTPClient(configuration: HTTPClientConfiguration(additionalRootsFile: roots))
    let url = try RequestURL(parsing: "https://localhost:\(port)/")
    return try await client.send(ClientRequest(.get, url, proxy: .never)).status
  }

  @Test("A certificate is trusted only when its root is, and only for its own name")
  func verified() async throws {
    let folder = try TemporaryDirectory()
    let roots = folder.url.appending(path: "ca.pem").path
    let (child, port) = try await server(in: folder.url, name: "localhost")
    defer { child.kill(SIGKILL) }
    #expect(try await status(port: port, roots: roots) == 200)
    let error = await #expect(throws: HTTPClientError.self) { _ = try await status(port: port, roots: nil) }
    if case .untrusted(host: "localhost", _) = error {} else { Issue.record("\(error as Any)") }
    #expect(error?.isTransient == false)

    let otherFolder = try TemporaryDirectory()
    let (other, otherPort) = try await server(in: otherFolder.url, name: "elsewhere.example")
    defer { other.kill(SIGKILL) }
    let wrongName = await #expect(throws: HTTPClientError.self) {
      _ = try await status(port: otherPort, roots: otherFolder.url.appending(path: "ca.pem").path)
    }
    if case .untrusted(host: "localhost", _) = wrongName {} else { Issue.record("\(wrongName as Any)") }
  }

  @Test("A file of roots that can't be read or holds none is named at the start")
  func badRoots() throws {
    let folder = try TemporaryDirectory()
    let empty = folder.url.appending(path: "empty.pem").path
    try Data("hello".utf8).write(to: URL(filePath: empty))
    for path in [empty, "/nowhere/ca.pem"] {
      let error = #expect(throws: HTTPClientError.self) {
        try HTTPClient(configuration: HTTPClientConfiguration(additionalRootsFile: path))
      }
      #expect("\(error as Any)".contains(path))
    }
  }
}
