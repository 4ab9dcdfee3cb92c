import Configuration
import CustomHandler
import Essentials
import Foundation
import HTTPServer
import Jobs
import Lake
import Reporting
import SluiceService
import Synchronization

/// `sluice serve`.
enum ServeCommand: Command {
  static let name = "serve"
  static let summary = "answer HTTP calls, timers and queue messages: the Functions custom handler"
  static let usage = "[OPTIONS]"
  static let examples = ["serve", "serve --host 0.0.0.0 --port 8080"]
  static let options: [CommandOption] = [
    CommandOption(
      "host", .value("ADDRESS"), "the address to listen on; beyond loopback SLUICE_KEY is required",
      default: "127.0.0.1"),
    CommandOption(
      "port", .value("PORT"), "the port to listen on; 0 takes a free one",
      default: "FUNCTIONS_CUSTOMHANDLER_PORT, else 7071"),
    .routes, .help,
  ]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    // Log lines go to standard output, unbuffered: the host makes an entry of each. It makes an error of each line on
    // standard error.
    let isBehindHost = Wiring.environment["FUNCTIONS_CUSTOMHANDLER_PORT"].map { !$0.isEmpty } ?? false
    Log.start { level, line in
      if isBehindHost && level == .error { Output.error(line) } else { Output.line(line) }
    }
    let settings = try Wiring.settings()
    let grace = Duration.seconds(settings.shutdownGraceSeconds)
    let phase = ServePhase()
    // Before anything that may hang: without a handler, the first process of a container ignores SIGTERM.
    let signals = Signals.stream {
      guard phase.isServing else {
        Log.write(.info, "stopped before the server listened")
        ExitCode.done.endProcess()
      }
      Watchdog.arm(after: grace + Watchdog.cleanup) { left in
        Log.write(
          .error, "the shutdown did not end in time, so the process ends now",
          ["seconds": (grace + Watchdog.cleanup).seconds])
        for work in left { Log.write(.error, "left undone", ["work": work]) }
      }
    }
    defer { withExtendedLifetime(signals) {} }
    let host = arguments.value("host") ?? "127.0.0.1"
    let port = try port(arguments, settings)
    let key = try accessKey(settings, host: host)
    let parts = try await Wiring.parts(settings)
    let operations = OperationStore(lake: parts.context.lake)
    let doctor = Wiring.doctorWatch(settings)
    let functions = SluiceFunctions(
      context: parts.context, backup: settings.backup, restore: parts.restore, maintenance: settings.maintenance,
      drill: settings.drill, operations: operations, readiness: parts.readiness, doctor: doctor,
      host: functionHost(settings),
      syncLimit: settings.syncLimitSeconds == 0 ? nil : TimeInterval(settings.syncLimitSeconds))
    let metrics = MetricsPage(MetricsReading(parts.context, settings.backup))
    let refusals = refusalLog()
    let app = try FunctionApp(
      routes: routes(arguments, settings), handlers: functions.handlers, accessKey: key,
      callers: callers(settings, key),
      ownKeys: ownKeys(settings), pages: settings.customHandlerPort == nil ? ["/metrics": metrics.respond] : [:],
      onUnauthorized: refusals.note)

    var configuration = HTTPServerConfiguration(host: host, port: port)
    configuration.onTrouble = { Log.write(.warning, "the HTTP server has a problem", ["reason": $0]) }
    let server = HTTPServer(configuration: configuration, admit: app.admit, handler: app.respond)
    let bound = try await server.start()
    phase.serve()
    Log.write(
      .info, "listening",
      ["host": host, "port": bound, "lake": parts.context.lake.displayURL, "version": Program.version])

    let isComplete = await stop(server, operations, grace: grace, signals)
    refusals.tellKept()
    await doctor.close()
    await parts.close()
    Log.write(isComplete ? .info : .error, isComplete ? "stopped" : "stopped before all work had ended")
    return isComplete ? .done : .failed
  }

  private static func routes(_ arguments: ParsedArguments, _ settings: Settings) throws -> FunctionRoutes {
    let routes = try RoutesFile(arguments).routes
    // A host keeps routes under `admin` to itself.
    return settings.customHandlerPort == nil
      ? routes.adding(route: "admin/maintenance", as: "admin_maintenance", to: "maintenance") : routes
  }

  private static func functionHost(_ settings: Settings) -> FunctionHost {
    FunctionHost(
      isInFront: settings.customHandlerPort != nil, functionTimeout: HostLimits.functionTimeout(),
      maximumAttempts: HostLimits.maximumAttempts(), fansOut: settings.fanout == .queue)
  }

  /// Logs callers who are answered 401. The path has no query, which may hold what was taken for the key.
  private static func refusalLog() -> RefusalLog {
    RefusalLog { count, request in
      Log.write(
        .warning, "callers without the key were refused",
        ["count": count, "method": request.method, "path": String(request.path.prefix(200)), "request": request.id])
    }
  }

  /// The part of `Watchdog.cleanup` in which jobs must end after their grace; the rest is for answering their callers.
  private static let jobCleanup: Duration = .milliseconds(3500)

  /// Waits for the first signal, then shuts down. A second signal ends the process at once.
  /// - Returns: whether all work has ended.
  private static func stop(
    _ server: HTTPServer, _ operations: OperationStore, grace: Duration, _ signals: AsyncStream<Int32>
  ) async -> Bool {
    for await _ in signals { break }
    Log.write(.info, "stopping", ["grace_seconds": grace.seconds])
    async let abandoned = server.shutdown(grace: grace, cleanup: jobCleanup)
    async let interrupted = operations.shutDown(grace: grace, cleanup: jobCleanup)
    let (requests, unfinished) = await (abandoned, interrupted)
    guard requests > 0 || !unfinished.isEmpty else { return true }
    for work in WorkUnderWay.all { Log.write(.error, "left undone", ["work": work]) }
    return false
  }

  private static func port(_ arguments: ParsedArguments, _ settings: Settings) throws -> Int {
    if let port = settings.customHandlerPort { return port }
    guard let text = arguments.value("port") else { return 7071 }
    guard let port = Int(text), (0...65535).contains(port) else {
      throw UsageError("--port: expected a whole number from 0 to 65535, got \"\(text)\"")
    }
    return port
  }

  /// The maintenance deletes rows: its key is asked for also behind a host, whose own keys open all functions, and on loopback.
  private static func ownKeys(_ settings: Settings) -> [String: [AccessKey]] {
    let keys = [settings.maintenanceKey, settings.key].compactMap(\.self).compactMap { AccessKey($0) }
    // A host calls its timers without a key; without a host nobody else may.
    return settings.customHandlerPort == nil
      ? ["maintenance": keys, "nightly_maintenance": keys] : ["maintenance": keys]
  }

  /// The callers that are served. Without a key these are only programs on this machine, but not web pages in a browser
  /// on it.
  private static func callers(_ settings: Settings, _ key: AccessKey?) -> Callers {
    guard key == nil else { return .anyone }
    return settings.customHandlerPort.map { .functionsHost(port: $0) } ?? .thisMachine
  }

  /// The key that callers must send. It is required beyond loopback and optional on loopback; nil on loopback behind a
  /// Functions host, which checks its own keys.
  private static func accessKey(_ settings: Settings, host: String) throws -> AccessKey? {
    let isLoopback = ["localhost", "::1", "[::1]"].contains(host) || host.hasPrefix("127.")
    if isLoopback, settings.customHandlerPort != nil { return nil }
    if let secret = settings.key {
      guard let key = AccessKey(secret) else {
        throw JobError(
          .badSetting, "expected a text that is not empty; set another key", field: "SLUICE_KEY")
      }
      return key
    }
    guard isLoopback else {
      throw JobError(
        .badSetting,
        "not set; listening on \(host), beyond loopback, needs a key, which callers send as x-functions-key",
        field: "SLUICE_KEY")
    }
    return nil
  }
}

/// Whether the server has begun to listen.
private final class ServePhase: Sendable {
  private let hasBegun = Atomic(false)

  var isServing: Bool { hasBegun.load(ordering: .relaxed) }

  func serve() { hasBegun.store(true, ordering: .relaxed) }
}
