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
    /// How much of each table-day in progress is done, 0...1, where an estimate exists.
    fileprivate var parts: [String: Double] = [:]
    /// Table-days finished, of ``units``.
    package var finishedUnits = 0
    /// Table-days in all.
    package var units = 0

    /// The part of the whole job that is done, 0...1, each table-day counted alike; nil before there is an estimate.
    package var fraction: Double? {
      guard finishedUnits > 0 || !parts.isEmpty else { return nil }
      let done = Double(finishedUnits) + parts.values.reduce(0, +)
      return min(finishedUnits >= max(1, units) ? 1 : 0.99, done / Double(max(1, units)))
    }
  }

  /// The table-day that the current task works on.
  @TaskLocal package static var unit = ""

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
  package var done: [String] { names.withLock { $0 } }

  /// The table-day `name` is done, and is not to be done again by another attempt at the job.
  package func note(done name: String) { names.withLock { $0.append(name) } }

  /// Sets how much of the current task's table-day is done: an estimate, which stays below 1 until it is finished.
  package func advance(to part: Double) {
    update { $0.parts[Self.unit] = min(0.99, part) }
  }

  /// Adds to how much of the current task's table-day is done.
  package func advance(by part: Double) {
    update { $0.parts[Self.unit] = min(0.99, $0.parts[Self.unit, default: 0] + part) }
  }

  /// A table-day is finished.
  package func finish(_ unit: String) {
    update { reading in
      reading.parts[unit] = nil
      reading.finishedUnits += 1
    }
  }

  /// Begins anew, for another attempt.
  package func restart() { state.withLock { $0 = Reading() } }

  package func update(_ change: (inout sending Reading) -> Void) {
    state.withLock { change(&$0) }
  }
}
