import Essentials
import HTTPServer

/// `function-routes.json`: the one list of the app's functions. The server routes from it, and the deployable package is
/// written from it.
///
/// ```json
/// {"routePrefix": "api",
///  "functions": [
///   {"name": "verify", "trigger": "http", "route": "verify", "methods": ["GET", "POST"], "authLevel": "function",
///    "handler": "verify"},
///   {"name": "nightly_backup", "trigger": "timer", "schedule": "0 15 2 * * *", "handler": "nightly_backup"},
///   {"name": "backup_worker", "trigger": "queue", "queue": "backups", "connection": "AzureWebJobsStorage",
///    "handler": "backup_worker"}]}
/// ```
/// `name`, `trigger` and `handler` are required; `http` also needs `methods` (`route` is the name unless given, `authLevel`
/// is `function`; with `"output": {"queue": …}` its answers may put a message on that queue), `timer` needs `schedule` and may have an `output` too, `queue` needs `queue` (`connection` is `AzureWebJobsStorage`). `routePrefix` is
/// `api` unless given. Any other key is an error.
package struct FunctionRoutes: Sendable, Equatable {
  /// The first part of every public path, without slashes; may be empty.
  package let routePrefix: String
  /// The functions in the order of the file.
  package let functions: [FunctionRoute]

  /// Reads and checks the file's content.
  /// - Throws: `FunctionRoutesError`.
  package init(json: [UInt8]) throws(FunctionRoutesError) {
    let root: JSONValue
    do throws(JSONError) {
      root = try JSONValue(parsing: json)
    } catch {
      throw FunctionRoutesError(
        function: nil, field: nil, found: "the content is not JSON: \(error)", remedy: "make it one JSON object")
    }
    try self.init(root)
  }

  init(_ root: JSONValue) throws(FunctionRoutesError) {
    var file = try RouteFields(root, function: nil)
    routePrefix = try Self.prefix(&file)
    guard case .array(let items)? = file.take("functions") else {
      throw file.error(
        "functions", found: "it is missing or not an array", remedy: "list the functions as `\"functions\": [{...}]`")
    }
    try file.refuseTheRest()
    var functions: [FunctionRoute] = []
    for (index, item) in items.enumerated() {
      var fields = try RouteFields(item, function: "functions[\(index)]")
      functions.append(try FunctionRoute(&fields))
    }
    self.functions = functions
    try checkNames()
    try checkRoutes()
  }

  private init(routePrefix: String, functions: [FunctionRoute]) {
    self.routePrefix = routePrefix
    self.functions = functions
  }

  /// The same with another path to an HTTP function, for a server without a host: `admin/…`, which a host refuses.
  /// - Returns: itself where there is no such function.
  package func adding(route: String, as name: String, to function: String) -> FunctionRoutes {
    guard let own = functions.first(where: { $0.handler == function }),
      case .http(_, let methods, let level) = own.trigger
    else { return self }
    let other = FunctionRoute(
      name: name, trigger: .http(route: route, methods: methods, authLevel: level), handler: own.handler)
    return FunctionRoutes(routePrefix: routePrefix, functions: functions + [other])
  }

  /// The text of a list of functions with the timers' schedules as app settings: `%BACKUP_SCHEDULE%` for `nightly_backup`.
  /// - Returns: the text, and the schedules by the names of the settings.
  /// - Throws: `FunctionRoutesError`.
  package static func takingSchedulesFromSettings(
    _ text: String
  ) throws(FunctionRoutesError) -> (text: String, schedules: [String: String]) {
    // Checks the text, so that the rest can rely on its form.
    _ = try FunctionRoutes(json: Array(text.utf8))
    guard var root = (try? JSONValue(parsing: Array(text.utf8)))?.object, case .array(var items)? = root["functions"]
    else { return (text, [:]) }
    var schedules: [String: String] = [:]
    for (index, item) in items.enumerated() {
      guard var members = item.object, let name = members["name"]?.string, let schedule = members["schedule"]?.string,
        !SettingReference.isOne(schedule)
      else { continue }
      let stem = name.hasPrefix("nightly_") ? name.dropFirst("nightly_".count) : name[...]
      let setting = stem.asciiUppercased().replacing("-", with: "_") + "_SCHEDULE"
      schedules[setting] = schedule
      members["schedule"] = .string("%\(setting)%")
      items[index] = .object(members)
    }
    root["functions"] = .array(items)
    return (JSONValue.object(root).pretty, schedules)
  }

  /// The public pattern of an HTTP function.
  func pattern(of route: String) -> String { "/" + [routePrefix, route].filter { !$0.isEmpty }.joined(separator: "/") }

  private static func prefix(_ file: inout RouteFields) throws(FunctionRoutesError) -> String {
    guard let prefix = try file.optionalText("routePrefix") else { return "api" }
    let remedy = "give path segments without a slash at the ends, such as `api`, or an empty string"
    guard prefix.isEmpty || prefix.wholeMatch(of: #/[A-Za-z0-9_.~\-]+(/[A-Za-z0-9_.~\-]+)*/#) != nil else {
      throw file.error("routePrefix", found: "`\(prefix)` is not a path", remedy: remedy)
    }
    guard !RouteFields.isReserved(prefix) else {
      throw file.error(
        "routePrefix", found: "`\(prefix)` is reserved for the Functions host",
        remedy: "begin with neither admin nor runtime")
    }
    return prefix
  }

  private func checkNames() throws(FunctionRoutesError) {
    var seen: Set<String> = []
    for function in functions where !seen.insert(function.name.asciiLowercased()).inserted {
      throw FunctionRoutesError(
        function: function.name, field: "name", found: "the name is given twice (case does not count)",
        remedy: "give each function a name of its own")
    }
  }

  /// The host leaves the order of overlapping templates undefined, so none may overlap. With an empty prefix, a public path
  /// could also be another function's envelope path.
  private func checkRoutes() throws(FunctionRoutesError) {
    var router = HTTPRouter<String>()
    for function in functions {
      guard case .http(let route, let methods, _) = function.trigger else { continue }
      for method in methods {
        do { try router.register(method, pattern(of: route), function.name) } catch {
          throw FunctionRoutesError(
            function: function.name, field: "route", found: error.description,
            remedy: "keep the routes of one method disjoint")
        }
      }
    }
    for function in functions {
      guard case .found(let owner, _) = router.match(.post, [function.name]), owner != function.name else { continue }
      throw FunctionRoutesError(
        function: owner, field: "route",
        found: "with this prefix it would receive the host's calls of `\(function.name)`",
        remedy: "choose another route, or a route prefix")
    }
  }
}

/// What is wrong with `function-routes.json`.
package struct FunctionRoutesError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The function's name, or its place as `functions[2]` when it has none that can be read; nil for the file itself.
  package let function: String?
  /// The field at fault; nil when the whole is.
  package let field: String?
  /// What was found. The form of a value rather than the value where it could be a secret.
  package let found: String
  /// What is expected, and so what to do.
  package let remedy: String

  /// All of it in one line.
  package var description: String {
    var place = "function-routes.json"
    if let function { place += ", function `\(function)`" }
    if let field { place += ", field `\(field)`" }
    return "\(place): \(found); \(remedy)"
  }
}
