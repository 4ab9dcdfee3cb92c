import Essentials
import Foundation
import HTTPServer
import Testing

@testable import CustomHandler

@Suite("Envelopes of the Functions host") struct InvocationEnvelopeTests {
  private func envelope(_ json: String) throws -> InvocationEnvelope { try InvocationEnvelope(Array(json.utf8)) }

  // MARK: Queue

  /// A value of `Data.message`, and the message's text.
  @Test(
    "A queue message is read in each form that the host gives it",
    arguments: [
      (#""\"{\\\"kind\\\":\\\"sweep\\\",\\\"n\\\":2}\"""#, #"{"kind":"sweep","n":2}"#),
      (#""\"hi\"""#, "hi"), (#""\"\"""#, ""), (#""\"3\"""#, "3"),
      (#""plain text""#, "plain text"), (#""{\"n\":2}""#, #"{"n":2}"#), (#""[1,2]""#, "[1,2]"), (#""3""#, "3"),
      (#"{"b":1,"a":"x"}"#, #"{"a":"x","b":1}"#), ("[1,\"a\"]", #"[1,"a"]"#), ("7", "7"),
    ])
  func aMessageIsReadInWhateverFormItComes(_ value: String, _ text: String) throws {
    #expect(try envelope(#"{"Data":{"message":\#(value)},"Metadata":{}}"#).queueMessage().text == text)
  }

  @Test("A message of JSON keeps its text and the number of its attempt")
  func aMessageOfJSONKeepsItsTextAndItsAttempt() throws {
    let message = try envelope(
      #"{"Data":{"message":"\"{\\\"kind\\\":\\\"sweep\\\",\\\"n\\\":2}\""},"Metadata":{"DequeueCount":"3"}}"#
    ).queueMessage()
    #expect(message.text == #"{"kind":"sweep","n":2}"#)
    #expect(message.dequeueCount == 3)
  }

  @Test(
    "The dequeue count is read as a number or a text, and ignored when it is neither",
    arguments: [("2", 2), (#""2""#, 2), (#""\"2\"""#, 2), (#""x""#, nil), ("null", nil), ("{}", nil)]
      as [(String, Int?)])
  func theDequeueCountIsReadLeniently(_ value: String, _ count: Int?) throws {
    let read = try envelope(#"{"data":{"MESSAGE":"a"},"metadata":{"dequeuecount":\#(value)}}"#).queueMessage()
    #expect(read.dequeueCount == count)
  }

  // MARK: Timer

  @Test("A timer is read with the host's odd dates")
  func aTimerIsReadWithOddDates() throws {
    let timer = try envelope(
      #"""
      {"Data":{"timer":{"Schedule":{"AdjustForDST":true},"IsPastDue":true,"ScheduleStatus":
       {"Last":"0001-01-01T00:00:00","Next":"2026-02-03T04:05:00+02:00","LastUpdated":"2026-02-03T04:00:00.5Z"}}},
       "Metadata":{"sys":{}},"Extra":1}
      """#
    ).timer()
    #expect(timer.isPastDue)
    #expect(timer.scheduleStatus?.last == nil)
    #expect(timer.scheduleStatus?.next == Date(timeIntervalSince1970: 1_770_084_300))
    #expect(timer.scheduleStatus?.lastUpdated == Date(timeIntervalSince1970: 1_770_091_200.5))
  }

  @Test(
    "Dates are read with any zone, or none",
    arguments: ["2026-02-03T04:05:00", "2026-02-03T04:05:00Z", "2026-02-03T04:05:00+00:00"])
  func datesAreReadWithAnyZone(_ text: String) {
    #expect(EnvelopeDate.parse(.string(text)) == Date(timeIntervalSince1970: 1_770_091_500))
  }

  @Test(
    "A malformed date is read as none",
    arguments: ["", "yesterday", "2026-13-03T04:05:00Z", "2026-02-30T04:05:00Z"])
  func aDateThatIsNoneIsNone(_ text: String) { #expect(EnvelopeDate.parse(.string(text)) == nil) }

  @Test(
    "A timer is read with whatever members it has",
    arguments: [
      #"{"timer":{"ScheduleStatus":null}}"#, #"{"timer":{"isPastDue":"False"}}"#, #"{"timer":"{\"IsPastDue\":false}"}"#,
      #"{"myTimer":{"IsPastDue":false}}"#,
    ])
  func aTimerWithLittleInItIsReadToo(_ data: String) throws {
    #expect(try envelope(#"{"Data":\#(data)}"#).timer() == TimerInfo())
  }

  @Test("A message has the queue's own id and times, unless members of its own hide them")
  func messageIdentity() throws {
    func message(_ text: String) throws -> QueueMessage {
      let inner = JSONValue.string(JSONValue.string(text).compact).compact
      return try envelope(
        #"{"Data":{"message":\#(inner)},"Metadata":{"DequeueCount":"2","Id":"\"9d3f\"","#
          + #""InsertionTime":"2026-02-03T04:05:06+00:00"}}"#
      ).queueMessage()
    }
    let own = try message(#"{"table": "a.b"}"#)
    #expect(own.id == "9d3f" && own.dequeueCount == 2 && own.insertionTime == "2026-02-03T04:05:06+00:00")
    let hidden = try message(#"{"iD": "mine", "dequeuecount": 1, "InsertionTime": "x"}"#)
    #expect(hidden.id == nil && hidden.dequeueCount == nil && hidden.insertionTime == nil)
    #expect(try message("not JSON").id == "9d3f")
  }

  // MARK: HTTP

  private func request(_ req: String) throws -> HTTPRequest {
    try envelope(#"{"Data":{"req":\#(req)},"Metadata":{}}"#).httpRequest().request
  }

  @Test("A request in an envelope is read as its caller sent it")
  func aRequestIsReadAsItsCallerSentIt() throws {
    let read = try request(
      #"""
      {"Url":"https://app.example/api/items/a b/é?full=1&full=2","Method":"post","Query":{"full":"1,2"},
       "Headers":{"Content-Type":["application/json"],"X-A":["1","2"]},"Params":{"id":"7","sub":null},
       "Identities":[{}],"Body":"{\"qty\":2}"}
      """#)
    #expect(read.method == .post)
    #expect(read.pathSegments == ["api", "items", "a b", "é"])
    #expect(read.query.items.filter { $0.name == "full" }.map(\.value) == ["1", "2"])
    #expect(read.headers.values("x-a") == ["1", "2"])
    #expect(read.parameters == ["id": "7"])
    #expect(read.body == Array(#"{"qty":2}"#.utf8))
  }

  @Test(
    "The `Query` object counts when the URL has no query",
    arguments: [
      (#"{"a":"x y","b":"1"}"#, "a=x%20y&b=1"), (#""{}""#, ""), ("null", ""), (#""{\"a\":\"1\"}""#, "a=1"),
    ])
  func theQueryObjectCountsWhenTheURLHasNone(_ query: String, _ text: String) throws {
    let read = try request(#"{"Url":"http://h/api/x","Method":"GET","Query":\#(query)}"#)
    #expect(read.target == "/api/x" + (text.isEmpty ? "" : "?" + text))
  }

  @Test(
    "A body is decoded where the host sends it as base64",
    arguments: [
      ("application/octet-stream", [0, 255]), ("multipart/form-data; boundary=x", [0, 255]),
      ("text/plain", Array("AP8=".utf8)),
    ])
  func bodiesAreBytesWhereTheHostMakesThemBase64(_ type: String, _ bytes: [UInt8]) throws {
    let read = try request(
      #"{"Url":"http://h/","Method":"POST","Headers":{"content-type":["\#(type)"]},"Body":"AP8="}"#)
    #expect(read.body == bytes)
  }

  @Test("Missing members of a request are empty")
  func whatIsMissingIsEmpty() throws {
    let read = try request(#"{"Url":"http://h","Method":"GET"}"#)
    #expect(read.path == "/" && read.body.isEmpty && read.headers.fields.isEmpty && read.parameters.isEmpty)
  }

  // MARK: Faults

  static let faults: [(FunctionTrigger.Kind, String, String)] = [
    (.queue, "", "empty"), (.queue, "{", "not JSON"), (.queue, "[]", "an array"), (.queue, "null", "null"),
    (.queue, "{}", "`Data` is missing"), (.queue, #"{"Data":3}"#, "`Data` is a number"),
    (.queue, #"{"Data":{},"Metadata":3}"#, "`Metadata`"), (.queue, #"{"Data":{}}"#, "`Data.message` is missing"),
    (.queue, #"{"Data":{"message":null}}"#, "null"), (.timer, #"{"Data":{}}"#, "`Data.timer` is missing"),
    (.timer, #"{"Data":{"timer":"soon"}}"#, "`Data.timer`"),
    (.timer, #"{"Data":{"timer":{"IsPastDue":3}}}"#, "IsPastDue"),
    (.http, #"{"Data":{}}"#, "`Data.req` is missing"), (.http, #"{"Data":{"req":{"Url":"http://h/"}}}"#, "Method"),
    (.http, #"{"Data":{"req":{"Url":"http://h/","Method":"BREW"}}}"#, "Method"),
    (.http, #"{"Data":{"req":{"Method":"GET"}}}"#, "Url"),
    (.http, #"{"Data":{"req":{"Method":"GET","Url":"x"}}}"#, "Url"),
    (.http, #"{"Data":{"req":{"Method":"GET","Url":"/","Headers":[]}}}"#, "Headers"),
    (.http, #"{"Data":{"req":{"Method":"GET","Url":"/","Headers":{"A":[{}]}}}}"#, "Headers"),
    (.http, #"{"Data":{"req":{"Method":"GET","Url":"/","Headers":{"A":["x\r\ny"]}}}}"#, "Headers"),
    (.http, #"{"Data":{"req":{"Method":"GET","Url":"/","Query":3}}}"#, "Query"),
    (.http, #"{"Data":{"req":{"Method":"GET","Url":"/","Params":"x"}}}"#, "Params"),
    (.http, #"{"Data":{"req":{"Method":"GET","Url":"/","Body":true}}}"#, "Body"),
    (
      .http,
      #"{"Data":{"req":{"Method":"GET","Url":"/","Headers":{"Content-Type":"application/octet-stream"},"Body":"s3cret?"}}}"#,
      "base64"
    ),
  ]

  @Test(
    "A malformed envelope is refused by naming the member, without quoting values",
    arguments: faults.indices)
  func aMalformedEnvelopeIsNamedAndNotQuoted(_ index: Int) throws {
    let (kind, json, part) = Self.faults[index]
    let error = try #require(throws: EnvelopeError.self) {
      let read = try envelope(json)
      switch kind {
      case .http: _ = try read.httpRequest()
      case .timer: _ = try read.timer()
      case .queue: _ = try read.queueMessage()
      }
    }
    #expect(error.detail.contains(part), "\(error.detail)")
    #expect(!error.detail.contains("s3cret"))
    let problem = Problem(failure: error)
    #expect(problem.status == 400 && problem.code == "bad_envelope")
  }
}
