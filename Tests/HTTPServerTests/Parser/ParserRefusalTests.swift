import Testing

@testable import HTTPServer

struct Refusal: Sendable, CustomTestStringConvertible {
  let name: String
  let text: String
  let status: Int
  let code: String
  var testDescription: String { name }

  init(_ name: String, _ status: Int, _ code: String, _ text: String) {
    (self.name, self.status, self.code, self.text) = (name, status, code, text)
  }

  /// A request with the given header lines after a valid request line and host.
  init(_ name: String, _ status: Int, _ code: String, headers: String, body: String = "") {
    self.init(name, status, code, "POST / HTTP/1.1\r\nHost: a\r\n\(headers)\r\n\r\n\(body)")
  }

  init(_ name: String, _ status: Int, _ code: String, chunks: String) {
    self.init(name, status, code, headers: "Transfer-Encoding: chunked", body: chunks)
  }
}

@Suite("Requests that the parser refuses") struct ParserRefusalTests {
  static let limits = ParserLimits(
    target: 100, headerBlock: 400, body: 50, chunkLine: 60, chunkExtensions: 80)

  static let requestLines: [Refusal] = [
    Refusal("two parts", 400, "bad_request_line", "GET /\r\n"),
    Refusal("four parts", 400, "bad_request_line", "GET / x HTTP/1.1\r\n"),
    Refusal("two spaces", 400, "bad_request_line", "GET  / HTTP/1.1\r\n"),
    Refusal("space in front", 400, "bad_request_line", " GET / HTTP/1.1\r\n"),
    Refusal("bad method character", 400, "bad_request_line", "G(T / HTTP/1.1\r\n"),
    Refusal("non-ASCII method", 400, "bad_request_line", "GÉT / HTTP/1.1\r\n"),
    Refusal("bare LF", 400, "bad_request_line", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
    Refusal("bare CR", 400, "bad_request_line", "GET /\rx HTTP/1.1\r\n"),
    Refusal("NUL", 400, "bad_request_line", "GET /\0 HTTP/1.1\r\n"),
    Refusal("no version", 400, "bad_request_line", "GET / HTTP\r\n"),
    Refusal("lower-case version", 400, "bad_request_line", "GET / http/1.1\r\n"),
    Refusal("version 2.0", 505, "unsupported_version", "PRI * HTTP/2.0\r\n"),
    Refusal("version 1.2", 505, "unsupported_version", "GET / HTTP/1.2\r\n"),
    Refusal("version 0.9", 505, "unsupported_version", "GET / HTTP/0.9\r\n"),
    Refusal("unknown method", 501, "unknown_method", "BREW / HTTP/1.1\r\n"),
    Refusal("method in lower case", 501, "unknown_method", "get / HTTP/1.1\r\n"),
    Refusal("CONNECT", 501, "unknown_method", "CONNECT a:1 HTTP/1.1\r\n"),
    Refusal("target too long", 414, "target_too_long", "GET /\(String(repeating: "a", count: 100)) HTTP/1.1\r\n"),
    Refusal("line without end", 414, "target_too_long", "GET /\(String(repeating: "a", count: 400))"),
  ]

  static let heads: [Refusal] = [
    Refusal("relative target", 400, "bad_target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refusal("fragment", 400, "bad_target", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refusal("raw UTF-8 in target", 400, "bad_target", "GET /é HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refusal("star with GET", 400, "bad_target", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refusal("broken escape in path", 400, "bad_target", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refusal("escaped NUL in path", 400, "bad_target", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refusal("user in absolute target", 400, "bad_target", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    Refusal("no host on 1.1", 400, "bad_header_line", "GET / HTTP/1.1\r\nAccept: a\r\n\r\n"),
    Refusal("two hosts", 400, "bad_header_line", headers: "Host: a"),
    Refusal("bad host", 400, "bad_header_line", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    Refusal("folded header", 400, "bad_header_line", headers: "A: b\r\n c"),
    Refusal("folded first header", 400, "bad_header_line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"),
    Refusal("space before the colon", 400, "bad_header_line", headers: "A : b"),
    Refusal("tab before the colon", 400, "bad_header_line", headers: "A\t: b"),
    Refusal("no colon", 400, "bad_header_line", headers: "A"),
    Refusal("empty name", 400, "bad_header_line", headers: ": b"),
    Refusal("bad name", 400, "bad_header_line", headers: "A(: b"),
    Refusal("bare CR in a value", 400, "bad_header_line", headers: "A: b\rc"),
    Refusal("bare LF in a header", 400, "bad_header_line", headers: "A: b\nC: d"),
    Refusal("NUL in a value", 400, "bad_header_line", headers: "A: b\0c"),
    Refusal("control character in a value", 400, "bad_header_line", headers: "A: b\u{01}c"),
    Refusal("headers too large", 431, "headers_too_large", headers: "A: \(String(repeating: "b", count: 400))"),
    Refusal(
      "many headers too large", 431, "headers_too_large", headers: String(repeating: "A: bcdefgh\r\n", count: 40)),
    Refusal("unsupported expectation", 417, "bad_expectation", headers: "Expect: a-miracle"),
  ]

  static let framings: [Refusal] = [
    Refusal("both framings", 400, "bad_framing", headers: "Content-Length: 3\r\nTransfer-Encoding: chunked"),
    Refusal(
      "both framings, other order", 400, "bad_framing", headers: "transfer-encoding: chunked\r\ncontent-length: 3"),
    Refusal("differing lengths", 400, "bad_framing", headers: "Content-Length: 3\r\nContent-Length: 4"),
    Refusal("differing lengths in one line", 400, "bad_framing", headers: "Content-Length: 3, 4"),
    Refusal("signed length", 400, "bad_framing", headers: "Content-Length: +3"),
    Refusal("negative length", 400, "bad_framing", headers: "Content-Length: -3"),
    Refusal("hexadecimal length", 400, "bad_framing", headers: "Content-Length: 0x3"),
    Refusal("empty length", 400, "bad_framing", headers: "Content-Length:"),
    Refusal("length over the limit", 413, "body_too_large", headers: "Content-Length: 51"),
    Refusal(
      "length over any integer", 413, "body_too_large", headers: "Content-Length: 99999999999999999999999999"),
    Refusal(
      "length over the limit, with Expect", 413, "body_too_large",
      headers: "Expect: 100-continue\r\nContent-Length: 51"),
    Refusal("coding not chunked", 400, "bad_framing", headers: "Transfer-Encoding: gzip"),
    Refusal("chunked with a Kelvin sign", 400, "bad_framing", headers: "Transfer-Encoding: chun\u{212A}ed"),
    Refusal(
      "a Kelvin sign before chunked", 501, "unsupported_transfer_coding",
      headers: "Transfer-Encoding: \u{212A}, chunked"),
    Refusal("identity", 400, "bad_framing", headers: "Transfer-Encoding: identity"),
    Refusal("chunked not last", 400, "bad_framing", headers: "Transfer-Encoding: chunked, gzip"),
    Refusal("chunked twice", 400, "bad_framing", headers: "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
    Refusal("chunked with a parameter", 400, "bad_framing", headers: "Transfer-Encoding: chunked;a=b"),
    Refusal("empty coding", 400, "bad_framing", headers: "Transfer-Encoding:"),
    Refusal("coding before chunked", 501, "unsupported_transfer_coding", headers: "Transfer-Encoding: gzip, chunked"),
    Refusal(
      "chunked on 1.0", 400, "bad_framing", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
  ]

  static let chunks: [Refusal] = [
    Refusal("no size", 400, "bad_chunk", chunks: "\r\n"),
    Refusal("no hexadecimal size", 400, "bad_chunk", chunks: "g\r\n"),
    Refusal("signed size", 400, "bad_chunk", chunks: "-1\r\n"),
    Refusal("prefixed size", 400, "bad_chunk", chunks: "0x1\r\n"),
    Refusal("space before size", 400, "bad_chunk", chunks: " 1\r\n"),
    Refusal("space after size", 400, "bad_chunk", chunks: "1 \r\n"),
    Refusal("size over any integer", 400, "bad_chunk", chunks: "fffffffffffffffff\r\n"),
    Refusal("size of 16 digits", 400, "bad_chunk", chunks: "8000000000000000\r\n"),
    Refusal("size ended by LF", 400, "bad_chunk", chunks: "1\na\r\n"),
    Refusal("bare CR in an extension", 400, "bad_chunk", chunks: "1;a\rb\r\n"),
    Refusal("data longer than size", 400, "bad_chunk", chunks: "1\r\nab\r\n"),
    Refusal("data ended by CR alone", 400, "bad_chunk", chunks: "1\r\na\rb"),
    Refusal("size line too long", 400, "bad_chunk", chunks: "1;\(String(repeating: "a", count: 70))\r\n"),
    Refusal(
      "many extensions", 400, "bad_chunk",
      chunks: String(repeating: "1;\(String(repeating: "a", count: 50))\r\na\r\n", count: 3)),
    Refusal("one chunk over the limit", 413, "body_too_large", chunks: "33\r\n"),
    Refusal("chunks over the limit", 413, "body_too_large", chunks: "1\r\na\r\n32\r\n"),
    Refusal("bad trailer", 400, "bad_header_line", chunks: "0\r\nA : b\r\n\r\n"),
    Refusal("folded trailer", 400, "bad_header_line", chunks: "0\r\nA: b\r\n c\r\n\r\n"),
    Refusal(
      "trailers too large", 431, "headers_too_large", chunks: "0\r\nA: \(String(repeating: "b", count: 400))"),
  ]

  @Test(
    "A malformed request is refused with its status, however its bytes are split",
    arguments: requestLines + heads + framings + chunks)
  func refusesWithTheRightStatusHoweverTheBytesAreSplit(_ refusal: Refusal) {
    let (run, agree) = ParserRun.all(refusal.text, limits: Self.limits)
    #expect(run.refusal?.status.code == refusal.status)
    #expect(run.refusal?.code == refusal.code)
    #expect(run.events.isEmpty, "nothing of a refused request reaches a handler, and no 100 is sent for it")
    #expect(agree, "every split of the bytes gives the same result")
  }

  @Test("A refusal stays, whatever follows")
  func staysRefusedWhateverFollows() {
    var parser = RequestParser()
    parser.append(Array("BREW / HTTP/1.1\r\n".utf8))
    #expect(throws: HTTPRefusal.self) { try parser.next() }
    parser.append(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    #expect(throws: HTTPRefusal.self) { try parser.next() }
  }

  @Test("A refusal never quotes the request")
  func aRefusalNeverQuotesTheRequest() {
    let (run, _) = ParserRun.all("GET /?code=s3cret#x HTTP/1.1\r\nHost: a\r\n\r\n")
    #expect(run.refusal?.description.contains("s3cret") == false)
  }
}
