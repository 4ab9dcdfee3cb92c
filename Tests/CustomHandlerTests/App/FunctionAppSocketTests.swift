import Essentials
import HTTPServer
import Testing

@testable import CustomHandler

/// The app behind a real server, called as the Functions host calls: chunked bodies without a length, its own header after
/// the caller's.
@Suite("The function app on a socket", .timeLimit(.minutes(1))) struct FunctionAppSocketTests {
  private func exchange(_ text: String, key: AccessKey? = nil) async throws -> (head: String, body: String) {
    let server = HTTPServer(handler: try makeApp(key: key).respond)
    let port = try await server.start()
    let answer: String
    do {
      answer = try await SocketExchange.send(text, to: port)
    } catch {
      await server.shutdown(grace: .zero)
      throw error
    }
    await server.shutdown(grace: .zero)
    let end = try #require(answer.firstRange(of: "\r\n\r\n"))
    return (String(answer[..<end.lowerBound]), String(answer[end.upperBound...]))
  }

  /// The body cut into chunks of 10 bytes, as no length is known before.
  private func chunked(_ body: String) -> String {
    var rest = Array(body.utf8)[...]
    var text = ""
    while !rest.isEmpty {
      let piece = rest.prefix(10)
      text += String(piece.count, radix: 16) + "\r\n" + String(decoding: piece, as: UTF8.self) + "\r\n"
      rest = rest.dropFirst(10)
    }
    return text + "0\r\n\r\n"
  }

  private func hostCall(_ function: String, _ body: String, headers: String = "") -> String {
    "POST /\(function) HTTP/1.1\r\nHost: 127.0.0.1:7071\r\nUser-Agent: Azure-Functions-Host/4.1037.0.0\r\n\(headers)"
      + "X-Azure-Functions-InvocationId: 11111111-2222-3333-4444-555555555555\r\n"
      + "X-Azure-Functions-HostVersion: 4.1037.0.0\r\nContent-Type: application/json; charset=utf-8\r\n"
      + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + chunked(body)
  }

  @Test("A queue message that is encoded three times arrives in chunks and is read")
  func aQueueMessageEncodedThreeTimesArrivesInChunks() async throws {
    let envelope = #"{"Data":{"message":"\"{\\\"kind\\\":\\\"sweep\\\"}\""},"Metadata":{"DequeueCount":"1"}}"#
    let (head, body) = try await exchange(hostCall("work", envelope))
    #expect(head.hasPrefix("HTTP/1.1 200 OK"))
    #expect(head.contains("Content-Type: application/json\r\n"))
    #expect(
      JSONValue(text: body)?.object?["Outputs"] == ["text": ["text": #"{"kind":"sweep"}"#]])
  }

  @Test("The last of two invocation ids is the host's")
  func theHostsInvocationIDIsTheLastOfTwo() async throws {
    let forged = "X-Azure-Functions-InvocationId: forged\r\n"
    let (_, body) = try await exchange(
      hostCall("nightly", #"{"Data":{"timer":{"IsPastDue":true}},"Metadata":{}}"#, headers: forged))
    #expect(JSONValue(text: body)?.object?["Logs"] == ["11111111-2222-3333-4444-555555555555"])
  }

  @Test("The host's probe is answered without a key")
  func theProbeIsAnsweredAtOnceWithoutAKey() async throws {
    let (head, body) = try await exchange(
      "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", key: AccessKey(Secret("k")))
    #expect(head.hasPrefix("HTTP/1.1 200 OK") && body == "ready\n")
  }

  @Test("A forwarded request keeps its path and loses its key")
  func aForwardedRequestKeepsItsPathAndLosesItsKey() async throws {
    let (head, body) = try await exchange(
      "GET /api/items/7?code=k&x=1 HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n",
      key: AccessKey(Secret("k")))
    #expect(head.hasPrefix("HTTP/1.1 201 Created"))
    #expect(head.ranges(of: "Set-Cookie: ").count == 2, "a forwarded answer may set two cookies")
    #expect(body == "GET /api/items/7?x=1 [id=7]  key:-")
  }

  @Test("A call without the key is answered by a problem")
  func aCallWithoutTheKeyIsAProblem() async throws {
    let (head, body) = try await exchange(
      hostCall("nightly", #"{"Data":{"timer":{}},"Metadata":{}}"#), key: AccessKey(Secret("k")))
    #expect(head.hasPrefix("HTTP/1.1 401 ") && head.contains("Content-Type: application/problem+json"))
    #expect(JSONValue(text: body)?.object?["code"] == "unauthorized")
  }

  @Test("A malformed envelope is answered by a problem")
  func aMalformedEnvelopeIsAProblem() async throws {
    let (head, body) = try await exchange(hostCall("work", #"{"Metadata":{}}"#))
    #expect(head.hasPrefix("HTTP/1.1 400 "))
    #expect(JSONValue(text: body)?.object?["code"] == "bad_envelope")
    #expect(body.contains("`Data` is missing"))
  }
}
