import Essentials
import Testing

@testable import CustomHandler

@Suite("The package of a function app") struct FunctionPackageTests {
  private func files(_ options: HostOptions = HostOptions()) throws -> [String: String] {
    let routes = try FunctionRoutes(
      json: Array(
        #"""
        {"functions": [
          {"name": "verify", "trigger": "http", "methods": ["GET", "POST"], "handler": "h"},
          {"name": "nightly", "trigger": "timer", "schedule": "0 15 2 * * *", "handler": "t"},
          {"name": "later", "trigger": "http", "methods": ["POST"], "handler": "l", "output": {"queue": "jobs"}},
          {"name": "work", "trigger": "queue", "queue": "jobs", "connection": "Storage", "handler": "q"}]}
        """#.utf8))
    let files = FunctionPackage(routes: routes, options: options).files
    #expect(
      files.map(\.path) == [
        "host.json", "verify/function.json", "nightly/function.json", "later/function.json", "work/function.json",
      ])
    return Dictionary(files.map { ($0.path, $0.contents) }, uniquingKeysWith: { first, _ in first })
  }

  @Test("An HTTP function's file has exactly a trigger and an output")
  func anHTTPFunctionHasExactlyATriggerAndAnOutput() throws {
    #expect(
      try files()["verify/function.json"] == """
        {
          "bindings": [
            {
              "authLevel": "function",
              "direction": "in",
              "methods": [
                "get",
                "post"
              ],
              "name": "req",
              "route": "verify",
              "type": "httpTrigger"
            },
            {
              "direction": "out",
              "name": "res",
              "type": "http"
            }
          ]
        }

        """)
  }

  @Test("The file of a timer has its trigger alone; that of a queue function also the poison queue and its own")
  func timersAndQueues() throws {
    let files = try files()
    let timer = JSONValue(text: files["nightly/function.json"] ?? "")
    #expect(
      timer == [
        "bindings": [
          [
            "type": "timerTrigger", "direction": "in", "name": "timer", "schedule": "0 15 2 * * *",
            "runOnStartup": false, "useMonitor": true,
          ]
        ]
      ])
    let queue = JSONValue(text: files["work/function.json"] ?? "")
    #expect(
      queue == [
        "bindings": [
          ["type": "queueTrigger", "direction": "in", "name": "message", "queueName": "jobs", "connection": "Storage"],
          [
            "type": "queue", "direction": "out", "name": "poison", "queueName": "jobs-poison", "connection": "Storage",
          ],
          ["type": "queue", "direction": "out", "name": "again", "queueName": "jobs", "connection": "Storage"],
        ]
      ])
  }

  @Test("An HTTP function whose job goes to a queue has an output for it")
  func anOutputForTheJob() throws {
    let bindings = JSONValue(text: try files()["later/function.json"] ?? "")?.object?["bindings"]
    guard case .array(let items)? = bindings else {
      Issue.record("no bindings")
      return
    }
    #expect(items.count == 3)
    #expect(
      items.last == [
        "type": "queue", "direction": "out", "name": "job", "queueName": "jobs", "connection": "AzureWebJobsStorage",
      ])
  }

  @Test("host.json makes the host forward HTTP and start the program")
  func theHostForwardsHTTPAndStartsTheProgram() throws {
    let host = JSONValue(text: try files()["host.json"] ?? "")?.object
    #expect(host?["version"] == "2.0")
    #expect(host?["functionTimeout"] == "00:30:00")
    #expect(
      host?["customHandler"] == [
        "enableForwardingHttpRequest": true,
        "description": ["defaultExecutablePath": "sluice", "arguments": ["serve"]],
      ])
    #expect(host?["extensions"]?.object?["http"] == ["routePrefix": "api"])
    #expect(host?["extensions"]?.object?["queues"]?.object?["maxDequeueCount"] == 5)
    #expect(host?["extensionBundle"]?.object?["version"] == "[4.*, 5.0.0)")
    #expect(
      JSONValue(text: try files(HostOptions(functionTimeout: nil))["host.json"] ?? "")?.object?["functionTimeout"]
        == "-1")
  }

  @Test("Time spans are written as .NET reads them")
  func timeSpansAreWrittenAsDotNetReadsThem() {
    #expect(FunctionPackage.timeSpan(.seconds(3661)) == "01:01:01")
    #expect(FunctionPackage.timeSpan(.seconds(90_000)) == "1.01:00:00")
  }
}
