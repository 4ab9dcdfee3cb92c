import Dispatch
import Foundation

/// SIGTERM and SIGINT: the first asks for the end, the second ends at once.
enum Signals {
  /// The signals as they come.
  static func stream() -> AsyncStream<Int32> {
    AsyncStream { continuation in
      let sources = [SIGTERM, SIGINT].map { SignalSource($0) { continuation.yield($0) } }
      continuation.onTermination = { _ in sources.forEach { $0.cancel() } }
    }
  }

  /// Runs `body` in a task that the first signal cancels, so that it cleans up; the second signal ends the process.
  static func cancelling<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let task = Task { try await body() }
    let signals = stream()
    let watcher = Task {
      var count = 0
      for await _ in signals {
        count += 1
        if count > 1 { exit(ExitCode.failed.rawValue) }
        Output.error("sluice: stopping and cleaning up; a second signal ends it at once")
        task.cancel()
      }
    }
    defer { watcher.cancel() }
    return try await task.value
  }
}

/// Watches one signal.
///
/// `@unchecked Sendable`: the source is set up in `init` and only cancelled afterwards, which Dispatch allows from any
/// thread.
private final class SignalSource: @unchecked Sendable {
  private let source: any DispatchSourceSignal

  init(_ number: Int32, _ handler: @escaping @Sendable (Int32) -> Void) {
    // The default action would end the process before the source is asked.
    signal(number, SIG_IGN)
    source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler { handler(number) }
    source.resume()
  }

  func cancel() {
    source.cancel()
  }
}
