import Dispatch
import Foundation
import Synchronization

/// SIGTERM and SIGINT: the first asks for the end, the second ends at once.
enum Signals {
  /// Gives the first signal, after `onFirst`. That and the end by the second one happen on a thread of their own, whatever
  /// else hangs. Signals are watched as long as the stream is held.
  static func stream(onFirst: @escaping @Sendable () -> Void) -> AsyncStream<Int32> {
    AsyncStream { continuation in
      let first = FirstSignal()
      let sources = [SIGTERM, SIGINT].map { number in
        SignalSource(number) { number in
          guard first.take() else { ExitCode.failed.endProcess() }
          onFirst()
          continuation.yield(number)
        }
      }
      continuation.onTermination = { _ in sources.forEach { $0.cancel() } }
    }
  }

  /// Runs `body` in a task that the first signal cancels, so that it cleans up; the end of `Watchdog.cleanup` ends the
  /// process.
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
    defer { withExtendedLifetime(signals) {} }
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
