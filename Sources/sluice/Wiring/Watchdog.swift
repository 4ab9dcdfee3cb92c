import Foundation
import Reporting
import Synchronization

/// Ends the process when its end in order takes too long: a job may hang where no cancellation reaches it, in a call on a dead
/// network mount or in wait for another process's lock.
enum Watchdog {
  /// The time for cleaning up, beside the grace that jobs have.
  static let cleanup: Duration = .seconds(5)

  private static let isArmed = Atomic(false)

  /// Lets `time` pass, then tells what is left undone by `tell` and ends the process with code 1. The first call counts.
  ///
  /// Both run on threads of their own, since all that Dispatch and the cooperative pool have may hang. A reader of the log
  /// that takes nothing holds up the end for half a second.
  static func arm(after time: Duration, _ tell: @escaping @Sendable ([String]) -> Void) {
    guard !isArmed.exchange(true, ordering: .relaxed) else { return }
    Thread.detachNewThread {
      Thread.sleep(forTimeInterval: time / .seconds(1))
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
