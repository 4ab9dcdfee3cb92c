import Dispatch

/// Runs an actor's calls on a Dispatch queue of its own, so that a slow disk, or compression, holds up no thread of the
/// cooperative pool. The archive's stages in `Sluice` use it too.
package final class QueueExecutor: SerialExecutor {
  private let queue: DispatchQueue

  /// `label` is seen in debuggers and stack traces.
  package init(label: String) {
    queue = DispatchQueue(label: label)
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // The job may let go of the last actor that has this executor, while it runs on it.
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }

  package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    UnownedSerialExecutor(ordinary: self)
  }
}
