import CustomHandler
import Essentials
import Foundation
import Jobs

/// What `function-routes.json`, `host.json` and the folders of the functions say, against the rules of the Functions host and the limits of
/// the hosting plan.
struct FunctionsChecks {
  let environment: [String: String]
  /// Where the app's files are looked for, in order.
  let folders: [String]

  init(environment: [String: String], folders: [String]? = nil) {
    self.environment = environment
    self.folders =
      folders
      ?? [environment["FUNCTIONS_APP_ROOT_PATH"], ".", (RoutesFile.binaryPath as NSString).deletingLastPathComponent]
      .compactMap(\.self)
  }

  private var isBehindHost: Bool { environment["FUNCTIONS_CUSTOMHANDLER_PORT"] != nil }

  func run() -> [DoctorCheck] {
    let files = FileManager.default
    guard let root = folders.first(where: { files.fileExists(atPath: "\($0)/\(RoutesFile.name)") }) else {
      return [
        DoctorCheck(
          .functionsRoutes, isBehindHost ? .failed : .skipped,
          "there is no \(RoutesFile.name) at \(folders.joined(separator: ", "))",
          remedy: isBehindHost ? "deploy the folder that sluice package --output DIR writes" : nil)
      ]
    }
    let routes: FunctionRoutes
    do {
      routes = try FunctionRoutes(json: Array(files.contents(atPath: "\(root)/\(RoutesFile.name)") ?? Data()))
    } catch {
      return [
        DoctorCheck(
          .functionsRoutes, .failed, "\(error)", remedy: "correct the file, then run sluice package --output DIR again")
      ]
    }
    var checks = [
      DoctorCheck(.functionsRoutes, .ok, "\(routes.functions.count) functions, all as the host takes them")
    ]
    checks += settings(routes)
    guard let content = files.contents(atPath: "\(root)/host.json") else {
      let text = "there is no host.json beside \(RoutesFile.name)"
      checks.append(
        DoctorCheck(
          .functionsHost, isBehindHost ? .failed : .skipped, text,
          remedy: isBehindHost ? "deploy the folder that sluice package --output DIR writes" : nil))
      return checks
    }
    guard let host = (try? JSONValue(parsing: Array(content)))?.object else {
      checks.append(
        DoctorCheck(
          .functionsHost, .failed, "host.json is not a JSON object", remedy: "sluice package --output DIR writes it"))
      return checks
    }
    return checks + hostChecks(host, routes, root) + [timeout(host)] + bindings(routes, root)
  }

  /// The settings that routes name: schedules as `%NAME%`, and connections of queues.
  private func settings(_ routes: FunctionRoutes) -> [DoctorCheck] {
    guard isBehindHost else {
      return [
        DoctorCheck(.functionsSettings, .skipped, "no Functions host is in front, so timers and queues call nobody")
      ]
    }
    var names: Set<String> = []
    for function in routes.functions {
      switch function.trigger {
      case .timer(let schedule):
        names.insert("AzureWebJobsStorage")
        if schedule.hasPrefix("%"), schedule.hasSuffix("%") { names.insert(String(schedule.dropFirst().dropLast())) }
      case .queue(_, let connection): names.insert(connection)
      case .http: if let queue = function.jobQueue { names.insert(queue.connection) }
      }
    }
    let missing = names.sorted().filter { name in
      // An identity-based connection is several settings with the name as their prefix.
      !environment.keys.contains { $0 == name || $0.hasPrefix(name + "__") }
    }
    return missing.isEmpty
      ? [DoctorCheck(.functionsSettings, .ok, "the settings that the functions name are there")]
      : missing.map {
        DoctorCheck(
          .functionsSettings, .failed, "the app setting \($0), which function-routes.json names, is not set",
          remedy: "az functionapp config appsettings set -g GROUP -n APP --settings \($0)=VALUE")
      }
  }

  private func hostChecks(_ host: [String: JSONValue], _ routes: FunctionRoutes, _ root: String) -> [DoctorCheck] {
    let handler = host["customHandler"]?.object ?? [:]
    let extensions = host["extensions"]?.object ?? [:]
    var problems: [String] = []
    if host["version"]?.string != "2.0" { problems.append("version is not \"2.0\"") }
    if handler["enableForwardingHttpRequest"] != .bool(true) {
      problems.append(
        "customHandler.enableForwardingHttpRequest is not true, so that requests are wrapped and bytes that are no text are lost"
      )
    }
    if let executable = handler["description"]?.object?["defaultExecutablePath"]?.string {
      if !executable.contains("/"), isBehindHost, !FileManager.default.isExecutableFile(atPath: "\(root)/\(executable)")
      {
        problems.append(
          "customHandler.description.defaultExecutablePath is \(executable), which is no executable of the app")
      }
    } else {
      problems.append("customHandler.description.defaultExecutablePath is missing")
    }
    let prefix = extensions["http"]?.object?["routePrefix"]?.string ?? "api"
    if prefix != routes.routePrefix {
      problems.append(
        "extensions.http.routePrefix is \"\(prefix)\", and function-routes.json has \"\(routes.routePrefix)\"")
    }
    let queues = extensions["queues"]?.object ?? [:]
    if routes.functions.contains(where: { $0.trigger.kind == .queue }) {
      if let encoding = queues["messageEncoding"]?.string, encoding != "base64" {
        problems.append("extensions.queues.messageEncoding is \(encoding), and messages are base64")
      }
      if (queues["batchSize"]?.whole ?? 16) > 1 {
        problems.append("extensions.queues.batchSize is over 1: heavy jobs run side by side in one instance")
      }
    }
    return problems.isEmpty
      ? [DoctorCheck(.functionsHost, .ok, "host.json is as the functions need it")]
      : problems.map {
        DoctorCheck(.functionsHost, .failed, "host.json: \($0)", remedy: "sluice package --output DIR writes host.json")
      }
  }

  /// Minutes that a plan allows at most, and gives where nothing is set, by `WEBSITE_SKU`.
  private static let consumption = (words: "Consumption", maximum: 10.0, standard: 5.0)

  private func timeout(_ host: [String: JSONValue]) -> DoctorCheck {
    let text = environment["AzureFunctionsJobHost__functionTimeout"] ?? host["functionTimeout"]?.string
    let isConsumption = environment["WEBSITE_SKU"] == "Dynamic"
    let remedy = "sluice package --function-timeout MINUTES"
    guard let text else {
      return DoctorCheck(
        .functionsTimeout, .warning,
        "functionTimeout is not set: the plan's default counts (\(isConsumption ? "5" : "30") minutes), and a job that takes longer ends with the process",
        remedy: remedy)
    }
    if text == "-1" {
      return isConsumption
        ? DoctorCheck(
          .functionsTimeout, .failed, "functionTimeout is -1, and the Consumption plan allows 10 minutes at most",
          remedy: "sluice package --function-timeout 10, or another plan")
        : DoctorCheck(.functionsTimeout, .ok, "functionTimeout has no limit")
    }
    guard let limit = HostLimits.duration(text) else {
      return DoctorCheck(
        .functionsTimeout, .failed, "functionTimeout is \"\(text)\"; expected hours:minutes:seconds, such as 00:30:00",
        remedy: remedy)
    }
    let minutes = Double(limit.components.seconds) / 60
    if isConsumption, minutes > Self.consumption.maximum {
      return DoctorCheck(
        .functionsTimeout, .failed,
        "functionTimeout is \(Int(minutes)) minutes, and the Consumption plan allows 10 at most: the host does not start",
        remedy: "sluice package --function-timeout 10, or another plan")
    }
    return DoctorCheck(.functionsTimeout, .ok, "functionTimeout is \(text)")
  }

  /// The folders of the functions against the routes.
  private func bindings(_ routes: FunctionRoutes, _ root: String) -> [DoctorCheck] {
    let files = FileManager.default
    let wanted = FunctionPackage(routes: routes).files.filter { $0.path != "host.json" }
    let present = wanted.filter { files.fileExists(atPath: "\(root)/\($0.path)") }
    guard isBehindHost || !present.isEmpty else {
      return [
        DoctorCheck(.functionsBindings, .skipped, "the functions have no folders here: sluice package writes them")
      ]
    }
    let different = wanted.filter { file in
      let found = files.contents(atPath: "\(root)/\(file.path)").flatMap { try? JSONValue(parsing: Array($0)) }
      return found == nil || found != (try? JSONValue(parsing: Array(file.contents.utf8)))
    }
    return different.isEmpty
      ? [DoctorCheck(.functionsBindings, .ok, "the folders of the functions are as function-routes.json has them")]
      : different.map {
        DoctorCheck(
          .functionsBindings, .failed, "\($0.path) is missing, or says something else than function-routes.json",
          remedy: "deploy the folder that sluice package --output DIR writes")
      }
  }
}
