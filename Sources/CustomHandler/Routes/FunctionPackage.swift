import Essentials
import HTTPServer

/// The files that make a folder a function app: `host.json` and a `function.json` per function. It only makes their
/// content; the same routes and options always give the same bytes.
package struct FunctionPackage: Sendable {
  /// One file.
  package struct File: Sendable, Equatable {
    /// The path in the app's folder, such as `verify/function.json`.
    package let path: String
    /// The content: JSON text with sorted keys, ended by a line break.
    package let contents: String
  }

  private let routes: FunctionRoutes
  private let options: HostOptions
  /// The default schedules, by the settings in which the host looks for them.
  private let schedules: [String: String]

  /// - Parameter schedules: what the settings that the timers name are in `local.settings.json`.
  package init(routes: FunctionRoutes, options: HostOptions = HostOptions(), schedules: [String: String] = [:]) {
    self.routes = routes
    self.options = options
    self.schedules = schedules
  }

  /// What the host does not read, beside the list of functions: the settings of a host on a developer's machine, and what is not uploaded.
  package var extraFiles: [File] {
    [
      File(path: "local.settings.json", contents: localSettings.pretty),
      File(path: ".funcignore", contents: ".funcignore\n.git*\n.vscode\nlocal.settings.json\n"),
    ]
  }

  /// Without a secret: whoever runs it adds what the database needs.
  private var localSettings: JSONValue {
    var values: [String: JSONValue] = [
      "AzureWebJobsStorage": "UseDevelopmentStorage=true", "FUNCTIONS_WORKER_RUNTIME": "custom",
      "LAKE_URL": "file:///tmp/lake?create=true", "PG_HOST": "127.0.0.1", "PG_SSLMODE": "prefer",
      "PG_DATABASE": "", "PG_USER": "", "BACKUP_TABLES": "",
    ]
    for (name, schedule) in schedules { values[name] = .string(schedule) }
    return ["IsEncrypted": false, "Values": .object(values)]
  }

  package var functionCount: Int { routes.functions.count }

  /// `host.json`, then each function's file in the order of the routes.
  package var files: [File] {
    [File(path: "host.json", contents: host.pretty)]
      + routes.functions.map { function in
        File(
          path: "\(function.name)/function.json",
          contents: JSONValue.object(["bindings": .array(bindings(of: function))]).pretty)
      }
  }

  /// An HTTP function has one `httpTrigger` and one `http` output and nothing else, unless its job goes to a queue: with any
  /// other binding the host wraps its requests in envelopes, which lose bytes that are not text.
  private func bindings(of function: FunctionRoute) -> [JSONValue] {
    var trigger: [String: JSONValue] = [
      "direction": "in", "name": .string(function.trigger.kind.bindingName),
      "type": .string(function.trigger.kind.rawValue + "Trigger"),
    ]
    switch function.trigger {
    case .http(let route, let methods, let level):
      trigger["authLevel"] = .string(level.rawValue)
      trigger["methods"] = .array(methods.map { .string($0.rawValue.asciiLowercased()) })
      trigger["route"] = .string(route)
      return [.object(trigger), ["direction": "out", "name": "res", "type": "http"]] + queueOutputs(of: function)
    case .timer(let schedule):
      trigger["schedule"] = .string(schedule)
      // True would fire on every restart and every scale-out.
      trigger["runOnStartup"] = false
      trigger["useMonitor"] = true
    case .queue(let name, let connection):
      trigger["queueName"] = .string(name)
      trigger["connection"] = .string(connection)
    }
    return [.object(trigger)] + queueOutputs(of: function)
  }

  private func queueOutputs(of function: FunctionRoute) -> [JSONValue] {
    function.outputs.map { output in
      [
        "direction": "out", "name": .string(output.name), "type": "queue", "queueName": .string(output.queue),
        "connection": .string(output.connection),
      ]
    }
  }

  private var host: JSONValue {
    [
      "version": "2.0",
      "functionTimeout": .string(options.functionTimeout.map(Self.timeSpan) ?? "-1"),
      "customHandler": [
        "enableForwardingHttpRequest": true,
        "description": [
          "defaultExecutablePath": .string(options.executable),
          "arguments": .array(options.arguments.map { .string($0) }),
        ],
      ],
      "extensions": [
        "http": ["routePrefix": .string(routes.routePrefix)],
        "queues": [
          "batchSize": .integer(options.queueBatchSize), "newBatchThreshold": 0,
          "maxDequeueCount": .integer(options.queueMaximumDequeueCount), "messageEncoding": "base64",
          "visibilityTimeout": .string(Self.timeSpan(options.queueVisibilityTimeout)),
        ],
      ],
      "extensionBundle": ["id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"],
      "logging": ["logLevel": ["default": "Information"]],
    ]
  }

  /// A .NET time span, `[d.]hh:mm:ss`: hours stop at 23, and `24:00:00` would be read as 24 days.
  static func timeSpan(_ duration: Duration) -> String {
    let total = max(0, duration.components.seconds)
    let parts = [total / 3600 % 24, total / 60 % 60, total % 60].map { $0 < 10 ? "0\($0)" : String($0) }
    let days = total / 86400
    return (days > 0 ? "\(days)." : "") + parts.joined(separator: ":")
  }
}

/// What `host.json` says beyond the routes.
package struct HostOptions: Sendable, Equatable {
  /// How long a function may run before the host kills the process; nil for no limit (`-1`), which not every plan takes.
  /// Whole seconds.
  package var functionTimeout: Duration?
  /// The executable in the app's root.
  package var executable: String
  /// Its arguments; an item must not hold a space, as the host joins and splits them.
  package var arguments: [String]
  /// Queue messages taken at a time, 1 to 32. One by one by default: each message is a heavy job.
  package var queueBatchSize: Int
  /// Attempts before a message moves to `<queue>-poison`.
  package var queueMaximumDequeueCount: Int
  /// How long a failed message stays hidden. Whole seconds.
  package var queueVisibilityTimeout: Duration

  /// `sluice serve`, 30 minutes, one message at a time, five attempts half a minute apart.
  package init(
    functionTimeout: Duration? = .seconds(1800), executable: String = "sluice", arguments: [String] = ["serve"],
    queueBatchSize: Int = 1, queueMaximumDequeueCount: Int = 5, queueVisibilityTimeout: Duration = .seconds(30)
  ) {
    self.functionTimeout = functionTimeout
    self.executable = executable
    self.arguments = arguments
    self.queueBatchSize = queueBatchSize
    self.queueMaximumDequeueCount = queueMaximumDequeueCount
    self.queueVisibilityTimeout = queueVisibilityTimeout
  }
}
