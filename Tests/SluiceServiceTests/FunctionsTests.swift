import CustomHandler
import Essentials
import Foundation
import HTTPServer
import Jobs
import Reporting
import TestSupport
import Testing

@testable import SluiceService

/// The functions as callers meet them, without a process, a socket or a database.
@Suite("The functions of the service")
struct FunctionsTests {
  private let lake: TemporaryDirectory
  private let parts: ServiceParts
  private let app: FunctionApp
  private let handlers: FunctionHandlers

  init() async throws {
    lake = try TemporaryDirectory("lake")
    parts = try await ServiceParts(lake)
    handlers = parts.functions().handlers
    app = try FunctionApp(
      routes: FunctionRoutes(json: Array(Data(contentsOf: Repository.file("function-routes.json")))),
      handlers: handlers)
  }

  private func call(
    _ method: HTTPMethod, _ target: String, _ body: String = "", isAsync: Bool = false
  ) async throws -> (response: HTTPResponse, json: JSONValue?) {
    var headers: HTTPFields = ["Host": "localhost"]
    if isAsync { headers["Prefer"] = "respond-async" }
    let response = await app.respond(
      to: try HTTPRequest(method: method, target: target, headers: headers, body: Array(body.utf8)))
    return (response, try? JSONValue(json: response.body))
  }

  /// The documents of operations that were begun.
  private var begun: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: lake.file("_sluice/operations"))) ?? []
  }

  @Test(
    "A bad request is refused at once, also with Prefer: respond-async, and begins no operation",
    arguments: [
      ("/api/backup_manual", #"{"table": "a.b", "date": "2024-02-30"}"#, 400, "bad_field"),
      ("/api/backup_manual", #"{"table": "a.b", "date": "9999-01-01"}"#, 400, "date_in_future"),
      ("/api/backup_manual", #"{"table": "b", "date": "2024-01-01"}"#, 400, "table_without_schema"),
      ("/api/backup_manual", #"{"table": "a.b"}"#, 400, "missing_field"),
      ("/api/backup_manual", #"{"table": "a.b", "date": "2024-01-01", "x": 1}"#, 400, "unknown_field"),
      ("/api/backup_manual", "{", 400, "bad_json"),
      ("/api/restore", #"{"table": "a.b", "date": "2024-02-30"}"#, 400, "bad_field"),
      ("/api/restore", #"{"adls_url": "abfss://nothing"}"#, 400, "bad_field"),
      ("/api/restore", #"{"adls_url": "ftp://x/a.b.2024-01-01.csv.gz"}"#, 400, "bad_field"),
      (
        "/api/restore", #"{"table": "a.b", "date": "2024-01-01", "pg": {"host": "evil.example"}}"#, 403,
        "host_not_allowed"
      ),
      (
        "/api/restore", #"{"adls_url": "abfss://files@evil.dfs.core.windows.net/d/a.b.2024-01-01.csv.gz"}"#, 403,
        "host_not_allowed"
      ),
    ], [false, true])
  func badRequest(_ request: (path: String, body: String, status: Int, code: String), isAsync: Bool) async throws {
    let (response, json) = try await call(.post, request.path, request.body, isAsync: isAsync)
    #expect(response.status == HTTPStatus(request.status), "\(json as Any)")
    #expect(json?["code"]?.string == request.code, "\(json as Any)")
    #expect(response.headers["Location"] == nil)
    #expect(begun == [])
  }

  @Test("A good request with Prefer: respond-async is answered 202 with its operation, which is followed to its end")
  func asynchronous() async throws {
    let day = #"{"table": "a.b", "date": "2024-01-01"}"#
    let (response, json) = try await call(.post, "/api/backup_manual", day, isAsync: true)
    #expect(response.status == 202)
    let id = try #require(json?["id"]?.string)
    #expect(response.headers["Location"] == "/api/operations/\(id)")
    #expect(response.headers["Preference-Applied"] == "respond-async")
    #expect(begun == ["\(id).json"])
    // There is no database.
    try await eventually { try await call(.get, "/api/operations/\(id)").json?["state"] == "failed" }
    let ended = try await call(.get, "/api/operations/\(id)")
    #expect(ended.response.status == 200)
    #expect(ended.json?["error"]?["code"] == "database_unavailable")
    #expect(try await call(.delete, "/api/operations/\(id)").json?["code"] == "operation_ended")
  }

  @Test("The error of a single table-day is the answer")
  func failure() async throws {
    let (response, json) = try await call(.get, "/api/backup_manual?table=a.b&date=2024-01-01")
    #expect(response.status == 503)
    #expect(json?["code"] == "database_unavailable")
    #expect(response.headers["Content-Type"] == "application/problem+json")
  }

  @Test(
    "HEAD runs no backup: it is answered 405 with the methods that do", arguments: ["backup_manual", "backup_async"])
  func head(route: String) async throws {
    let (response, _) = try await call(.head, "/api/\(route)?table=a.b&date=2024-01-01")
    #expect(response.status == 405)
    #expect(response.headers["Allow"] == "GET, POST")
  }

  @Test("GET replaces no archive: overwrite and force need POST", arguments: ["overwrite", "force"])
  func replacingGet(field: String) async throws {
    let target = "/api/backup_manual?table=a.b&date=2024-01-01&\(field)=true"
    let (response, json) = try await call(.get, target)
    #expect(response.status == 405)
    #expect(response.headers["Allow"] == "POST")
    #expect(json?["detail"]?.string?.contains("POST") == true)
    // There is no database.
    #expect(try await call(.post, target).response.status == 503)
    #expect(try await call(.get, target.replacing("=true", with: "=false")).response.status == 503)
  }

  @Test("Health is alive without a database, and readiness says by codes alone what fails")
  func health() async throws {
    for target in ["/api/health", "/api/health?ready=0", "/api/health?ready=false"] {
      let (response, json) = try await call(.get, target)
      #expect(response.status == 200)
      #expect(json?["status"] == "ok")
      #expect(json?["checks"] == nil)
    }
    let (response, json) = try await call(.get, "/api/health?ready=1")
    #expect(response.status == 503)
    #expect(json?["status"] == "failed")
    #expect(json?["checks"]?["postgres"] == ["status": "failed", "code": "database_unavailable"])
    #expect(json?["checks"]?["lake"] == ["status": "ok"])
    #expect(!String(decoding: response.body, as: UTF8.self).contains("127.0.0.1"))
  }

  @Test(
    "A queue message that cannot be worked on fails its invocation with its code",
    arguments: ["backup_worker", "restore_worker"],
    [
      ("{", "bad_json"), ("[]", "bad_json"), (#"{"table": "a.b", "date": "x"}"#, "bad_field"),
      (#"{"table": "a.b", "date": "2024-01-01"}"#, "database_unavailable"),
    ])
  func message(function: String, _ message: (text: String, code: String)) async throws {
    let handler = try #require(handlers.events[function])
    let error = await #expect(throws: JobError.self) {
      try await handler(
        .queue(QueueMessage(text: message.text)), Invocation(functionName: function, trigger: .queue))
    }
    #expect(error?.code.rawValue == message.code, "\(error as Any)")
  }

  @Test(
    "An operation that is not there is 404, whatever its id",
    arguments: ["1", "0b7e4b1c-0000-4000-8000-000000000000", "..%2F..%2Fetc", "%C3%BC"])
  func unknownOperation(id: String) async throws {
    for method in [HTTPMethod.get, .delete] {
      let (response, json) = try await call(method, "/api/operations/\(id)")
      #expect(response.status == 404)
      #expect(json?["code"] == "operation_not_found")
    }
  }

  @Test("An empty lake has no archives, and a path that no function has is 404")
  func others() async throws {
    let archives = try await call(.get, "/api/archives")
    #expect(archives.response.status == 200)
    #expect(archives.json?["archives"] == [])
    #expect(try await call(.get, "/api/nowhere").response.status == 404)
  }
}
