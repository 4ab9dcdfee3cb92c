package import Dispatch

/// Runs an actor's jobs on a serial Dispatch queue of its own, so that what blocks for a moment (a C library, a slow disk,
/// compression) takes no thread of the cooperative pool.
///
/// The queue may also be the target of Dispatch sources and timers: what they run is isolated to the actor.
package final class QueueExecutor: SerialExecutor {
  package let queue: DispatchQueue

  /// - Parameter label: shown by debuggers and in stack traces.
  package init(label: String) {
    queue = DispatchQueue(label: label)
  }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // The job may release the last reference to this executor while it runs on it.
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }

  /// Lets `assumeIsolated` succeed in a timer's or socket source's handler on the queue, which is not a job of the actor.
  /// The default implementation of `SerialExecutor` would end the process.
  package func checkIsolated() {
    dispatchPrecondition(condition: .onQueue(queue))
  }
}
