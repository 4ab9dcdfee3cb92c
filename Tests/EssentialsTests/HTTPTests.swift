import Essentials
import Foundation
import Testing

@Suite("HTTP fields, dates and percent-encoding")
struct HTTPTests {
  @Test("Fields keep their order and case, and are found without regard to case")
  func fields() {
    var fields: HTTPFields = ["A": "1", "b": "2", "a": "3"]
    #expect(fields.values("A") == ["1", "3"])
    fields["a"] = "4"
    #expect(fields.fields.map(\.name) == ["b", "a"])
    fields.append("List", "x, ,y")
    fields.append("list", "z")
    #expect(fields.list("LIST") == ["x", "y", "z"])
    fields["list"] = nil
    #expect(!fields.contains("List"))
  }

  @Test(
    "A field that could change the meaning of a message is not well-formed",
    arguments: [
      ("X-A", "1\tü", true), ("!#$%&'*+-.^_`|~09Az", "", true), ("", "1", false), ("X A", "1", false),
      ("X:A", "1", false), ("X-é", "1", false), ("X", "1\r\nY: 2", false), ("X", "1\u{7F}", false), ("X", "\0", false),
    ] as [(String, String, Bool)])
  func wellFormed(_ name: String, _ value: String, _ isWellFormed: Bool) {
    #expect(HTTPFields.Field(name: name, value: value).isWellFormed == isWellFormed)
  }

  @Test("A date is written as an IMF-fixdate", arguments: [784_111_777.0, 784_111_777.999])
  func dateIsWritten(_ time: Double) {
    #expect(HTTPDate.text(Date(timeIntervalSince1970: time)) == "Sun, 06 Nov 1994 08:49:37 GMT")
  }

  @Test(
    "A date is read in the three forms of RFC 9110",
    arguments: [
      ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
      ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Wed Nov 16 08:49:37 1994", 784_975_777),
      ("Thu, 29 Feb 2024 23:59:60 GMT", 1_709_251_200),
    ] as [(String, Double)])
  func dateIsRead(_ text: String, _ time: Double) {
    #expect(HTTPDate.parse(text) == Date(timeIntervalSince1970: time))
  }

  @Test("A year of two digits is at most 50 years ahead")
  func twoDigitYear() {
    let now = Date(timeIntervalSince1970: 1_795_262_940)  // in 2026
    #expect(
      HTTPDate.parse("Saturday, 21-Nov-76 00:00:00 GMT", now: now).map { HTTPDate.text($0).contains("2076") } == true)
    #expect(
      HTTPDate.parse("Monday, 21-Nov-77 00:00:00 GMT", now: now).map { HTTPDate.text($0).contains("1977") } == true)
  }

  @Test(
    "A malformed date is not read",
    arguments: [
      "", "soon", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 +0100", "Son, 06 Nov 1994 08:49:37 GMT",
      "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:00:00 GMT",
      "sun, 06 nov 1994 08:49:37 gmt", "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 00 Nov 1994 08:49:37 GMT",
    ])
  func noDate(_ text: String) {
    #expect(HTTPDate.parse(text) == nil)
  }

  @Test("Everything but the allowed bytes is percent-encoded, and read back")
  func percentEncoding() {
    #expect(PercentEncoding.encode("a/b é.~") == "a%2Fb%20%C3%A9.~")
    #expect(PercentEncoding.encode("a~b") { $0.isAlpha } == "a%7Eb")
    #expect(PercentEncoding.decode("a%2Fb%20%c3%A9+") == "a/b é+")
  }

  @Test("Broken escapes and what is not UTF-8 are refused", arguments: ["%", "%4", "a%zz", "%E9", "%G0"])
  func brokenEscapes(_ text: String) {
    #expect(PercentEncoding.decode(text) == nil)
  }

  @Test("A reader may keep broken escapes as they are")
  func keptEscapes() {
    #expect(PercentEncoding.bytes(of: "50%&%zz%41".utf8, keepsBroken: true) == Array("50%&%zzA".utf8))
  }
}
