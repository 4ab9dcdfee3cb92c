import Dispatch

/// Runs an actor's jobs on a serial dispatch queue of its own.
///
/// A connection's queue is also the target of its socket sources, so libpq is only ever entered from one queue, and the
/// short blocking calls that libpq has (name look-up, TLS) never take a thread of the cooperative pool.
final class QueueExecutor: SerialExecutor {
  let queue: DispatchQueue

  init(label: String) {
    queue = DispatchQueue(label: label)
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // The job may let go of the last that holds this executor, while it runs on it.
    queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
  }

  /// A timer or a socket source on the queue is where the actor's jobs run, though no job. Without this, the first to say
  /// so by `assumeIsolated` would end the process (`SerialExecutor`: the default traps).
  func checkIsolated() {
    dispatchPrecondition(condition: .onQueue(queue))
  }
}
