import Essentials
import Testing

@testable import HTTPServer

@Suite("Requests that the parser accepts") struct ParserAcceptanceTests {
  private func one(_ text: String) throws -> HTTPRequest {
    let (run, agree) = ParserRun.all(text)
    #expect(agree, "every split of the bytes gives the same result")
    #expect(run.refusal == nil)
    #expect(run.phase == .idle)
    try #require(run.requests.count == 1)
    return run.requests[0]
  }

  private func text(_ body: [UInt8]) -> String { String(decoding: body, as: UTF8.self) }

  @Test("Target, query and headers are read")
  func readsTargetQueryAndHeaders() throws {
    let request = try one(
      "GET /api/a%20b/?x=1&x=2+3&y=%C3%A9&flag HTTP/1.1\r\nHost: h:1\r\nX-A: 1\r\nx-a:\t2 \r\nEmpty:\r\n\r\n")
    #expect(request.method == .get)
    #expect(request.path == "/api/a%20b/")
    #expect(request.pathSegments == ["api", "a b"])
    #expect(request.query.items.filter { $0.name == "x" }.map(\.value) == ["1", "2 3"])
    #expect(request.query["y"] == "é")
    #expect(request.query["flag"] == "")
    #expect(request.headers.values("X-A") == ["1", "2"])
    #expect(request.headers["empty"] == "")
    #expect(request.body.isEmpty)
  }

  @Test("A body is read by its Content-Length")
  func readsABodyByItsLength() throws {
    let request = try one("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na\r\n\0b")
    #expect(request.body == Array("a\r\n\0b".utf8))
  }

  @Test("The same Content-Length given twice is accepted")
  func acceptsTheSameLengthTwice() throws {
    let request = try one("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2, 2\r\n\r\nab")
    #expect(text(request.body) == "ab")
  }

  @Test("Chunks are read, their extensions and the trailers dropped")
  func readsChunksAndDropsExtensionsAndTrailers() throws {
    let request = try one(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
        + "3;name=\"v\"\r\nabc\r\n00A ;x\r\n0123456789\r\n0\r\nHost: evil\r\nX-T: 1\r\n\r\n")
    #expect(text(request.body) == "abc0123456789")
    #expect(request.headers.values("Host") == ["a"])
    #expect(request.headers["X-T"] == nil)
  }

  @Test("An empty chunked body is read")
  func readsAnEmptyChunkedBody() throws {
    let request = try one("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    #expect(request.body.isEmpty)
  }

  @Test("Pipelined requests are kept apart")
  func keepsPipelinedRequestsApart() {
    let (run, agree) = ParserRun.all(
      "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
        + "\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n"
        + "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(agree)
    #expect(run.requests.map(\.target) == ["/1", "/2", "/3"])
    #expect(run.requests.map { text($0.body) } == ["ab", "c", ""])
  }

  @Test("A target in absolute form and `OPTIONS *` are accepted")
  func acceptsAbsoluteFormAndStar() throws {
    #expect(try one("GET http://h:8/a?b=1 HTTP/1.1\r\nHost: h\r\n\r\n").path == "/a")
    #expect(try one("GET HTTPS://h?b=1 HTTP/1.1\r\nHost: h\r\n\r\n").query["b"] == "1")
    #expect(try one("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").path == "*")
    #expect(try one("OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n").path == "*")
  }

  @Test(
    "Version and `Connection` decide whether the connection stays",
    arguments: [
      ("HTTP/1.1\r\nHost: a", true), ("HTTP/1.1\r\nHost: a\r\nConnection: x, Close", false),
      ("HTTP/1.0", false), ("HTTP/1.0\r\nConnection: Keep-Alive", true),
      ("HTTP/1.0\r\nConnection: keep-alive, close", false),
    ])
  func knowsWhetherTheConnectionStays(_ rest: String, _ stays: Bool) {
    let (run, agree) = ParserRun.all("GET / \(rest)\r\n\r\n")
    #expect(agree)
    #expect(run.keepAlive == [stays])
  }

  @Test("The parser tells when the client waits for 100 Continue")
  func tellsWhenTheClientWaitsForTheGoAhead() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n"
    #expect(ParserRun.all(head + "Content-Length: 1\r\n\r\n").run.events == ["continue"])
    #expect(ParserRun.all(head + "Transfer-Encoding: chunked\r\n\r\n").run.events == ["continue"])
    #expect(ParserRun.all(head + "\r\n").run.events.count == 1, "without a body there is nothing to wait for")
    let old = "POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
    #expect(ParserRun.all(old).run.events.isEmpty, "HTTP/1.0 has no 100 (RFC 9110 §10.1.1)")
  }

  @Test("The parser tells which part of a request is coming in")
  func namesThePhaseForTheClocks() {
    #expect(ParserRun.all("\r\n\r\n\r").run.phase == .idle)
    #expect(ParserRun.all("G").run.phase == .head)
    #expect(ParserRun.all("GET / HTTP/1.1\r\nHost").run.phase == .head)
    #expect(ParserRun.all("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na").run.phase == .body)
  }

  @Test("Sizes up to the limits are accepted")
  func acceptsSizesUpToTheLimits() throws {
    let target = "/" + String(repeating: "a", count: 8 * 1024 - 1)
    #expect(try one("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n").target == target)
    // "Host: a" and the blank line take 9 and 2 bytes, "A: " and its line end 5.
    let value = String(repeating: "b", count: 32 * 1024 - 16)
    #expect(try one("GET / HTTP/1.1\r\nHost: a\r\nA: \(value)\r\n\r\n").headers["A"] == value)
    #expect(
      ParserRun.all("GET / HTTP/1.1\r\nHost: a\r\nA: \(value)b\r\n\r\n").run.refusal?.status == 431)
  }

  @Test("A header value that is not UTF-8 is read as Latin-1")
  func readsOldLatin1Values() {
    var bytes = Array("GET / HTTP/1.1\r\nHost: a\r\nA: ".utf8)
    bytes += [0xE9] + Array("\r\n\r\n".utf8)
    #expect(ParserRun(bytes, pieces: 5).requests.first?.headers["A"] == "é")
  }
}
