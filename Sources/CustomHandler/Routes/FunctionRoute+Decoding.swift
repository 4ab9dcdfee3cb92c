import Essentials
import HTTPServer

extension FunctionRoute {
  init(_ fields: inout RouteFields) throws(FunctionRoutesError) {
    let nameRule = "a letter, then letters, digits, `_`, `-`, at most 128 in all, and not `host`"
    let name = try fields.text("name", remedy: "give \(nameRule)")
    guard name.wholeMatch(of: #/[A-Za-z][A-Za-z0-9_\-]{0,127}/#) != nil, !name.equalsIgnoringASCIICase("host") else {
      throw fields.error("name", found: "`\(name)` is not a function name", remedy: "give \(nameRule)")
    }
    self.name = name
    let kinds = FunctionTrigger.Kind.allCases.map(\.rawValue).joined(separator: ", ")
    let kindText = try fields.text("trigger", remedy: "give one of \(kinds)")
    guard let kind = FunctionTrigger.Kind(rawValue: kindText) else {
      throw fields.error("trigger", found: "`\(kindText)` is unknown", remedy: "give one of \(kinds)")
    }
    handler = try fields.text("handler", remedy: "name the handler that runs the function")
    guard handler.wholeMatch(of: #/[A-Za-z][A-Za-z0-9_.\-]*/#) != nil else {
      throw fields.error(
        "handler", found: "`\(handler)` is not a handler name",
        remedy: "give a letter, then letters, digits, `_`, `-`, `.`")
    }
    switch kind {
    case .http:
      trigger = try Self.http(&fields, name: name)
      jobQueue = try Self.output(&fields, name: name)
    case .timer:
      trigger = try Self.timer(&fields)
      jobQueue = try Self.output(&fields, name: name)
    case .queue: trigger = try Self.queue(&fields)
    }
    try fields.refuseTheRest()
  }

  private static func http(_ fields: inout RouteFields, name: String) throws(FunctionRoutesError) -> FunctionTrigger {
    let route = try fields.optionalText("route") ?? name
    guard !route.hasPrefix("/"), !route.hasSuffix("/") else {
      throw fields.error("route", found: "`\(route)` has a slash at an end", remedy: "leave it out")
    }
    do { _ = try HTTPRoutePattern(route) } catch {
      throw fields.error(
        "route", found: error.description, remedy: "give segments such as `operations/{id}` or `cron/{action?}`")
    }
    guard !RouteFields.isReserved(route) else {
      throw fields.error(
        "route", found: "`\(route)` is reserved for the Functions host", remedy: "begin with neither admin nor runtime")
    }
    guard route.wholeMatch(of: #/[A-Za-z0-9_.~\-{}?\/]*/#) != nil else {
      throw fields.error(
        "route", found: "`\(route)` has characters that the host and this server could read in two ways",
        remedy: "use letters, digits, `_`, `-`, `.`, `~` and parameters")
    }
    let methods = try methods(&fields)
    let levels = AuthLevel.allCases.map(\.rawValue).joined(separator: ", ")
    let levelText = try fields.optionalText("authLevel") ?? AuthLevel.function.rawValue
    guard let level = AuthLevel(rawValue: levelText) else {
      throw fields.error("authLevel", found: "`\(levelText)` is unknown", remedy: "give one of \(levels)")
    }
    return .http(route: route, methods: methods, authLevel: level)
  }

  private static func methods(_ fields: inout RouteFields) throws(FunctionRoutesError) -> [HTTPMethod] {
    let remedy = "give an array of methods such as [\"GET\", \"POST\"]"
    guard let value = fields.take("methods") else {
      throw fields.error("methods", found: "it is missing", remedy: remedy)
    }
    guard case .array(let items) = value, !items.isEmpty else {
      throw fields.error("methods", found: "found \(value.form)", remedy: remedy)
    }
    var methods: [HTTPMethod] = []
    for item in items {
      let method = HTTPMethod(rawValue: item.string?.asciiUppercased() ?? "")
      guard HTTPMethod.known.contains(method) else {
        throw fields.error(
          "methods", found: "`\(item.compact)` is not a method that this server supports", remedy: remedy)
      }
      guard !methods.contains(method) else {
        throw fields.error("methods", found: "\(method) is given twice", remedy: remedy)
      }
      methods.append(method)
    }
    return methods
  }

  private static func timer(_ fields: inout RouteFields) throws(FunctionRoutesError) -> FunctionTrigger {
    let remedy = "give six fields `second minute hour day month weekday`, such as `0 15 2 * * *`, or `%SETTING%`"
    let schedule = try fields.text("schedule", remedy: remedy)
    if let fault = ScheduleExpression.fault(in: schedule) {
      throw fields.error("schedule", found: "`\(schedule)` is not a schedule: \(fault)", remedy: remedy)
    }
    return .timer(schedule: schedule)
  }

  /// `"output": {"queue": …, "connection": …}` of an HTTP function or a timer.
  private static func output(
    _ fields: inout RouteFields, name: String
  ) throws(FunctionRoutesError) -> QueueOutput? {
    guard let value = fields.take("output") else { return nil }
    guard value.object != nil else {
      throw fields.error(
        "output", found: "found \(value.form)", remedy: "give the queue as `{\"queue\": \"jobs\"}`")
    }
    var inner = try RouteFields(value, within: name)
    let (queue, connection) = try place(&inner)
    try inner.refuseTheRest()
    return QueueOutput(name: QueueOutput.job, queue: queue, connection: connection)
  }

  private static func queue(_ fields: inout RouteFields) throws(FunctionRoutesError) -> FunctionTrigger {
    let (queue, connection) = try place(&fields)
    return .queue(name: queue, connection: connection)
  }

  /// The members `queue` and `connection`.
  private static func place(
    _ fields: inout RouteFields
  ) throws(FunctionRoutesError) -> (queue: String, connection: String) {
    let remedy = "give 3 to 63 lower-case letters, digits and single hyphens, or `%SETTING%`"
    let queue = try fields.text("queue", remedy: remedy)
    let isName = (3...63).contains(queue.count) && queue.wholeMatch(of: #/[a-z0-9]+(-[a-z0-9]+)*/#) != nil
    guard isName || SettingReference.isOne(queue) else {
      throw fields.error("queue", found: "`\(queue)` is not a queue name", remedy: remedy)
    }
    let connection = try fields.optionalText("connection") ?? "AzureWebJobsStorage"
    guard connection.wholeMatch(of: #/[A-Za-z_][A-Za-z0-9_:.\-]*/#) != nil else {
      // Not quoted: what stands here by mistake is often a connection string with its key.
      throw fields.error(
        "connection", found: "found \(JSONValue.string(connection).form) that is not a setting's name",
        remedy: "name the setting that holds the connection, and never put a connection string in this file")
    }
    return (queue, connection)
  }
}
