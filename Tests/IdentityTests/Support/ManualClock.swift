import Essentials
import Foundation
import HTTPClient
import Synchronization

/// A clock that a test turns. A wait turns it at once and is kept.
final class ManualClock: Sendable {
  private struct Time {
    var uptime = Duration.zero
    var wall = Date(timeIntervalSince1970: 1_700_000_000)
    var waits: [Duration] = []
  }

  private let time = Mutex(Time())

  var now: Date { time.withLock { $0.wall } }
  var waits: [Duration] { time.withLock { $0.waits } }

  func advance(_ seconds: Double) {
    time.withLock { time in
      time.uptime += .seconds(seconds)
      time.wall += seconds
    }
  }

  /// Retries by this clock; the dice always show the same.
  func timer(random: Double = 1) -> RetryTimer {
    RetryTimer(
      now: { self.time.withLock { $0.uptime } },
      sleep: { duration in
        self.time.withLock { $0.waits.append(duration) }
        self.advance(duration.seconds)
      },
      random: { random })
  }
}
