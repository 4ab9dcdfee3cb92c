import HTTPServer
import Testing

@Suite("HTTP router") struct HTTPRouterTests {
  private func router(_ routes: [(HTTPMethod, String)]) throws -> HTTPRouter<String> {
    var router = HTTPRouter<String>()
    for (method, pattern) in routes { try router.register(method, pattern, "\(method) \(pattern)") }
    return router
  }

  private func match(_ router: HTTPRouter<String>, _ method: HTTPMethod, _ path: String) throws -> String {
    let request = try HTTPRequest(method: method, target: path)
    switch router.match(method, request.pathSegments) {
    case .found(let value, let parameters):
      return ([value] + parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }).joined(separator: "; ")
    case .notFound: return "404"
    case .methodNotAllowed(let allow): return "405 " + allow.map(\.rawValue).joined(separator: ",")
    }
  }

  @Test("Literal segments match without regard to ASCII case, and parameters are decoded")
  func findsLiteralsWithoutCaseAndDecodesParameters() throws {
    let router = try router([(.get, "/api/items/{id}"), (.get, "api/Health")])
    #expect(try match(router, .get, "/API/health/") == "GET api/Health")
    #expect(try match(router, .get, "/api/Items/a%2Fb%20c") == "GET /api/items/{id}; id=a/b c")
    #expect(try match(router, .get, "/api/items") == "404")
    #expect(try match(router, .get, "/api/items/1/2") == "404")
    #expect(try match(router, .get, "/api//items") == "404")
  }

  @Test("An optional parameter may be missing")
  func anOptionalParameterMayBeMissing() throws {
    let router = try router([(.get, "/cron/{action?}")])
    #expect(try match(router, .get, "/cron") == "GET /cron/{action?}")
    #expect(try match(router, .get, "/cron/plan") == "GET /cron/{action?}; action=plan")
  }

  @Test("HEAD is served by GET's route unless it has its own")
  func headIsServedByGetUnlessItHasItsOwn() throws {
    let router = try router([(.get, "/a"), (.get, "/b"), (.head, "/b")])
    #expect(try match(router, .head, "/a") == "GET /a")
    #expect(try match(router, .head, "/b") == "HEAD /b")
  }

  @Test("A wrong method is answered with the methods that the path has")
  func aWrongMethodNamesTheRightOnes() throws {
    let router = try router([(.get, "/a"), (.post, "/{x}"), (.delete, "/b")])
    #expect(try match(router, .put, "/a") == "405 GET,HEAD,POST")
    #expect(try match(router, .put, "/b") == "405 POST,DELETE")
  }

  @Test(
    "Two routes of one method that fit the same path are refused",
    arguments: [
      ("/a/b", "/A/b"), ("/a/{x}", "/a/b"), ("/{x}/b", "/a/{y}"), ("/a/{x?}", "/a"), ("/a/{x?}", "/a/{y}"), ("", "/"),
    ])
  func routesThatFitTheSamePathAreRefused(_ first: String, _ second: String) throws {
    var router = try router([(.get, first)])
    #expect(throws: HTTPRouteError.self) { try router.register(.get, second, "") }
    #expect(throws: Never.self) { try router.register(.post, second, "") }
  }

  @Test(
    "A pattern that cannot be read is refused",
    arguments: ["/a//b", "/{x?}/b", "/{x", "/x}", "/{}", "/{x:int}", "/{*rest}", "/{x}/{X}", "/a{x}", "/%zz"])
  func patternsThatCannotBeReadAreRefused(_ pattern: String) {
    var router = HTTPRouter<Int>()
    #expect(throws: HTTPRouteError.self) { try router.register(.get, pattern, 1) }
  }
}
