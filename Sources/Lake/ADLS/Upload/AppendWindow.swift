/// How many appends may be in flight: fewer when the service throttles, slowly more when it does not. A value without
/// I/O.
struct AppendWindow: Sendable {
  private let maximum: Int
  private let firstSize: Int
  private(set) var limit: Int
  private(set) var inFlight = 0
  private var successes = 0

  /// Successful appends before the limit grows by one.
  static let successesToGrow = 8

  /// `maximum` appends of `firstSize` bytes; later ones may be larger, and are then fewer.
  init(maximum: Int, firstSize: Int) {
    self.maximum = maximum
    self.firstSize = firstSize
    limit = maximum
  }

  /// Whether one more append of `size` bytes has to wait. The bytes in flight stay within what they were at first.
  func isFull(forSize size: Int) -> Bool {
    inFlight >= max(1, min(limit, maximum * firstSize / max(size, 1)))
  }

  mutating func started() { inFlight += 1 }

  mutating func ended(well: Bool) {
    inFlight -= 1
    guard well else { return }
    successes += 1
    if successes >= Self.successesToGrow, limit < maximum {
      limit += 1
      successes = 0
    }
  }

  /// The service throttled: halves the limit.
  mutating func throttled() {
    limit = max(1, limit / 2)
    successes = 0
  }
}
