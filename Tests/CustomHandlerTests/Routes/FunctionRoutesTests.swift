import HTTPServer
import Testing

@testable import CustomHandler

@Suite("The route file") struct FunctionRoutesTests {
  private func routes(_ json: String) throws -> FunctionRoutes { try FunctionRoutes(json: Array(json.utf8)) }

  static func http(_ fields: String) -> String {
    #"{"functions": [{"name": "f", "trigger": "http", "handler": "h"\#(fields.isEmpty ? "" : ", ")\#(fields)}]}"#
  }

  static func function(_ fields: String) -> String { "{\"functions\": [{\(fields)}]}" }

  @Test("Every kind of trigger is read, with its defaults")
  func readsEveryKindAndFillsInTheDefaults() throws {
    let read = try routes(
      #"""
      {"functions": [
        {"name": "list", "trigger": "http", "methods": ["get", "POST"], "handler": "h"},
        {"name": "one", "trigger": "http", "route": "items/{id?}", "methods": ["GET"], "authLevel": "anonymous",
         "handler": "h"},
        {"name": "nightly", "trigger": "timer", "schedule": "0 15 2 * * MON-FRI", "handler": "t"},
        {"name": "work", "trigger": "queue", "queue": "jobs", "handler": "q"}]}
      """#)
    #expect(read.routePrefix == "api")
    #expect(
      read.functions.map(\.trigger) == [
        .http(route: "list", methods: [.get, .post], authLevel: .function),
        .http(route: "items/{id?}", methods: [.get], authLevel: .anonymous),
        .timer(schedule: "0 15 2 * * MON-FRI"), .queue(name: "jobs", connection: "AzureWebJobsStorage"),
      ])
    #expect(read.functions.map(\.handler) == ["h", "h", "t", "q"])
  }

  @Test("A function's answers may put messages on the queue that it names, and a queue function's on two")
  func outputs() throws {
    let read = try routes(
      #"""
      {"functions": [
        {"name": "later", "trigger": "http", "methods": ["POST"], "handler": "h", "output": {"queue": "jobs"}},
        {"name": "now", "trigger": "http", "methods": ["POST"], "handler": "h"},
        {"name": "work", "trigger": "queue", "queue": "%JOBS%", "connection": "Own", "handler": "q"}]}
      """#)
    #expect(
      read.functions.map(\.outputs) == [
        [QueueOutput(name: "job", queue: "jobs", connection: "AzureWebJobsStorage")], [],
        [
          QueueOutput(name: "poison", queue: "%JOBS%-poison", connection: "Own"),
          QueueOutput(name: "again", queue: "%JOBS%", connection: "Own"),
        ],
      ])
  }

  /// The JSON, the function and the field that the error must name, and a part of what it says.
  static let faults: [(String, String?, String?, String)] = [
    ("{", nil, nil, "not JSON"),
    ("[]", nil, nil, "an array of 0"),
    ("{}", nil, "functions", "not an array"),
    (#"{"functions": [], "extra": 1}"#, nil, "extra", "unknown"),
    (#"{"functions": [], "routePrefix": "/api"}"#, nil, "routePrefix", "without a slash"),
    (#"{"functions": [], "routePrefix": "admin"}"#, nil, "routePrefix", "reserved for the Functions host"),
    (#"{"functions": [7]}"#, "functions[0]", nil, "a number"),
    (#"{"functions": [{}]}"#, "functions[0]", "name", "missing"),
    (#"{"functions": [{"name": 3}]}"#, "functions[0]", "name", "a number"),
    (function(#""name": "1f", "trigger": "timer""#), "1f", "name", "a letter"),
    (function(#""name": "Host", "trigger": "timer""#), "Host", "name", "host"),
    (function(#""name": "a b", "trigger": "timer""#), "a b", "name", "letters"),
    (function(#""name": "f""#), "f", "trigger", "http, timer, queue"),
    (function(#""name": "f", "trigger": "blob""#), "f", "trigger", "`blob` is unknown"),
    (function(#""name": "f", "trigger": "timer""#), "f", "handler", "missing"),
    (http(""), "f", "methods", "missing"),
    (http(#""methods": []"#), "f", "methods", "an array of 0"),
    (http(#""methods": ["BREW"]"#), "f", "methods", "BREW"),
    (http(#""methods": ["GET", "get"]"#), "f", "methods", "twice"),
    (http(#""methods": ["GET"], "authLevel": "user""#), "f", "authLevel", "anonymous, function, admin"),
    (http(#""methods": ["GET"], "route": "/x""#), "f", "route", "slash"),
    (http(#""methods": ["GET"], "route": "admin/x""#), "f", "route", "reserved for the Functions host"),
    (http(#""methods": ["GET"], "route": "Runtime""#), "f", "route", "reserved for the Functions host"),
    (http(#""methods": ["GET"], "route": "{id:int}""#), "f", "route", "constraints"),
    (http(#""methods": ["GET"], "route": "a%20b""#), "f", "route", "two ways"),
    (http(#""methods": ["GET"], "schedule": "0 0 0 * * *""#), "f", "schedule", "unknown here"),
    (http(#""methods": ["GET"], "output": "jobs""#), "f", "output", "a string of 4"),
    (http(#""methods": ["GET"], "output": {"queue": "Jobs"}"#), "f", "queue", "lower-case"),
    (http(#""methods": ["GET"], "output": {"queue": "jobs", "name": "x"}"#), "f", "name", "unknown here"),
    (http(#""methods": ["GET"], "Route": "x""#), "f", "Route", "case counts"),
    (function(#""name": "f", "trigger": "timer", "handler": "h""#), "f", "schedule", "six fields"),
    (
      function(#""name": "f", "trigger": "timer", "handler": "h", "schedule": "15 2 * * *""#), "f", "schedule",
      "it has 5 fields"
    ),
    (function(#""name": "f", "trigger": "queue", "handler": "h""#), "f", "queue", "missing"),
    (function(#""name": "f", "trigger": "queue", "handler": "h", "queue": "Jobs""#), "f", "queue", "lower-case"),
    (
      #"{"functions": [{"name": "f", "trigger": "timer", "schedule": "0 0 0 * * *", "handler": "h"},"#
        + #"{"name": "F", "trigger": "timer", "schedule": "0 0 0 * * *", "handler": "h"}]}"#, "F", "name", "twice"
    ),
    (
      #"{"functions": [{"name": "a", "trigger": "http", "route": "x/{id}", "methods": ["GET"], "handler": "h"},"#
        + #"{"name": "b", "trigger": "http", "route": "X/y", "methods": ["GET"], "handler": "h"}]}"#, "b", "route",
      "disjoint"
    ),
    (
      #"{"routePrefix": "", "functions": ["#
        + #"{"name": "a", "trigger": "http", "route": "{id}", "methods": ["POST"], "handler": "h"},"#
        + #"{"name": "t", "trigger": "timer", "schedule": "0 0 0 * * *", "handler": "h"}]}"#, "a", "route",
      "would receive the host's calls of `t`"
    ),
  ]

  @Test(
    "Every fault of the route file names the function, the field and the remedy",
    arguments: faults.indices)
  func everyFaultNamesTheFunctionTheFieldAndTheRemedy(_ index: Int) throws {
    let (json, function, field, part) = Self.faults[index]
    let error = try #require(throws: FunctionRoutesError.self) { try routes(json) }
    #expect(error.function == function)
    #expect(error.field == field)
    #expect(error.description.contains(part), "\(error)")
    #expect(!error.remedy.isEmpty)
  }

  @Test("A connection string in the route file is refused and not quoted")
  func aConnectionStringIsRefusedAndNotQuoted() throws {
    let json = Self.function(
      #""name": "f", "trigger": "queue", "handler": "h", "queue": "jobs", "connection": "AccountKey=s3cret;""#)
    let error = try #require(throws: FunctionRoutesError.self) { try routes(json) }
    #expect(error.field == "connection")
    #expect(!error.description.contains("s3cret"))
  }

  @Test(
    "A schedule that the host takes is taken",
    arguments: [
      "0 15 2 * * *", "*/5 * * * * *", "0 0-30/10 8,20 1 JAN-mar SUN", "0 0 0 * * 0-6", "59 59 23 31 12 6",
      "%SCHEDULE%",
    ])
  func schedulesOfTheHostAreTaken(_ text: String) { #expect(ScheduleExpression.fault(in: text) == nil) }

  @Test(
    "A schedule that the host would refuse or misread is refused",
    arguments: [
      "", "15 2 * * *", "0 0 0 * * * *", "60 * * * * *", "0 0 24 * * *", "0 0 0 0 * *", "0 0 0 * 13 *", "0 0 0 * * 7",
      "0 0 0 * * MO", "0 5-1 * * * *", "*/0 * * * * *", "0 , * * * *", "0 1- * * * *", "0 -1 * * * *", "01:00:00",
      "% %",
    ])
  func otherSchedulesAreRefused(_ text: String) { #expect(ScheduleExpression.fault(in: text) != nil) }
}
