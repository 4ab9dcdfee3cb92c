import Essentials
import HTTPServer
import Testing

@testable import CustomHandler

@Suite("Invocations") struct InvocationTests {
  private let function = FunctionRoute(name: "f", trigger: .timer(schedule: "0 0 0 * * *"), handler: "h")

  private func invocation(_ headers: HTTPFields) throws -> Invocation {
    Invocation(of: function, try HTTPRequest(method: .post, target: "/f", headers: headers))
  }

  @Test("The last invocation id is the host's")
  func theLastInvocationIDIsTheHosts() throws {
    let headers: HTTPFields = ["x-azure-functions-invocationid": "forged", Invocation.idHeader: "also-forged, host-1"]
    #expect(try invocation(headers).id == "host-1")
  }

  @Test(
    "An invocation id that could not be one is replaced",
    arguments: ["", "a b", "x\u{1B}[31m", String(repeating: "a", count: 129)])
  func anIDThatCouldNotBeOneIsReplaced(_ value: String) throws {
    let id = try invocation(HTTPFields([(Invocation.idHeader, value)])).id
    #expect(id.wholeMatch(of: #/[0-9a-f\-]{36}/#) != nil)
  }

  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let span = "b7ad6b7169203331"

  @Test("A traceparent of the W3C form is taken")
  func aTraceOfTheW3CFormIsTaken() throws {
    let headers: HTTPFields = ["Traceparent": "00-\(Self.trace)-\(Self.span)-01"]
    let parent = try invocation(headers).traceParent
    #expect(parent?.description == "00-\(Self.trace)-\(Self.span)-01")
    #expect(TraceParent("01-\(Self.trace)-\(Self.span)-01-more") != nil, "a later version may carry more")
  }

  @Test(
    "Any other traceparent is ignored",
    arguments: [
      "", "00-\(trace)-\(span)", "ff-\(trace)-\(span)-01", "00-\(trace.uppercased())-\(span)-01",
      "00-\(String(repeating: "0", count: 32))-\(span)-01", "00-\(trace)-0000000000000000-01",
      "00-\(trace)-\(span)-01-more",
      "00-\(trace)-\(span)-1", " 00-\(trace)-\(span)-01",
    ])
  func anyOtherTraceIsIgnored(_ value: String) { #expect(TraceParent(value) == nil) }

  @Test("Two traceparents are none")
  func twoTracesAreNone() {
    let value = "00-\(Self.trace)-\(Self.span)-01"
    #expect(TraceParent(["traceparent": value, "traceparent": value]) == nil)
  }

  @Test("Log lines are single lines, and no more than the limit")
  func logLinesAreSingleAndBounded() {
    let log = InvocationLog()
    log.add("one\r\ntwo\nthree")
    for _ in 0..<2000 { log.add("x") }
    #expect(log.all.first == "one two three")
    #expect(log.all.count == InvocationLog.maximumLines)
    #expect(log.all.last == "further lines are left out")
  }

  @Test("A bare string cannot become an output")
  func aBareStringCannotBecomeAnOutput() throws {
    #expect(try FunctionResult.Output(encoding: "done") == .array(["done"]))
    #expect(try FunctionResult.Output(encoding: ["a": 1]) == .object(["a": 1]))
    #expect(try FunctionResult.Output(encoding: [1, 2]) == .array([1, 2]))
  }

  @Test("A failure that names a status of success or a redirect is answered 500")
  func aFailureThatCallsItselfASuccessIsA500() {
    struct Odd: FunctionFailure {
      let status: HTTPStatus
      var problem: Problem { Problem(status: status, code: "odd", detail: "d") }
    }
    #expect(Problem(failure: Odd(status: 200)).status == 500)
    #expect(Problem(failure: Odd(status: 302)).status == 500)
    #expect(Problem(failure: Odd(status: 409)).status == 409)
    #expect(Problem(failure: CancellationError()).status == 503)
  }
}
