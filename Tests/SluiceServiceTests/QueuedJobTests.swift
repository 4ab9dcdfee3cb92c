import CustomHandler
import Essentials
import Foundation
import HTTPServer
import Jobs
import TestSupport
import Testing

@testable import SluiceService

/// `Prefer: respond-async` and the routes that always answer so, with the Functions host in front and without.
@Suite("Jobs that are answered at once")
struct QueuedJobTests {
  private let lake: TemporaryDirectory
  private let parts: ServiceParts

  init() async throws {
    lake = try TemporaryDirectory("lake")
    parts = try await ServiceParts(lake)
  }

  /// - Parameter restoreHasOutput: the forwarded route `restore` has a queue output too, so that it is not forwarded.
  private func app(isInFront: Bool = true, restoreHasOutput: Bool = false) throws -> FunctionApp {
    var text = try Repository.text("function-routes.json")
    if restoreHasOutput {
      text = text.replacing(#""handler": "restore""#, with: #""handler": "restore", "output": {"queue": "own"}"#)
    }
    return try FunctionApp(
      routes: FunctionRoutes(json: Array(text.utf8)),
      handlers: parts.functions(host: FunctionHost(isInFront: isInFront)).handlers)
  }

  private static let day = #"{"table": "a.b", "date": "2024-01-01"}"#

  /// Calls `function` as the host does with an envelope.
  private func invoke(
    _ function: String, _ body: String, method: String = "POST", query: String = "", headers: JSONValue = [:],
    restoreHasOutput: Bool = false
  ) async throws -> JSONValue {
    let envelope: JSONValue = [
      "Data": [
        "req": [
          "Url": .string("https://app.example/api/\(function)\(query)"), "Method": .string(method),
          "Body": .string(body),
          "Headers": headers,
        ]
      ], "Metadata": [:],
    ]
    let response = await (try app(restoreHasOutput: restoreHasOutput)).respond(
      to: try HTTPRequest(
        method: .post, target: "/\(function)", headers: [Invocation.idHeader: "1"], body: Array(envelope.compact.utf8)))
    #expect(response.status == 200)
    return try JSONValue(json: response.body)["Outputs"] ?? .null
  }

  private var documents: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: lake.file("_sluice/operations"))) ?? []
  }

  @Test(
    "Behind the host the job is put on the queue and the operation says so",
    arguments: ["backup_async", "restore_async"])
  func queued(function: String) async throws {
    let outputs = try await invoke(function, #"{"date": "2024-01-01"}"#, query: "?table=a.b&code=s3cret")
    #expect(outputs["res"]?["statusCode"] == 202)
    let operation = try JSONValue(json: Data((outputs["res"]?["body"]?.string ?? "").utf8))
    #expect(operation["state"] == "queued")
    let id = try #require(operation["id"]?.string)
    #expect(outputs["res"]?["headers"]?["Location"]?.string == "/api/operations/\(id)")
    let messages = try #require(outputs["job"]?.elements)
    #expect(messages.count == 1)
    #expect(
      try JSONValue(json: Data((messages[0].string ?? "").utf8))
        == ["table": "a.b", "date": "2024-01-01", "operation": .string(id)])
    #expect(documents == ["\(id).json"])
    #expect(try await parts.operations.operation(id).state.written == .queued)
  }

  @Test(
    "A request that is wrong, or that the queue cannot or must not hold, is refused and begins nothing",
    arguments: [
      (#"{"table": "a.b", "date": "2024-02-30"}"#, 400, "bad_field", "date"),
      (
        #"{"table": "a.b", "date": "2024-01-01", "pg": {"password": "pa55"}}"#, 400, "bad_field", "pg.password"
      ),
      (
        #"{"table": "a.b", "date": "2024-01-01", "pg": {"connection_uri": "postgresql://nobody:pa55@127.0.0.1/db"}}"#,
        400, "bad_field", "pg.connection_uri"
      ),
      (
        #"{"table": "a.b", "date": "2024-01-01", "copy": {"columns": [""#
          + String(repeating: "c", count: JobRuns.maximumMessageBytes) + #""]}}"#, 413, "body_too_large", nil
      ),
    ] as [(String, Int, String, String?)])
  func refused(_ request: (body: String, status: Int, code: String, field: String?)) async throws {
    let outputs = try await invoke("restore_async", request.body)
    #expect(outputs["res"]?["statusCode"]?.whole == request.status)
    let body = outputs["res"]?["body"]?.string ?? ""
    let problem = try JSONValue(json: Data(body.utf8))
    #expect(problem["code"]?.string == request.code)
    #expect(problem["field"]?.string == request.field)
    #expect(!body.contains("pa55"))
    #expect(outputs["job"] == nil)
    #expect(documents == [])
  }

  @Test(
    "A forwarded request, which can have no outputs, is sent to the route that has them",
    arguments: [("restore", "restore_async"), ("backup_manual", "backup_async")])
  func forwarded(route: String, other: String) async throws {
    let response = await (try app()).respond(
      to: try HTTPRequest(
        method: .post, target: "/api/\(route)?table=a.b", headers: ["Prefer": "respond-async"],
        body: Array(#"{"date": "2024-01-01"}"#.utf8)))
    #expect(response.status == 307)
    #expect(response.headers["Location"] == "/api/\(other)?table=a.b")
    let json = try JSONValue(json: response.body)
    #expect(json["location"]?.string == "/api/\(other)")
    #expect(json["detail"]?.string?.contains("/api/\(other)") == true)
    #expect(documents == [])
  }

  @Test("A route that has an output of its own puts the job on its queue when respond-async is preferred")
  func ownOutput() async throws {
    let outputs = try await invoke(
      "restore", Self.day, headers: ["Prefer": ["respond-async"]], restoreHasOutput: true)
    #expect(outputs["res"]?["statusCode"] == 202)
    #expect(outputs["job"]?.elements?.count == 1)
    #expect(documents.count == 1)
  }

  @Test("A forwarded GET is sent there too, with its query, and is put on the queue there")
  func forwardedGet() async throws {
    let query = "?table=a.b&date=2024-01-01"
    let response = await (try app()).respond(
      to: try HTTPRequest(
        method: .get, target: "/api/backup_manual\(query)", headers: ["Prefer": "respond-async"]))
    #expect(response.status == 307)
    #expect(response.headers["Location"] == "/api/backup_async\(query)")
    let outputs = try await invoke("backup_async", "", method: "GET", query: query)
    #expect(outputs["res"]?["statusCode"] == 202, "\(outputs)")
    #expect(outputs["job"]?.elements?.count == 1)
    let refused = try await invoke("backup_async", "", method: "GET", query: query + "&overwrite=true")
    #expect(refused["res"]?["statusCode"] == 405 && refused["job"] == nil, "\(refused)")
  }

  @Test("Without a host the routes run the job in the background", arguments: ["backup_async", "restore_async"])
  func alone(function: String) async throws {
    let response = await (try app(isInFront: false)).respond(
      to: try HTTPRequest(method: .post, target: "/api/\(function)", body: Array(Self.day.utf8)))
    #expect(response.status == 202)
    let id = try #require(try JSONValue(json: response.body)["id"]?.string)
    // There is no database.
    try await eventually { try await parts.operations.operation(id).state.written == .failed }
  }

  @Test("Behind the host, a function that was deployed without its output says what is missing")
  func noOutput() async throws {
    let response = await (try app()).respond(
      to: try HTTPRequest(method: .post, target: "/api/restore_async", body: Array(Self.day.utf8)))
    #expect(response.status == 400)
    #expect(try JSONValue(json: response.body)["code"] == "not_configured")
  }

  @Test("A call whose message never came on its queue puts it there when it is sent again with its key")
  func lostOutput() async throws {
    let key: JSONValue = ["Idempotency-Key": ["k-1"]]
    let first = try await invoke("backup_async", Self.day, headers: key)
    // The host has lost the answer's outputs.
    let again = try await invoke("backup_async", Self.day, headers: key)
    #expect(again["job"] != nil && again["job"] == first["job"], "\(again)")
    #expect(documents.count == 1)
    let password = #"{"table": "a.b", "date": "2024-01-01", "pg": {"password": "pa55"}}"#
    _ = try await invoke("restore_async", password, headers: ["Idempotency-Key": ["k-2"]])
    // What was refused has spent no key.
    let corrected = try await invoke("restore_async", Self.day, headers: ["Idempotency-Key": ["k-2"]])
    #expect(corrected["job"] != nil, "\(corrected)")
  }
}
