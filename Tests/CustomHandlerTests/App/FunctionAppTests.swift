import Essentials
import HTTPServer
import Testing

@testable import CustomHandler

extension HTTPResponse {
  var text: String {
    String(decoding: body, as: UTF8.self)
  }
  var json: [String: JSONValue] { JSONValue(text: text)?.object ?? [:] }
  var code: String? { json["code"]?.string }
}

/// An app that tells what reached its handlers.
func makeApp(
  prefix: String = "api", key: AccessKey? = nil, callers: Callers = .anyone, ownKeys: [String: [AccessKey]] = [:]
) throws -> FunctionApp {
  let routes = try FunctionRoutes(
    json: Array(
      #"""
      {"routePrefix": "\#(prefix)", "functions": [
        {"name": "Items", "trigger": "http", "route": "items/{id?}", "methods": ["GET", "POST"], "handler": "echo"},
        {"name": "both", "trigger": "http", "methods": ["POST"], "handler": "echo"},
        {"name": "later", "trigger": "http", "methods": ["POST"], "handler": "later", "output": {"queue": "jobs"}},
        {"name": "health", "trigger": "http", "methods": ["GET"], "authLevel": "anonymous", "handler": "echo"},
        {"name": "nightly", "trigger": "timer", "schedule": "0 15 2 * * *", "handler": "event"},
        {"name": "work", "trigger": "queue", "queue": "jobs", "handler": "event"}]}
      """#.utf8))
  var handlers = FunctionHandlers()
  handlers.onHTTP("echo") { request, invocation in
    invocation.log.add("seen \(invocation.functionName)")
    let parameters = request.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(
      separator: ",")
    let body = String(decoding: request.body, as: UTF8.self)
    if request.query["bytes"] != nil { return HTTPResponse(body: [0xFF]) }
    return HTTPResponse(
      status: 201,
      headers: ["X-A": "1", "x-a": "2", "Set-Cookie": "c=1", "Set-Cookie": "d=2", "Content-Type": "text/x"],
      body: Array(
        "\(request.method) \(request.target) [\(parameters)] \(body) key:\(request.headers["x-functions-key"] ?? "-")"
          .utf8))
  }
  handlers.onHTTP("later") { _, invocation in
    guard invocation.outputs.names.contains(QueueOutput.job) else { return HTTPResponse(status: 307) }
    invocation.outputs.give(.array(["done"]), to: QueueOutput.job)
    return HTTPResponse(status: 202)
  }
  handlers.onEvent("event") { event, invocation in
    invocation.log.add(invocation.id)
    switch event {
    case .timer(let timer): return timer.isPastDue ? .done : FunctionResult(outputs: ["jobs": .array(["done"])])
    case .queue(let message):
      struct Broken: Error, CustomStringConvertible { let description = "the table is gone" }
      struct Full: FunctionFailure {
        let problem = Problem(status: 507, code: "lake_full", detail: "make room")
      }
      switch message.text {
      case "break": throw Broken()
      case "full": throw Full()
      default:
        return FunctionResult(outputs: ["text": .object(["text": .string(message.text)])], returnValue: .array([1]))
      }
    }
  }
  return try FunctionApp(routes: routes, handlers: handlers, accessKey: key, callers: callers, ownKeys: ownKeys)
}

@Suite("The function app") struct FunctionAppTests {
  private func ask(
    _ app: FunctionApp, _ method: HTTPMethod, _ target: String, _ body: String = "", headers: HTTPFields = [:]
  ) async throws -> HTTPResponse {
    await app.respond(
      to: try HTTPRequest(method: method, target: target, headers: headers, body: Array(body.utf8)))
  }

  @Test("The probe needs no key")
  func theProbeNeedsNoKey() async throws {
    let app = try makeApp(key: AccessKey(Secret("k")))
    for method in [HTTPMethod.get, .head] { #expect(try await ask(app, method, "/").status == 200) }
    let post = try await ask(app, .post, "/")
    #expect(post.status == 405 && post.headers["Allow"] == "GET, HEAD")
  }

  @Test("An answer in an envelope may have outputs; that of a forwarded request has none")
  func outputs() async throws {
    let app = try makeApp()
    let envelope = #"{"Data":{"req":{"Url":"http://h/api/later","Method":"POST"}},"Metadata":{}}"#
    let answer = try await ask(app, .post, "/later", envelope)
    #expect(answer.status == 200)
    #expect(answer.json["Outputs"]?.object?["job"] == ["done"])
    #expect(answer.json["Outputs"]?.object?["res"]?.object?["statusCode"] == 202)
    #expect(try await ask(app, .post, "/api/later").status == 307)
  }

  @Test(
    "A function with keys of its own asks for one in a header, also of a caller within the host's envelope; without any it admits nobody"
  )
  func ownKeys() async throws {
    let own = [Secret("one"), Secret("two")].compactMap { AccessKey($0) }
    let app = try makeApp(ownKeys: ["echo": own, "later": own, "event": own])
    for header in [HTTPFields(), ["x-functions-key": "on"], ["x-functions-key": ""], ["Authorization": "Basic one"]] {
      let refused = try await ask(app, .get, "/api/health?code=one", headers: header)
      #expect(refused.status == 401 && refused.code == "unauthorized")
    }
    let shown: [HTTPFields] = [["x-functions-key": "one"], ["x-functions-key": "two"], ["Authorization": "bearer two"]]
    for header in shown {
      #expect(try await ask(app, .get, "/api/health", headers: header).status == 201)
    }
    func envelope(_ headers: String) -> String {
      #"{"Data":{"req":{"Url":"http://h/api/later","Method":"POST","Headers":{\#(headers)}}},"Metadata":{}}"#
    }
    let without = try await ask(app, .post, "/later", envelope(""), headers: ["x-functions-key": "one"])
    #expect(without.json["Outputs"]?.object?["res"]?.object?["statusCode"] == 401)
    let with = try await ask(app, .post, "/later", envelope(#""x-functions-key":["one"]"#))
    #expect(with.json["Outputs"]?.object?["res"]?.object?["statusCode"] == 202)
    // An event has no caller within: the key is asked of whoever brings it.
    let event = #"{"Data":{"timer":{}},"Metadata":{}}"#
    #expect(try await ask(app, .post, "/nightly", event).status == 401)
    #expect(try await ask(app, .post, "/nightly", event, headers: ["x-functions-key": "two"]).status == 200)
    let unset = try makeApp(ownKeys: ["echo": []])
    #expect(try await ask(unset, .get, "/api/health", headers: ["x-functions-key": ""]).status == 401)
  }

  @Test("A forwarded request reaches its function, without the key")
  func aForwardedRequestReachesItsFunctionWithoutTheKey() async throws {
    let answer = try await ask(
      try makeApp(), .post, "/API/Items/a%20b?code=s&x=1", "body", headers: ["X-Functions-Key": "s"])
    #expect(answer.status == 201)
    #expect(answer.text == "POST /API/Items/a%20b?x=1 [id=a b] body key:-")
  }

  @Test("Unknown paths and methods are answered by problems")
  func unknownPathsAndMethodsAreProblems() async throws {
    let app = try makeApp()
    let missing = try await ask(app, .get, "/api/nothing")
    #expect(missing.status == 404 && missing.code == "not_found")
    #expect(missing.headers["Content-Type"] == "application/problem+json")
    let wrong = try await ask(app, .put, "/api/items")
    #expect(wrong.status == 405 && wrong.code == "method_not_allowed" && wrong.headers["Allow"] == "GET, HEAD, POST")
    let envelope = try await ask(app, .get, "/nightly")
    #expect(envelope.status == 405 && envelope.headers["Allow"] == "POST")
    #expect(try await ask(app, .post, "/Nightly", "{}").status == 404, "the case of a function's name counts")
    #expect(try await ask(app, .options, "*").status == 204)
  }

  @Test("The key is asked for everywhere but at anonymous functions")
  func theKeyIsAskedForEverywhereButAtAnonymousFunctions() async throws {
    let app = try makeApp(key: AccessKey(Secret("k")))
    let timer = #"{"Data":{"timer":{}}}"#
    for (method, path, body) in [
      (HTTPMethod.get, "/api/items", ""), (.post, "/nightly", timer), (.post, "/health", "{}"),
    ] {
      let refused = try await ask(app, method, path, body, headers: ["x-functions-key": "wrong"])
      #expect(refused.status == 401 && refused.code == "unauthorized")
    }
    #expect(try await ask(app, .get, "/api/items?code=k").status == 201)
    #expect(try await ask(app, .post, "/nightly", timer, headers: ["x-functions-key": "k"]).status == 200)
    #expect(try await ask(app, .get, "/api/health").status == 201)
  }

  @Test("An event is always answered with a JSON object")
  func anEventIsAnsweredWithAnObjectAlways() async throws {
    let app = try makeApp()
    let id: HTTPFields = [Invocation.idHeader: "forged", "x-azure-functions-invocationid": "host"]
    let late = try await ask(app, .post, "/nightly", #"{"Data":{"timer":{"IsPastDue":true}}}"#, headers: id)
    #expect(late.status == 200 && late.headers["Content-Type"] == "application/json")
    #expect(late.text == #"{"Logs":["host"],"Outputs":{},"ReturnValue":null}"#)
    let onTime = try await ask(app, .post, "/nightly", #"{"Data":{"timer":{}}}"#, headers: id)
    #expect(onTime.json["Outputs"] == ["jobs": ["done"]])
    let queue = try await ask(app, .post, "/work", #"{"Data":{"message":"\"hi\""}}"#)
    #expect(queue.json["Outputs"] == ["text": ["text": "hi"]])
    #expect(queue.json["ReturnValue"] == [1])
  }

  @Test("A failed event is answered with an error status, so that the host retries it")
  func aFailedEventIsNoSuccessSoThatTheHostRetries() async throws {
    let app = try makeApp()
    let broken = try await ask(app, .post, "/work", #"{"Data":{"message":"break"}}"#)
    #expect(broken.status == 500 && broken.code == "function_failed")
    #expect(broken.json["detail"] == "the table is gone")
    let full = try await ask(app, .post, "/work", #"{"Data":{"message":"full"}}"#)
    #expect(full.status == 507 && full.code == "lake_full")
    let bad = try await ask(app, .post, "/work", "[]")
    #expect(bad.status == 400 && bad.code == "bad_envelope")
  }

  @Test("An HTTP function that is called by an envelope answers inside one")
  func anHTTPFunctionAnswersInsideTheEnvelope() async throws {
    let answer = try await ask(
      try makeApp(), .post, "/Items",
      #"""
      {"Data":{"req":{"Url":"http://h/api/items/7?code=s&x=1","Method":"POST",
       "Headers":{"X-Functions-Key":["s"],"X-Request-Id":["mine"]},"Body":"b"}},"Metadata":{}}
      """#)
    #expect(answer.status == 200)
    #expect(answer.json["Logs"] == ["seen Items", "only the last of 2 Set-Cookie headers could be sent"])
    #expect(answer.json["ReturnValue"] == .null)
    #expect(
      answer.json["Outputs"]?.object?["res"] == [
        "statusCode": 201, "body": "POST /api/items/7?x=1 [id=7] b key:-",
        "headers": ["X-A": "1, 2", "Set-Cookie": "d=2", "Content-Type": "text/x", "X-Request-Id": "mine"],
      ])
  }

  @Test("Route parameters that the host gives override those of the path")
  func theHostsRouteValuesWin() async throws {
    let answer = try await ask(
      try makeApp(), .post, "/Items",
      #"{"Data":{"req":{"Url":"http://h/api/items/7","Method":"GET","Params":{"id":"8"}}}}"#)
    let body = answer.json["Outputs"]?.object?["res"]?.object?["body"]?.string
    #expect(body?.contains("[id=8]") == true)
  }

  @Test("An answer that is not UTF-8 text is refused in an envelope")
  func anAnswerThatIsNoTextIsRefusedInAnEnvelope() async throws {
    let answer = try await ask(
      try makeApp(), .post, "/Items", #"{"Data":{"req":{"Url":"http://h/api/items?bytes=1","Method":"GET"}}}"#)
    #expect(answer.status == 200)
    let inner = answer.json["Outputs"]?.object?["res"]?.object ?? [:]
    #expect(inner["statusCode"] == 500)
    #expect(inner["body"]?.string?.contains("body_not_text") == true)
  }

  @Test("Where a path is both a function's and an envelope's, header and shape of the body decide")
  func aPathThatIsBothIsDecidedByHeaderAndShape() async throws {
    let app = try makeApp(prefix: "")
    let envelope = #"{"Data":{"req":{"Url":"http://h/both","Method":"POST","Body":"inner"}},"Metadata":{}}"#
    let id: HTTPFields = [Invocation.idHeader: "i"]
    #expect(try await ask(app, .post, "/both", envelope, headers: id).status == 200)
    #expect(try await ask(app, .post, "/both", envelope).status == 201, "no host, no envelope")
    #expect(try await ask(app, .post, "/both", #"{"Data":1}"#, headers: id).status == 201, "forwarded")
    #expect(try await ask(app, .post, "/nightly", #"{"Data":{"timer":{}}}"#).status == 200)
  }

  @Test("A handler that is not registered is found at the start")
  func aHandlerThatIsNotRegisteredIsFoundAtTheStart() throws {
    let routes = try FunctionRoutes(
      json: Array(#"{"functions":[{"name":"f","trigger":"queue","queue":"jobs","handler":"h"}]}"#.utf8))
    var handlers = FunctionHandlers()
    handlers.onHTTP("h") { _, _ in .text("") }
    let missing = FunctionAppError.missingHandler(function: "f", handler: "h", trigger: .queue)
    #expect(throws: missing) { try FunctionApp(routes: routes, handlers: handlers) }
    #expect(missing.description.contains("function `f`"))
  }
}
