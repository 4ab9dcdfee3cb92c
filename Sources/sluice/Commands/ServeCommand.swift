import CustomHandler
import Foundation
import HTTPServer
import Sluice
import SluiceService

/// `sluice serve`.
enum ServeCommand {
  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    // One line each, at once, on standard output: the host makes an entry of each, and of each line on standard error an
    // error.
    Log.start { level, line in if level != .debug { Output.line(line) } }
    let settings = try Wiring.settings()
    let host = arguments.value("host") ?? "127.0.0.1"
    let port = try port(arguments, settings)
    let key = try accessKey(settings, host: host)
    let routes = try RoutesFile(arguments).routes
    let context = try await Wiring.context(settings)
    let operations = OperationStore(lake: context.lake)
    let functions = SluiceFunctions(
      context: context, operations: operations, functionTimeout: HostLimits.functionTimeout())
    let app = try FunctionApp(routes: routes, handlers: functions.handlers, accessKey: key)

    let signals = Signals.stream()
    var configuration = HTTPServerConfiguration(host: host, port: port)
    configuration.maximumBodySize = SluiceFunctions.maximumBodySize
    configuration.onTrouble = { Log.write(.warning, "http", ["trouble": $0]) }
    let server = HTTPServer(configuration: configuration, handler: app.respond)
    let bound = try await server.start()
    Log.write(
      .info, "listening", ["host": host, "port": bound, "lake": context.lake.displayURL, "version": Program.version])

    await stop(server, operations, grace: .seconds(settings.shutdownGrace), signals)
    await context.pools.close()
    Log.write(.info, "stopped")
    return .done
  }

  /// Waits for the first signal, then ends in order. A second one ends at once.
  private static func stop(
    _ server: HTTPServer, _ operations: OperationStore, grace: Duration, _ signals: AsyncStream<Int32>
  ) async {
    var iterator = signals.makeAsyncIterator()
    _ = await iterator.next()
    Log.write(.info, "stopping", ["grace_seconds": grace / .seconds(1)])
    let impatience = Task {
      for await _ in Signals.stream() { exit(ExitCode.failed.rawValue) }
    }
    async let answered: Void = server.shutdown(grace: grace)
    async let finished: Void = operations.shutDown(grace: grace)
    _ = await (answered, finished)
    impatience.cancel()
  }

  private static func port(_ arguments: ParsedArguments, _ settings: Settings) throws -> Int {
    if let port = settings.customHandlerPort { return port }
    guard let text = arguments.value("port") else { return 7071 }
    guard let port = Int(text), (0...65535).contains(port) else {
      throw UsageError("--port: expected a whole number from 0 to 65535, got \"\(text)\"")
    }
    return port
  }

  /// The key that callers must show. On loopback behind a Functions host none: the host checks its own keys.
  private static func accessKey(_ settings: Settings, host: String) throws -> AccessKey? {
    let isLoopback = host == "localhost" || host == "::1" || host.hasPrefix("127.")
    if isLoopback, settings.customHandlerPort != nil { return nil }
    if let secret = settings.key {
      guard let key = AccessKey(secret.reveal()) else {
        throw JobError(
          .invalid, code: "bad_setting", "SLUICE_KEY: expected a text that is not empty", field: "SLUICE_KEY")
      }
      return key
    }
    guard isLoopback else {
      throw JobError(
        .invalid, code: "bad_setting",
        "SLUICE_KEY is not set; listening on \(host), beyond loopback, needs a key that callers show as x-functions-key",
        field: "SLUICE_KEY")
    }
    return nil
  }
}
