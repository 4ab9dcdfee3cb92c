/// Who works and who waits, as a value: at most `limit` table-days at a time, over all requests.
struct AdmissionState {
  /// What a table-day is admitted for. The first of these goes first; among their like they go in the order they came.
  enum Work: Int {
    /// It has waited for a lock that it has now.
    case resumed
    /// Somebody waits for a restore, and a night of backups may be long.
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

  init(limit: Int) {
    self.limit = max(1, limit)
  }

  /// How many wait.
  var waitingCount: Int { waiting.count }

  /// A number for a table-day that comes.
  mutating func takeTicket() -> Int {
    lastTicket += 1
    return lastTicket
  }

  /// A table-day comes.
  /// - Returns: nil when it is admitted at once; else it waits, and this is how many are admitted before it.
  mutating func enter(_ ticket: Int, for work: Work) -> Int? {
    guard running >= limit else {
      running += 1
      return nil
    }
    // Behind its like, and before those whose work comes later.
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

  /// A table-day waits no longer.
  /// - Returns: whether it was still waiting; else it is admitted already, and leaves like any other.
  mutating func giveUp(_ ticket: Int) -> Bool {
    guard let index = waiting.firstIndex(where: { $0.ticket == ticket }) else { return false }
    waiting.remove(at: index)
    return true
  }
}
