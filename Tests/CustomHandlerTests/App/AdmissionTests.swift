import Essentials
import HTTPServer
import Testing

@testable import CustomHandler

@Suite("Admission of callers") struct AdmissionTests {
  private func admission(
    _ app: FunctionApp, _ method: HTTPMethod, _ target: String, _ headers: HTTPFields = [:]
  ) throws -> String {
    switch app.admit(try HTTPRequest(method: method, target: target, headers: headers)) {
    case .trusted: "trusted"
    case .anonymous: "anonymous"
    case .refused(let response): "\(response.status.code)\(response.headers["Allow"].map { " \($0)" } ?? "")"
    }
  }

  @Test(
    "The key is checked when the head is there",
    arguments: [
      (.get, "/api/items", [:], "401"), (.get, "/api/items", ["x-functions-key": "no"], "401"),
      (.get, "/api/items", ["x-functions-key": "k"], "trusted"), (.get, "/api/items?code=k", [:], "trusted"),
      (.post, "/nightly", [:], "401"), (.post, "/nightly", ["x-functions-key": "k"], "trusted"),
      (.post, "/health", [:], "401"), (.get, "/api/health", [:], "anonymous"),
      (.get, "/api/health?code=k", [:], "trusted"), (.get, "/", [:], "anonymous"), (.post, "/", [:], "405 GET, HEAD"),
      (.options, "*", [:], "anonymous"), (.post, "/api/none", [:], "404"),
      (.put, "/api/items", [:], "405 GET, HEAD, POST"),
      (.trace, "/api/items", [:], "405 GET, HEAD, POST"),
      (.query, "/api/items", [:], "405 GET, HEAD, POST"), (.trace, "/", [:], "405 GET, HEAD"),
      (.trace, "/nightly", [:], "405 POST"), (.trace, "/none", [:], "405 GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ] as [(HTTPMethod, String, HTTPFields, String)])
  func key(_ method: HTTPMethod, _ target: String, _ headers: HTTPFields, _ expected: String) throws {
    #expect(try admission(makeApp(key: AccessKey(Secret("k"))), method, target, headers) == expected)
  }

  private static let invocation = "X-Azure-Functions-InvocationId"

  @Test(
    "Without a key, programs of this machine are served and web pages are not",
    arguments: [
      (["Host": "127.0.0.1:7071"], true), (["Host": "localhost"], true), (["Host": "LocalHost:1"], true),
      (["Host": "[::1]:7071"], true), (["Host": "127.0.0.2"], true), ([:], true),
      (["Host": "evil.example"], false), (["Host": "evil.example:7071"], false),
      (["Host": "localhost.evil.example"], false),
      (["Host": "127.0.0.1.evil.example"], false), (["Host": "10.0.0.1:7071"], false), (["Host": ""], false),
      (["Host": "0.0.0.0:7071"], false),
      (["Host": "localhost", "Origin": "https://evil.example"], false),
      (["Host": "localhost", "Origin": "null"], false),
      (["Host": "localhost", "Origin": "http://localhost:3000"], false),
      (["Host": "localhost", "Sec-Fetch-Site": "cross-site"], false),
      (["Host": "localhost", "Sec-Fetch-Site": "same-site"], false),
      (["Host": "localhost", "Sec-Fetch-Site": "none"], true),
      (["Host": "evil.example:7071", invocation: "1"], false),
    ] as [(HTTPFields, Bool)])
  func thisMachine(_ headers: HTTPFields, _ isServed: Bool) throws {
    let app = try makeApp(callers: .thisMachine)
    #expect(try admission(app, .post, "/api/items", headers) == (isServed ? "trusted" : "403"))
    #expect(try admission(app, .get, "/", headers) == (isServed ? "trusted" : "403"))
  }

  @Test("The authority of a target in absolute form counts as Host does")
  func absoluteForm() throws {
    let app = try makeApp(callers: .thisMachine)
    #expect(try admission(app, .get, "http://evil.example/api/items", ["Host": "localhost"]) == "403")
    #expect(try admission(app, .get, "http://localhost/api/items", ["Host": "evil.example"]) == "403")
    #expect(try admission(app, .get, "http://localhost/api/items", ["Host": "localhost"]) == "trusted")
  }

  @Test(
    "What the Functions host passes on is served, and a page that was given this machine's address is not",
    arguments: [
      // The probe and envelopes.
      (["Host": "127.0.0.1:5000"], true), (["Host": "127.0.0.1:5000", invocation: "1"], true),
      // A caller's request: its own Host and Origin.
      (["Host": "app.azurewebsites.net", "Origin": "https://portal.example", invocation: "1"], true),
      (["Host": "localhost:7071", "Sec-Fetch-Site": "cross-site", invocation: "1"], true),
      // DNS rebinding: the page can set any header, and its name stands before the port it was served from.
      (["Host": "evil.example:5000", invocation: "1"], false), (["Host": "evil.example:5000"], false),
      (["Host": "127.0.0.1:5000", "Origin": "https://evil.example"], false), (["Host": "app.azurewebsites.net"], false),
    ] as [(HTTPFields, Bool)])
  func functionsHost(_ headers: HTTPFields, _ isServed: Bool) throws {
    let app = try makeApp(callers: .functionsHost(port: 5000))
    #expect(try admission(app, .post, "/api/items", headers) == (isServed ? "trusted" : "403"))
  }

  @Test("A caller's request id goes into the invocation and out with the answer in an envelope")
  func requestID() async throws {
    let envelope = #"{"Data":{"req":{"Url":"http://h/api/items","Method":"GET","Headers":{"X-Request-Id":["mine"]}}}}"#
    let answer = try await makeApp().respond(
      to: HTTPRequest(method: .post, target: "/Items", headers: ["X-Request-Id": "host"], body: Array(envelope.utf8)))
    let headers = answer.json["Outputs"]?.object?["res"]?.object?["headers"]?.object
    #expect(headers?["X-Request-Id"] == "mine")
  }
}
