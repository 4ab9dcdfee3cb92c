import Foundation
import Glibc
import TestSupport

/// A running `sluice serve`.
struct Service: Sendable {
  let process: SluiceProcess
  let port: Int
  /// Held, so that its folders stay as long as the service runs.
  let site: Site

  /// Probes as the Functions host does: any answer is ready, a refused connection is "not yet".
  func waitUntilReady() async throws {
    try await eventually {
      guard process.isRunning else {
        throw CommandFailure(description: "sluice serve ended: \(process.output)\(process.errors)")
      }
      do {
        _ = try await HTTPCall("GET", "/").send(port: port)
        return true
      } catch let failure as HTTPSocket.Failure where failure.number == ECONNREFUSED {
        return false
      }
    }
    // The line comes after the socket is open: tests that count lines begin after it.
    try await eventually { log.contains { $0.contains(" listening ") || $0.contains("\"listening\"") } }
  }

  func call(
    _ method: String, _ target: String, _ body: String? = nil, headers: [(name: String, value: String)] = []
  ) async throws -> HTTPAnswer {
    let type = body == nil ? [] : [(name: "Content-Type", value: "application/json")]
    return try await HTTPCall(method, target, headers: type + headers, body: body).send(port: port)
  }

  func get(_ target: String) async throws -> HTTPAnswer { try await call("GET", target) }

  func post(_ target: String, _ body: String) async throws -> HTTPAnswer { try await call("POST", target, body) }

  /// Calls a function as the host does with an envelope: POST to its name, in chunks, without a length.
  func invoke(
    _ function: String, _ envelope: String, id: String = "11111111-2222-3333-4444-555555555555",
    traceParent: String? = nil
  ) async throws -> HTTPAnswer {
    var headers = [
      (name: "X-Azure-Functions-InvocationId", value: id),
      (name: "X-Azure-Functions-HostVersion", value: "4.1037.0.0"),
      (name: "User-Agent", value: "Azure-Functions-Host/4.1037.0.0"),
      (name: "Content-Type", value: "application/json; charset=utf-8"),
    ]
    if let traceParent { headers.append((name: "traceparent", value: traceParent)) }
    return try await HTTPCall("POST", "/\(function)", headers: headers, body: envelope, isChunked: true)
      .send(port: port)
  }

  /// Ends it by SIGTERM.
  @discardableResult
  func stop() async -> SluiceProcess.End {
    process.kill(SIGTERM)
    return await process.end()
  }

  /// The log's lines so far; behind the host those of errors, which are on standard error, come last.
  var log: [Substring] { (process.output + process.errors).split(separator: "\n") }
}
