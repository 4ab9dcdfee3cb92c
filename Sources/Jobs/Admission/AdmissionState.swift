/// The state of ``Admission``: at most `limit` table-days run at the same time; the others wait in a queue.
struct AdmissionState {
  /// The kind of work, in order of priority. Work of the same kind is admitted in the order of arrival.
  enum Work: Int {
    /// A table-day that gave up its place while it waited for a lock, and has the lock now.
    case resumed
    /// A restore goes before backups: its caller waits, and a nightly run may take long.
    case restore
    case backup
  }

  private struct Waiter {
    let ticket: Int
    let work: Work
  }

  let limit: Int
  private(set) var running = 0
  private var waiting: [Waiter] = []
  private var lastTicket = 0
  /// Table-days in the queue.
  var waitingCount: Int { waiting.count }

  init(limit: Int) {
    self.limit = max(1, limit)
  }

  /// Returns a new number, which identifies a table-day.
  mutating func takeTicket() -> Int {
    lastTicket += 1
    return lastTicket
  }

  /// Admits a table-day or adds it to the queue.
  /// - Returns: nil when it is admitted at once; otherwise the number of table-days that are admitted before it.
  mutating func enter(_ ticket: Int, for work: Work) -> Int? {
    guard running >= limit else {
      running += 1
      return nil
    }
    // Behind waiters of the same and of higher priority.
    let place = waiting.firstIndex { $0.work.rawValue > work.rawValue } ?? waiting.endIndex
    waiting.insert(Waiter(ticket: ticket, work: work), at: place)
    return place
  }

  /// A table-day that would rather not wait comes.
  /// - Returns: whether it is admitted; else it is as if it had not come.
  mutating func enterNow() -> Bool {
    guard running < limit else { return false }
    running += 1
    return true
  }

  /// A table-day has ended.
  /// - Returns: the ticket of the one that takes its place.
  mutating func leave() -> Int? {
    guard !waiting.isEmpty else {
      running -= 1
      return nil
    }
    return waiting.removeFirst().ticket
  }

  /// Removes a table-day from the queue.
  /// - Returns: whether it was waiting; otherwise it is admitted, and must ``leave()``.
  mutating func giveUp(_ ticket: Int) -> Bool {
    guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return false }
    waiting.remove(at: index)
    return true
  }
}
