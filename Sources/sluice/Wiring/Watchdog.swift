import Essentials
import Foundation
import Reporting
import Synchronization

/// Ends the process when its shutdown takes too long: a job may hang where it cannot be cancelled, in a call on a dead
/// network mount or while it waits for a lock of another process.
enum Watchdog {
  /// The time limit for cleaning up, in addition to the jobs' grace.
  static let cleanup: Duration = .seconds(5)

  private static let isArmed = Atomic(false)

  /// Waits for `time`, then calls `tell` with the unfinished work and ends the process with code 1. Later calls have no
  /// effect.
  ///
  /// Both steps run on threads of their own, since all threads of Dispatch and of the cooperative pool may hang. A
  /// blocked reader of the log delays the end by at most half a second.
  static func arm(after time: Duration, _ tell: @escaping @Sendable ([String]) -> Void) {
    guard !isArmed.exchange(true, ordering: .relaxed) else { return }
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: time.seconds)
      let told = DispatchSemaphore(value: 0)
      Thread.detachNewThread {
        tell(WorkUnderWay.all)
        told.signal()
      }
      _ = told.wait(timeout: .now() + .milliseconds(500))
      ExitCode.failed.endProcess()
    }
  }
}
