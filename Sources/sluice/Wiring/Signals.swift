import Dispatch
import Essentials
import Foundation
import Synchronization

/// Handles SIGTERM, SIGINT and SIGHUP: the first starts a shutdown, the second ends the process at once.
enum Signals {
  /// Yields the first signal, after it has called `onFirst`. The handlers run on threads of their own, so that they
  /// work even when all other threads hang. Signals are handled as long as the stream exists.
  static func stream(onFirst: @escaping @Sendable () -> Void) -> AsyncStream<Int32> {
    AsyncStream { continuation in
      let first = FirstSignal()
      let sources = ([SIGTERM, SIGINT] + (isHangUpIgnored ? [] : [SIGHUP])).map { number in
        SignalSource(number) { number in
          guard first.take() else { ExitCode.failed.endProcess() }
          onFirst()
          continuation.yield(number)
        }
      }
      continuation.onTermination = { _ in sources.forEach { $0.cancel() } }
    }
  }

  /// Whether the caller wants the program to outlive its terminal, as `nohup` does.
  private static let isHangUpIgnored: Bool = {
    var action = sigaction()
    return sigaction(SIGHUP, nil, &action) == 0
      && action.__sigaction_handler.sa_handler.map { handler in
        unsafeBitCast(handler, to: Int.self) == 1
      } ?? false
  }()

  /// Runs `body` in a task that the first signal cancels. The process ends when its cleanup takes longer than
  /// `Watchdog.cleanup`.
  static func cancelling<Result: Sendable>(
    _ body: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let task = Task { try await body() }
    let signals = stream {
      Output.error("sluice: stopping and cleaning up; a second signal ends the program at once")
      task.cancel()
      Watchdog.arm(after: Watchdog.cleanup) { left in
        Output.error("sluice: the cleanup did not end within \(Int(Watchdog.cleanup.seconds)) s")
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
    // The default action would end the process before the source handles the signal.
    signal(number, SIG_IGN)
    // A queue of its own gets a thread even when all shared threads are blocked in calls that hang.
    source = DispatchSource.makeSignalSource(signal: number, queue: DispatchQueue(label: "signal-\(number)"))
    source.setEventHandler { handler(number) }
    source.resume()
  }

  func cancel() {
    source.cancel()
  }
}

/// Tells the first signal from later ones.
private final class FirstSignal: Sendable {
  private let hasCome = Atomic(false)

  /// Returns true only for the first call.
  func take() -> Bool { !hasCome.exchange(true, ordering: .relaxed) }
}
