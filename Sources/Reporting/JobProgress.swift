import Synchronization

/// How far a job is, updated by the job and read by whoever shows it.
package final class JobProgress: Sendable {
  /// A reading.
  package struct Reading: Sendable, Equatable {
    /// What is worked on, such as `events.clicks 2024-01-01`.
    package var subject = ""
    /// What it waits for, such as a table that another session has locked; nil while it goes on. Of several table-days that
    /// wait, one.
    package var waitsFor: String? { waits.min { $0.key < $1.key }?.value }
    fileprivate var waits: [String: String] = [:]
    /// Rows so far.
    package var rows = 0
    /// Bytes of CSV so far.
    package var csvBytes = 0
    /// Bytes of gzip so far.
    package var gzipBytes = 0
    /// Part done, 0...1, where an estimate exists.
    package var fraction: Double?
    /// Table-days finished, of ``units``.
    package var finishedUnits = 0
    /// Table-days in all.
    package var units = 0
  }

  private let state = Mutex(Reading())

  /// Nothing done yet.
  package init() {}

  /// The present reading.
  package var reading: Reading { state.withLock { $0 } }

  /// Notes what the table-day `unit` waits for, nil once it goes on.
  package func waits(for what: String?, by unit: String) {
    update { $0.waits[unit] = what }
  }

  package func update(_ change: (inout sending Reading) -> Void) {
    state.withLock { change(&$0) }
  }
}
