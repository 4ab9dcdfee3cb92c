import Database
import Reporting
import Synchronization
import TableDays

/// The program's one controller of how many table-days are worked on at a time: `BACKUP_CONCURRENCY`, over all requests,
/// queue messages and timers.
package final class Admission: Sendable {
  private struct Shared {
    var state: AdmissionState
    var waiters: [Int: CheckedContinuation<Void, any Error>] = [:]
  }

  private let shared: Mutex<Shared>
  /// Table-days at a time.
  package let limit: Int

  /// - Parameter limit: table-days at a time, at least 1.
  package init(limit: Int) {
    self.limit = max(1, limit)
    shared = Mutex(Shared(state: AdmissionState(limit: limit)))
  }

  /// A table-day's place among those that are worked on.
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

    /// Lets another table-day work while this one waits for what may take long.
    func giveUp() {
      if isTaken.exchange(false, ordering: .acquiringAndReleasing) { admission.leave() }
    }

    /// Waits for a place again, before all others.
    /// - Throws: `CancellationError`.
    func takeAgain() async throws {
      guard !isTaken.load(ordering: .acquiring) else { return }
      try await admission.enter(.resumed, name, progress)
      isTaken.store(true, ordering: .releasing)
    }
  }

  /// Runs `body` once `tableDay` is admitted; what it waits for is told by `progress` meanwhile.
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
        // The cancel handler may have run before the waiter was there to be found.
        if Task.isCancelled { refuse(ticket) }
      }
    } onCancel: {
      refuse(ticket)
    }
  }

  private func words(_ before: Int) -> String {
    "its turn: \(limit) table-days are worked on, as many as BACKUP_CONCURRENCY allows; \(before) wait before it"
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
  /// The turn of a table-day that has `place`.
  init(_ place: Admission.Place) {
    self.init(giveUp: { place.giveUp() }, takeAgain: { try await place.takeAgain() })
  }
}
