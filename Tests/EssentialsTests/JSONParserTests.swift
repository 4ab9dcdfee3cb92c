import Essentials
import Foundation
import Testing

@Suite("JSON parser") struct JSONParserTests {
  private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: text.utf8) }

  private func fault(_ bytes: some Collection<UInt8>) -> JSONError? {
    do throws(JSONError) {
      _ = try JSONValue(parsing: bytes)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "Each production of RFC 8259 is read",
    arguments: [
      ("null", .null), (" \t\r\n true \n", true), ("false", false), ("0", 0), ("-0", 0), ("10", 10), ("-12", -12),
      ("9007199254740993", .integer(9_007_199_254_740_993)), ("9223372036854775807", .integer(.max)),
      ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .number(9_223_372_036_854_775_808)),
      ("1.5", 1.5), ("-0.25e+2", -25.0), ("1E2", 100.0), ("1e-2", 0.01), ("5e-324", .number(.leastNonzeroMagnitude)),
      ("1e-999", 0.0),
      (#""""#, ""), (#""a b""#, "a b"), (#""é€😀""#, "é€😀"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
      (#""\u0041\u00e9\u20AC""#, "Aé€"), (#""x\ud83d\ude00y""#, "x😀y"), (#""\u0000""#, "\0"), (#""\u007f""#, "\u{7F}"),
      ("[]", []), ("[ ]", []), ("[1 , [2],{}]", [1, [2], [:]]), ("{}", [:]), ("{ }", [:]),
      (#"{"a" : 1 ,"b":{"a":[null]}}"#, ["a": 1, "b": ["a": [nil]]]), (#"{"":0}"#, ["": 0]),
    ] as [(String, JSONValue)])
  func production(_ text: String, _ value: JSONValue) throws {
    #expect(try parse(text) == value)
  }

  @Test("A whole number is kept exactly, beyond 2^53 too")
  func wholeNumbers() throws {
    guard case .integer(9_007_199_254_740_993) = try parse("9007199254740993") else {
      Issue.record("it was rounded")
      return
    }
    #expect(try parse("9007199254740993").compact == "9007199254740993")
    #expect(try parse("9007199254740993") != parse("9007199254740992"))
  }

  @Test(
    "What RFC 8259 does not allow is refused, with its place",
    arguments: [
      ("", 0, "the text is empty"), ("  ", 2, "the text is empty"), ("nul", 0, "no JSON value"),
      ("nulL", 0, "no JSON value"),
      ("True", 0, "no JSON value"), ("NaN", 0, "no JSON value"), ("Infinity", 0, "no JSON value"),
      ("-Infinity", 1, "digit"), ("'a'", 0, "no JSON value"), ("undefined", 0, "no JSON value"),
      ("// x\n1", 0, "no JSON value"), ("1 /* x */", 2, "after the end"), ("1 2", 2, "after the end"),
      ("{}{}", 2, "after the end"), ("]", 0, "no JSON value"),
      ("01", 0, "leading zero"), ("-01", 0, "leading zero"), ("00", 0, "leading zero"), ("+1", 0, "no JSON value"),
      (".5", 0, "no JSON value"), ("1.", 2, "digit"), ("1.e2", 2, "digit"), ("1e", 2, "digit"), ("1e+", 3, "digit"),
      ("-", 1, "digit"), ("0x10", 1, "after the end"), ("1_000", 1, "after the end"), ("1e999", 0, "too large"),
      ("-1e999", 0, "too large"),
      ("\"", 0, "does not end"), ("\"a", 0, "does not end"), ("\"a\\", 2, "does not end"),
      ("\"a\nb\"", 2, "control character"), ("\"\u{1}\"", 1, "control character"), ("\"\0\"", 1, "control character"),
      (#""\x41""#, 1, "escape"), (#""\u12""#, 1, "four hexadecimal"), (#""\u12G4""#, 1, "four hexadecimal"),
      (#""\U0041""#, 1, "escape"), (#""\ud83d""#, 1, "other half"), (#""\ud83dx""#, 1, "other half"),
      (#""\ude00""#, 1, "other half"), (#""\ud83d\u0041""#, 1, "other half"), (#""\ud83d\ud83d""#, 1, "other half"),
      ("[", 1, "ends"), ("[1", 2, "ends"), ("[1,", 3, "ends"), ("[1 2]", 3, "comma"), ("[,1]", 1, "no JSON value"),
      ("[1,]", 2, "comma before the end of an array"), ("[1, ]", 2, "comma before the end of an array"),
      ("[1,,2]", 3, "no JSON value"),
      ("{", 1, "name in double quotes"), (#"{"a"}"#, 4, "colon"), (#"{"a":}"#, 5, "no JSON value"),
      (#"{"a":1"#, 6, "ends"), (#"{"a" 1}"#, 5, "colon"), (#"{"a":1,}"#, 6, "comma before the end of an object"),
      (#"{a:1}"#, 1, "name in double quotes"), (#"{1:1}"#, 1, "name in double quotes"),
      (#"{"a":1 "b":2}"#, 7, "comma"), (#"{"a":1]"#, 6, "comma or the end"),
      (#"{"a":1,"b":2,"a":3}"#, 13, "name that its object has already"),
      (#"{"a":1,"\u0061":3}"#, 7, "name that its object has already"),
      ("\u{FEFF}{}", 0, "byte order mark"),
    ] as [(String, Int, String)])
  func fault(_ text: String, _ offset: Int, _ reason: String) throws {
    let error = try #require(fault(text.utf8))
    #expect(error.reason.contains(reason), "\(error)")
    #expect(error.offset == offset, "\(error)")
  }

  @Test("A fault is reported by line and column, and its text is never repeated")
  func place() throws {
    let error = try #require(fault("{\n  \"secret\": 1,\n  \"secret\": 2\n}".utf8))
    #expect(error.description == "a name that its object has already, at byte 20 (line 3, column 3)")
  }

  @Test(
    "Bytes that are not UTF-8 are refused",
    arguments: [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x80]] as [[UInt8]])
  func badUTF8(_ bytes: [UInt8]) throws {
    let error = try #require(fault([0x22] + bytes + [0x22]))
    #expect(error.reason.contains("not UTF-8"))
    #expect(fault(bytes) != nil)
  }

  @Test("Two names that are canonically equal are one name given twice, not a trap")
  func canonicallyEqualNames() throws {
    let error = try #require(fault("{\"\u{E9}\": 1, \"e\u{301}\": 2}".utf8))
    #expect(error.reason.contains("name that its object has already"))
  }

  @Test("64 levels are read and the 65th is refused where it opens", arguments: [("[", "]"), (#"{"a":"#, "}")])
  func depth(_ open: String, _ close: String) throws {
    func nested(_ levels: Int) -> String {
      String(repeating: open, count: levels) + "1" + String(repeating: close, count: levels)
    }
    #expect(throws: Never.self) { try parse(nested(64)) }
    let error = try #require(fault(nested(65).utf8))
    #expect(error.reason.contains("64 levels"))
    #expect(error.offset == 64 * open.utf8.count)
    // Nothing behind that place is looked at.
    #expect(fault(String(repeating: open, count: 500_000).utf8) == fault(String(repeating: open, count: 65).utf8))
  }

  @Test("Numbers of thousands of digits are numbers, or too large")
  func longNumbers() throws {
    let digits = String(repeating: "7", count: 5000)
    #expect(try parse("0.\(digits)") == .number(7.0 / 9))
    #expect(fault(digits.utf8)?.reason.contains("too large") == true)
    #expect(fault("1e\(digits)".utf8)?.reason.contains("too large") == true)
    #expect(try parse("1e-\(digits)") == 0)
  }

  @Test("What is written is read back the same, in both forms")
  func roundTrip() throws {
    let value: JSONValue = [
      "a": [1, -1.5, true, nil, "x\"\\\n\u{1}é😀"], "b": [:], "c": [], "d": .integer(.max), "e": .number(1e300),
    ]
    #expect(try parse(value.compact) == value)
    #expect(try parse(value.pretty) == value)
    #expect(JSONValue.number(3).compact == "3")
    #expect(JSONValue.number(.nan).compact == "null")
    #expect(try JSONValue(encoding: value) == value)
    #expect(try JSONDecoder().decode(JSONValue.self, from: Data(value.compact.utf8)) == value)
  }

  @Test("Numbers are equal by their value")
  func equality() {
    #expect(JSONValue.integer(3) == .number(3))
    #expect(JSONValue.number(3.5) != .integer(3))
    #expect(JSONValue.integer(9_007_199_254_740_993) != .number(9_007_199_254_740_992))
    #expect(JSONValue.number(3).whole == 3)
    #expect(JSONValue.number(3.5).whole == nil)
  }

  @Test("Long work is done off the caller's thread and gives its value or error")
  func longWork() async throws {
    #expect(try await LongWork.run(bytes: 1) { 1 } == 1)
    #expect(try await LongWork.run(bytes: 1 << 20) { 2 } == 2)
    await #expect(throws: JSONError.self) { try await LongWork.run(bytes: 1 << 20) { try JSONValue(parsing: []) } }
  }
}

extension JSONValue: ExpressibleByFloatLiteral {
  package init(floatLiteral value: Double) { self = .number(value) }
}
