import Essentials
import Testing

@testable import HTTPServer

@Suite("Encoded answers") struct ResponseEncoderTests {
  private func encode(
    _ response: HTTPResponse, method: HTTPMethod = .get, version: RequestHead.Version = .http11, keepAlive: Bool = true
  ) -> (text: String, encoded: ResponseEncoder) {
    let encoded = ResponseEncoder(
      response, method: method, version: version, keepAlive: keepAlive, date: "D", requestID: "R")
    return (String(decoding: encoded.bytes + encoded.largeBody, as: UTF8.self), encoded)
  }

  @Test("An answer has its status line, length, request id and date")
  func writesStatusLengthAndDate() {
    #expect(
      encode(.text("hi")).text
        == "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 2\r\nX-Request-Id: R\r\nDate: D\r\n\r\nhi"
    )
  }

  @Test("The answer to HEAD has the length and no body")
  func headHasTheLengthButNoBody() {
    let text = encode(.text("hi"), method: .head).text
    #expect(text.contains("Content-Length: 2\r\n"))
    #expect(text.hasSuffix("\r\n\r\n"))
  }

  @Test(
    "204 and 304 have neither body nor length",
    arguments: [204, 304])
  func statusesWithoutContentHaveNeitherBodyNorLength(_ status: Int) {
    let text = encode(.text("hi", status: HTTPStatus(status))).text
    #expect(!text.contains("Content-Length"))
    #expect(text.hasSuffix("\r\n\r\n"))
  }

  @Test("Framing headers that a handler sets are replaced")
  func framingHeadersOfAHandlerAreReplaced() {
    let response = HTTPResponse(
      headers: ["content-length": "99", "Transfer-Encoding": "gzip"], body: Array("abc".utf8))
    let text = encode(response).text
    #expect(text.contains("Content-Length: 3\r\n") && !text.contains("99") && !text.contains("gzip"))
  }

  @Test(
    "A header's name or value cannot smuggle a line into the answer",
    arguments: ["a\r\nSet-Cookie: x=1", "a\nb", "a\rb", "a\0b"])
  func aHeaderCannotSmuggleALine(_ value: String) {
    let text = encode(HTTPResponse(headers: ["X-A": value])).text
    #expect(text.hasPrefix("HTTP/1.1 500 "))
    #expect(text.contains("bad_response") && !text.contains("Set-Cookie"))
    #expect(encode(HTTPResponse(headers: ["X\r\nB": "v"])).text.hasPrefix("HTTP/1.1 500 "))
  }

  @Test("A status outside 200 to 599 becomes 500")
  func aStatusThatIsNoFinalAnswerBecomes500() {
    #expect(encode(HTTPResponse(status: 101)).text.hasPrefix("HTTP/1.1 500 "))
    #expect(encode(HTTPResponse(status: 999)).text.hasPrefix("HTTP/1.1 500 "))
  }

  @Test("A handler can ask for the connection to close")
  func aHandlerCanAskForTheConnectionToClose() {
    let (text, encoded) = encode(HTTPResponse(headers: ["Connection": "Close"]))
    #expect(text.contains("Connection: close\r\n") && !encoded.keepAlive)
  }

  @Test("An HTTP/1.0 client is told that the connection stays")
  func oldClientsAreToldThatTheConnectionStays() {
    #expect(encode(.text("a"), version: .http10).text.contains("Connection: keep-alive\r\n"))
  }
}
