import Synchronization

/// The progress of a job: the job updates it; the command line and the operation's document show it.
package final class JobProgress: Sendable {
  package struct Reading: Sendable, Equatable {
    /// The table-day that was begun last, such as `events.clicks 2024-01-01`.
    package var subject = ""
    /// What the job waits for, such as a table that another session has locked; nil while it does not wait. When
    /// several table-days wait, this is the reason of the first by name.
    package var waitsFor: String? { (waits.isEmpty && working == 0 ? turns : waits).min { $0.key < $1.key }?.value }
    fileprivate var waits: [String: String] = [:]
    /// Waits for a turn, which count only while nothing of the job is worked on.
    fileprivate var turns: [String: String] = [:]
    /// The number of waits that are not for a turn.
    package var waiting: Int { waits.count }
    /// Table-days that are worked on.
    package var working = 0
    /// Rows so far.
    package var rows = 0
    /// Bytes of CSV so far.
    package var csvBytes = 0
    /// Bytes of gzip so far.
    package var gzipBytes = 0
    /// The part that is done, 0...1, where an estimate exists.
    package var fraction: Double?
    /// Table-days finished, of ``units``.
    package var finishedUnits = 0
    /// Table-days in all.
    package var units = 0
  }

  private let state = Mutex(Reading())
  private let names = Mutex<[String]>([])

  package init() {}

  package var reading: Reading { state.withLock { $0 } }

  /// Sets what the table-day `unit` waits for; nil when it waits no longer.
  package func waits(for what: String?, by unit: String) {
    update { $0.waits[unit] = what }
  }

  /// Sets the text of a table-day's wait for its turn; nil when it waits no longer.
  package func waitsForTurn(_ what: String?, by unit: String) {
    update { $0.turns[unit] = what }
  }

  /// The table-days that are done, such as `events.clicks 2024-01-31`, in the order of their ends; also over a ``restart()``.
  package var finished: [String] { names.withLock { $0 } }

  /// The table-day `name` is done, and is not to be done again by another attempt at the job.
  package func finish(_ name: String) { names.withLock { $0.append(name) } }

  /// Begins anew, for another attempt.
  package func restart() { state.withLock { $0 = Reading() } }

  package func update(_ change: (inout sending Reading) -> Void) {
    state.withLock { change(&$0) }
  }
}
