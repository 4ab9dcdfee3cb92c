import Database
import Reporting
import Synchronization
import TableDays

/// Limits how many table-days the program works on at the same time (`BACKUP_CONCURRENCY`), over all requests, queue
/// messages and timers.
package final class Admission: Sendable {
  private struct Shared {
    var state: AdmissionState
    var waiters: [Int: CheckedContinuation<Void, any Error>] = [:]
  }

  private let shared: Mutex<Shared>
  /// The number of table-days at the same time.
  package let limit: Int

  /// - Parameter limit: the number of table-days at the same time, at least 1.
  package init(limit: Int) {
    self.limit = max(1, limit)
    shared = Mutex(Shared(state: AdmissionState(limit: limit)))
  }

  /// The place of an admitted table-day.
  final class Place: Sendable {
    private let admission: Admission
    private let name: String
    private let progress: JobProgress
    private let isTaken = Atomic(true)

    fileprivate init(_ admission: Admission, _ name: String, _ progress: JobProgress) {
      self.admission = admission
      self.name = name
      self.progress = progress
    }

    /// Lets another table-day work while this one waits, for instance for a lock.
    func giveUp() {
      if isTaken.exchange(false, ordering: .acquiringAndReleasing) { admission.leave() }
    }

    /// Waits for a place again, ahead of the table-days that have not begun.
    /// - Throws: `CancellationError`.
    func takeAgain() async throws {
      guard !isTaken.load(ordering: .acquiring) else { return }
      try await admission.enter(.resumed, name, progress)
      isTaken.store(true, ordering: .releasing)
    }
  }

  /// Runs `body` once `tableDay` is admitted; `progress` shows the wait.
  /// - Throws: `CancellationError` while it waits; whatever `body` throws.
  func admitting<Result: Sendable>(
    _ tableDay: TableDay, for work: AdmissionState.Work, _ progress: JobProgress,
    _ body: (Place) async throws -> Result
  ) async throws -> Result {
    try await enter(work, "\(tableDay)", progress)
    let place = Place(self, "\(tableDay)", progress)
    defer { place.giveUp() }
    return try await body(place)
  }

  private func enter(_ work: AdmissionState.Work, _ name: String, _ progress: JobProgress) async throws {
    try Task.checkCancellation()
    let ticket = shared.withLock { $0.state.takeTicket() }
    defer { progress.waits(for: nil, by: name) }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let before: Int? = shared.withLock { shared in
          guard let before = shared.state.enter(ticket, for: work) else { return nil }
          shared.waiters[ticket] = continuation
          return before
        }
        guard let before else { return continuation.resume() }
        progress.waits(for: words(before), by: name)
        // The cancellation handler may have run before the waiter was registered.
        if Task.isCancelled { refuse(ticket) }
      }
    } onCancel: {
      refuse(ticket)
    }
  }

  private func words(_ before: Int) -> String {
    "its turn: \(limit) table-days are in progress, the limit of BACKUP_CONCURRENCY or PG_POOL_MAX; "
      + "\(before) wait before it"
  }

  private func refuse(_ ticket: Int) {
    let waiter = shared.withLock { shared in
      shared.state.giveUp(ticket) ? shared.waiters.removeValue(forKey: ticket) : nil
    }
    waiter?.resume(throwing: CancellationError())
  }

  private func leave() {
    let next = shared.withLock { shared in
      shared.state.leave().flatMap { shared.waiters.removeValue(forKey: $0) }
    }
    next?.resume()
  }
}

extension TableSession.Turn {
  init(_ place: Admission.Place) {
    self.init(giveUp: { place.giveUp() }, takeAgain: { try await place.takeAgain() })
  }
}
