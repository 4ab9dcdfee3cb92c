import Dispatch
import Foundation
import Synchronization

/// SIGTERM and SIGINT: the first asks for the end, the second ends at once.
enum Signals {
  /// The signals as they come, the first of them after `onFirst`, which is called whatever else hangs.
  static func stream(onFirst: @escaping @Sendable () -> Void) -> AsyncStream<Int32> {
    AsyncStream { continuation in
      let isFirst = FirstSignal()
      let sources = [SIGTERM, SIGINT].map { number in
        SignalSource(number) { number in
          if isFirst.take() { onFirst() }
          continuation.yield(number)
        }
      }
      continuation.onTermination = { _ in sources.forEach { $0.cancel() } }
    }
  }

  /// Runs `body` in a task that the first signal cancels, so that it cleans up; the second signal ends the process, and so
  /// does the end of `Watchdog.cleanup`.
  static func cancelling<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let task = Task { try await body() }
    let signals = stream {
      Output.error("sluice: stopping and cleaning up; a second signal ends it at once")
      task.cancel()
      Watchdog.arm(after: Watchdog.cleanup) { left in
        Output.error("sluice: not all could be cleaned up in \(Int(Watchdog.cleanup / .seconds(1))) s")
        for work in left { Output.error("  left undone: \(work)") }
      }
    }
    let watcher = Task {
      var count = 0
      for await _ in signals {
        count += 1
        if count > 1 { ExitCode.failed.endProcess() }
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
    // A queue of its own has a thread of its own where the shared ones are all in calls that hang.
    source = DispatchSource.makeSignalSource(signal: number, queue: DispatchQueue(label: "signal-\(number)"))
    source.setEventHandler { handler(number) }
    source.resume()
  }

  func cancel() {
    source.cancel()
  }
}

/// Whether a signal has come already.
private final class FirstSignal: Sendable {
  private let hasCome = Atomic(false)

  /// Whether it is the first.
  func take() -> Bool { !hasCome.exchange(true, ordering: .relaxed) }
}
