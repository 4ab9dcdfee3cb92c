import Database
import Reporting
import Synchronization
import TableDays

/// Limits how many table-days the program works on at the same time (`BACKUP_CONCURRENCY`), over all requests, queue
/// messages and timers.
package final class Admission: Sendable {
  private struct Waiter {
    let continuation: CheckedContinuation<Void, any Error>
    let timer: Task<Void, any Error>?
  }

  private struct Shared {
    var state: AdmissionState
    var waiters: [Int: Waiter] = [:]
  }

  private let shared: Mutex<Shared>
  /// The number of table-days at the same time.
  package let limit: Int

  /// The turn has not come in time.
  struct NoTurn: Error {}

  /// - Parameter limit: table-days at a time, at least 1.
  package init(limit: Int) {
    self.limit = max(1, limit)
    shared = Mutex(Shared(state: AdmissionState(limit: limit)))
  }

  /// How many table-days run, and how many wait for their turn.
  package var reading: (running: Int, waiting: Int) {
    shared.withLock { ($0.state.running, $0.state.waitingCount) }
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
      progress.update { $0.working += 1 }
    }

    /// Lets another table-day work while this one waits, for instance for a lock.
    func giveUp() {
      guard isTaken.exchange(false, ordering: .acquiringAndReleasing) else { return }
      progress.update { $0.working -= 1 }
      admission.leave()
    }

    /// Takes a place again where one is free.
    /// - Returns: whether it has one.
    func takeAgainNow() -> Bool {
      if isTaken.load(ordering: .acquiring) { return true }
      guard admission.shared.withLock({ $0.state.enterNow() }) else { return false }
      taken()
      return true
    }

    /// Waits for a place again, before all others.
    /// - Throws: `CancellationError`.
    func takeAgain() async throws {
      guard !isTaken.load(ordering: .acquiring) else { return }
      try await admission.enter(.resumed, name, progress, within: nil)
      taken()
    }

    private func taken() {
      isTaken.store(true, ordering: .releasing)
      progress.update { $0.working += 1 }
    }
  }

  /// Runs `body` once `work` on what has the name is admitted; `progress` shows what it waits for meanwhile.
  /// - Parameter patience: how long it waits; nil means without a limit.
  /// - Throws: ``NoTurn`` when it has waited for that long, `CancellationError` while it waits; whatever `body` throws.
  func admitting<Result: Sendable>(
    _ name: String, for work: AdmissionState.Work, _ progress: JobProgress, within patience: Duration? = nil,
    _ body: (Place) async throws -> Result
  ) async throws -> Result {
    try await enter(work, name, progress, within: patience)
    let place = Place(self, name, progress)
    defer { place.giveUp() }
    return try await body(place)
  }

  /// Waits until `tableDay` is admitted; `progress` shows the wait.
  /// - Returns: its place, which must be given up at the end.
  /// - Throws: ``NoTurn`` after `patience`, `CancellationError`.
  func enter(
    _ tableDay: TableDay, for work: AdmissionState.Work, _ progress: JobProgress, within patience: Duration? = nil
  ) async throws -> Place {
    try await enter(work, "\(tableDay)", progress, within: patience)
    return Place(self, "\(tableDay)", progress)
  }

  private func enter(
    _ work: AdmissionState.Work, _ name: String, _ progress: JobProgress, within patience: Duration?
  ) async throws {
    try Task.checkCancellation()
    let ticket = shared.withLock { $0.state.takeTicket() }
    defer { progress.waitsForTurn(nil, by: name) }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let before: Int? = shared.withLock { shared in
          guard let before = shared.state.enter(ticket, for: work) else { return nil }
          let timer = patience.map { patience in
            Task {
              try await Task.sleep(for: patience)
              refuse(ticket, NoTurn())
            }
          }
          shared.waiters[ticket] = Waiter(continuation: continuation, timer: timer)
          return before
        }
        guard let before else { return continuation.resume() }
        progress.waitsForTurn(words(before), by: name)
        // The cancel handler may have run before the waiter was there to be found.
        if Task.isCancelled { refuse(ticket, CancellationError()) }
      }
    } onCancel: {
      refuse(ticket, CancellationError())
    }
  }

  private func words(_ before: Int) -> String {
    "its turn (BACKUP_CONCURRENCY is \(limit)); \(before) before it in the queue"
  }

  private func refuse(_ ticket: Int, _ error: any Error) {
    let waiter = shared.withLock { shared in
      shared.state.giveUp(ticket) ? shared.waiters.removeValue(forKey: ticket) : nil
    }
    waiter?.timer?.cancel()
    waiter?.continuation.resume(throwing: error)
  }

  private func leave() {
    let next = shared.withLock { shared in
      shared.state.leave().flatMap { shared.waiters.removeValue(forKey: $0) }
    }
    next?.timer?.cancel()
    next?.continuation.resume()
  }
}

extension TableSession.Turn {
  init(_ place: Admission.Place) {
    self.init(
      giveUp: { place.giveUp() }, takeAgainNow: { place.takeAgainNow() }, takeAgain: { try await place.takeAgain() })
  }
}
