import Archive
import CustomHandler
import Database
import Essentials
import Foundation
import HTTPServer
import Jobs
import Reporting
import SluiceService
import TestSupport
import Testing

/// `docs/openapi.json` says what the program does: no route, field or code more, and none less.
@Suite("The OpenAPI document")
struct OpenAPITests {
  typealias Value = JSONValue

  let document: Value
  let routes: FunctionRoutes

  init() throws {
    document = try Value(json: Data(contentsOf: Repository.file("docs/openapi.json")))
    routes = try FunctionRoutes(
      json: Array(Data(contentsOf: Repository.file("function-routes.json"))))
  }

  @Test("Every HTTP function is described, and nothing else")
  func functions() throws {
    var served: [String: Set<String>] = [:]
    for function in routes.functions {
      guard case .http(let route, let methods, let level) = function.trigger else { continue }
      let path = "/\(routes.routePrefix)/\(route)"
      served[path, default: []].formUnion(methods.map { $0.rawValue.lowercased() })
      for method in methods {
        let operation = try #require(document["paths"]?[path]?[method.rawValue.lowercased()], "\(method) \(path)")
        let security = operation["security"] ?? document["security"]
        let isOpen = level == .anonymous && function.name != "maintenance"
        #expect((security == .array([])) == isOpen, "\(method) \(path): the key")
      }
    }
    let described = try #require(document["paths"]?.object).mapValues { Set($0.object?.keys ?? [:].keys) }
    #expect(described == served)
  }

  @Test("The members of a backup request are those that the program reads")
  func backup() throws {
    let base: [String: Value] = ["table": .string("a.b"), "date": .string("2024-01-01")]
    try check(schema("BackupRequest"), base) { _ = try BackupRequest($0) }
  }

  @Test("The members of a restore request are those that the program reads")
  func restore() throws {
    let base: [String: Value] = ["table": .string("a.b"), "date": .string("2024-01-01")]
    try check(schema("RestoreRequest"), base) { _ = try RestoreRequest($0) }
  }

  @Test("The members of a verification's request are those that the program reads, and the results' words its own")
  func verify() throws {
    try check(schema("VerifyRequest"), [:]) { _ = try VerifyRequest($0) }
    try check(queryItems(of: "/api/verify"), [:]) { _ = try VerifyRequest($0) }
    for example in try #require(schema("VerifyRequest")["examples"]?.elements) { _ = try VerifyRequest(example) }
    let result = try schema("VerifyResult")["properties"]
    func words(_ value: Value?) -> Set<String> { Set(value?["enum"]?.elements?.compactMap(\.string) ?? []) }
    #expect(words(result?["status"]) == Set(VerifyResult.Status.allCases.map(\.rawValue)))
    #expect(words(result?["damage"]?["properties"]?["what"]) == Set(ArchiveDamage.Kind.allCases.map(\.rawValue)))
    #expect(words(result?["depth"]) == Set(ArchiveVerification.Depth.allCases.map(\.rawValue)))
  }

  @Test("The members of a maintenance request are those that the program reads, and the results' words its own")
  func maintenance() throws {
    try check(schema("MaintenanceRequest"), [:]) { _ = try MaintenanceRequest($0) }
    let result = try schema("MaintenanceResult")["properties"]
    func words(_ value: Value?) -> Set<String> { Set(value?["enum"]?.elements?.compactMap(\.string) ?? []) }
    #expect(words(result?["outcome"]) == Set(MaintenanceResult.Outcome.allCases.map(\.rawValue)))
    #expect(words(result?["kind"]) == Set(MaintenanceTask.Name.allCases.map(\.rawValue)))
  }

  @Test("The query items are those that the program reads")
  func query() throws {
    let backup: [String: Value] = ["table": .string("a.b"), "date": .string("2024-01-01")]
    try check(queryItems(of: "/api/backup_manual"), backup) { _ = try BackupRequest($0) }
    try check(queryItems(of: "/api/archives"), [:]) { _ = try ArchivesRequest($0) }
    try check(queryItems(of: "/api/chunks"), ["table": .string("a.b")]) { _ = try ChunksRequest($0) }
  }

  @Test("The program accepts the examples")
  func examples() throws {
    let backups = try #require(schema("BackupRequest")["examples"]?.elements)
    let restores = try #require(schema("RestoreRequest")["examples"]?.elements)
    #expect(!backups.isEmpty && !restores.isEmpty)
    for example in backups { _ = try BackupRequest(example) }
    for example in restores { _ = try RestoreRequest(example) }
  }

  @Test("The enumerations are those of the program")
  func enumerations() throws {
    let destination = try schema("RestoreRequest")["properties"]?["destination"]?["properties"]
    func choices(_ name: String) -> Set<String> {
      Set(destination?[name]?["enum"]?.elements?.compactMap(\.string) ?? [])
    }
    #expect(choices("mode") == Set(LoadPolicy.Mode.allCases.map(\.rawValue)))
    #expect(choices("on_existing") == Set(LoadPolicy.OnExisting.allCases.map(\.rawValue)))
    #expect(choices("columns_missing") == Set(LoadPolicy.ColumnsMissing.allCases.map(\.rawValue)))
  }

  @Test("The largest body is the one that the program accepts")
  func largestBody() throws {
    let limit = "body is over \(HTTPServerConfiguration().maximumBodySize >> 20) MiB"
    #expect(document["components"]?["responses"]?["BodyTooLarge"]?["description"]?.string?.contains(limit) == true)
    let prose = try String(contentsOf: Repository.file("docs/http.md"), encoding: .utf8)
    #expect(prose.contains(limit))
  }

  @Test("The program serves the document")
  func served() async throws {
    let lake = try TemporaryDirectory("lake")
    let handlers = try await ServiceParts(lake).functions().handlers
    let handler = try #require(handlers.http["openapi"])
    let answer = await handler(
      try HTTPRequest(method: .get, target: "/api/openapi.json"), Invocation(functionName: "openapi", trigger: .http))
    #expect(answer.headers["Content-Type"] == "application/json")
    let isSame = try answer.body == Array(Data(contentsOf: Repository.file("docs/openapi.json")))
    #expect(isSame, "docs/openapi.json was changed after the program was built: build again by make build")
  }

  // MARK: What the tests share

  func schema(_ name: String) throws -> Value {
    try #require(document["components"]?["schemas"]?[name])
  }

  /// The query parameters of a GET, as the properties of a closed object.
  func queryItems(of path: String) throws -> Value {
    let parameters = try #require(document["paths"]?[path]?["get"]?["parameters"]?.elements)
    let names = parameters.filter { $0["in"]?.string == "query" }.compactMap { $0["name"]?.string }
    return .object([
      "properties": .object(Dictionary(uniqueKeysWithValues: names.map { ($0, .object([:])) })),
      "additionalProperties": .bool(false),
    ])
  }

  /// Every property of `schema`, and of the objects within, is read by `read`; no other is, and what `read` names as
  /// known is there. `base` is a request that is taken.
  func check(_ schema: Value, _ base: [String: Value], _ read: (Value) throws -> Void) throws {
    #expect(schema["additionalProperties"] == .bool(false))
    let properties = try #require(schema["properties"]?.object)
    #expect(!properties.isEmpty)
    // A member that is null counts as not there, but one that nobody knows is refused all the same.
    var members = base
    for name in properties.keys where members[name] == nil { members[name] = .null }
    #expect(throws: Never.self) { try read(.object(members)) }

    members["surely_unknown"] = .null
    let error = try #require(throws: JobError.self) { try read(.object(members)) }
    #expect(error.code == .unknownField)
    let known = try #require(error.message.firstRange(of: "known are ")).upperBound
    #expect(Set(error.message[known...].split(separator: ", ").map(String.init)) == Set(properties.keys))

    for (name, property) in properties where property["properties"] != nil {
      try check(property, [:]) { inner in
        var outer = base
        outer[name] = inner
        try read(.object(outer))
      }
    }
  }
}

/// Paths into a document.
extension JSONValue {
  var elements: [Self]? { if case .array(let items) = self { items } else { nil } }
  subscript(name: String) -> Self? { object?[name] }
}
