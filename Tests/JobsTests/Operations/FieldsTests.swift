import Essentials
import Foundation
import Testing

@testable import Jobs
@testable import Reporting

@Suite("The fields of a request")
struct FieldsTests {
  enum Colour: String, CaseIterable { case red, green }

  func fields(_ json: String) throws -> Fields { try Fields(JSONValue(json: Data(json.utf8))) }

  @Test("Malformed JSON is refused", arguments: ["{", "[1,", "", "{\"a\":}", "nul"])
  func malformed(text: String) throws {
    let error = try #require(throws: JobError.self) { _ = try JSONValue(json: Data(text.utf8)) }
    #expect(error.code == .badJSON)
    #expect(error.code.kind == .invalid)
    #expect(error.message.hasPrefix("the body is not valid JSON"))
    #expect(error.message.hasSuffix("send one JSON object"))
  }

  @Test(
    "The error of a body that is not an object says what it is",
    arguments: [("[]", "a list"), ("1", "the number 1"), ("\"x\"", "\"x\""), ("null", "null"), ("true", "true")])
  func noObject(text: String, form: String) throws {
    let error = try #require(throws: JobError.self) { _ = try fields(text) }
    #expect(error.code == .badJSON)
    #expect(error.message == "expected a JSON object, got \(form)")
  }

  @Test("Every value is the same after encoding and decoding")
  func everyValue() throws {
    let text = "{\"a\":[1,2.5,-3,true,null,\"x\",{}],\"b\":\"ü\"}"
    let value = try JSONValue(json: Data(text.utf8))
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    #expect(String(decoding: try encoder.encode(value), as: UTF8.self) == text)
  }

  @Test("The error of a wrong type names the field, the expected form and the value")
  func wrongType() throws {
    let cases: [(String, (inout Fields) throws -> Void, String)] = [
      ("{\"f\": 1}", { _ = try $0.string("f", "a name") }, "f: expected a name, got the number 1"),
      ("{\"f\": \"\"}", { _ = try $0.string("f", "a name") }, "f: expected a name, got \"\""),
      ("{\"f\": [1.5]}", { _ = try $0.strings("f", "names") }, "f: expected names, got the number 1.5"),
      ("{\"f\": {}}", { _ = try $0.strings("f", "names") }, "f: expected names, got an object"),
      ("{\"f\": \"yes\"}", { _ = try $0.bool("f") }, "f: expected true or false, got \"yes\""),
      ("{\"f\": 1}", { _ = try $0.bool("f") }, "f: expected true or false, got the number 1"),
      (
        "{\"f\": 10}", { _ = try $0.integer("f", in: 1...9) },
        "f: expected a whole number from 1 to 9, got the number 10"
      ),
      (
        "{\"f\": 1.5}", { _ = try $0.integer("f", in: 1...9) },
        "f: expected a whole number from 1 to 9, got the number 1.5"
      ),
      ("{\"f\": \"x\"}", { _ = try $0.integer("f", in: 1...9) }, "f: expected a whole number from 1 to 9, got \"x\""),
      (
        "{\"f\": \"2024-02-30\"}", { _ = try $0.day("f") },
        "f: expected a day of the calendar as YYYY-MM-DD, such as 2024-01-31, or yesterday, today or today-3, got \"2024-02-30\""
      ),
      (
        "{\"f\": \"blue\"}", { _ = try $0.choice("f", Colour.self) },
        "f: expected one of \"red\", \"green\", got \"blue\""
      ),
      ("{\"f\": [1]}", { _ = try $0.object("f") { _ in } }, "f: expected an object, got a list"),
      (
        "{\"f\": \"\(String(repeating: "x", count: 101))\"}", { _ = try $0.bool("f") },
        "f: expected true or false, got a text of 101 characters"
      ),
    ]
    for (json, read, message) in cases {
      let error = try #require(throws: JobError.self) {
        var fields = try fields(json)
        try read(&fields)
      }
      #expect(error.message == message)
      #expect(error.field == "f")
      #expect(error.code == .badField)
      #expect(error.code.kind == .invalid)
    }
  }

  @Test("Numbers and booleans may be texts, as in a query string")
  func texts() throws {
    var fields = try fields("{\"a\": \"true\", \"b\": \"0\", \"c\": \"7\", \"d\": \"x\", \"e\": null}")
    #expect(try fields.bool("a") == true)
    #expect(try fields.bool("b") == false)
    #expect(try fields.integer("c", in: 1...9) == 7)
    #expect(try fields.strings("d", "names") == ["x"])
    #expect(try fields.string("e", "a name") == nil)
    try fields.finish()
  }

  @Test("An unknown field is named with the known ones of its object")
  func unknown() throws {
    let error = try #require(throws: JobError.self) {
      var fields = try fields("{\"outer\": {\"inner\": {\"a\": 1, \"zz\": 2}}}")
      try fields.object("outer") { outer in
        try outer.object("inner") { inner in _ = try inner.integer("a", in: 0...1) }
      }
    }
    #expect(error.code == .unknownField)
    #expect(error.field == "outer.inner.zz")
    #expect(error.message == "outer.inner.zz: there is no such field; known are a")
  }

  @Test("A text with a NUL character is refused, not cut", arguments: ["\"app\\u0000x\"", "[\"app\\u0000x\"]"])
  func nul(json: String) throws {
    let reads: [(inout Fields) throws -> Void] =
      json.hasPrefix("[")
      ? [{ _ = try $0.strings("f", "names") }]
      : [
        { _ = try $0.string("f", "a name") }, { _ = try $0.text("f", "a text") }, { _ = try $0.secret("f") },
        { _ = try $0.strings("f", "names") },
      ]
    for read in reads {
      let error = try #require(throws: JobError.self) {
        var fields = try fields("{\"f\": \(json)}")
        try read(&fields)
      }
      #expect(error.code == .badField)
      #expect(error.message == "f: expected a text without NUL characters")
    }
  }

  @Test("The error of a secret of the wrong type does not repeat it")
  func secret() throws {
    let error = try #require(throws: JobError.self) {
      var fields = try fields("{\"password\": 4711}")
      _ = try fields.secret("password")
    }
    #expect(error.field == "password")
    #expect(!error.message.contains("4711"))
  }
}
