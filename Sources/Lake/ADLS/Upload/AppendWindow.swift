/// How many appends may be under way: fewer when the service asks for less, slowly more when it does not. A value without
/// I/O.
struct AppendWindow: Sendable {
  private let maximum: Int
  private let firstSize: Int
  private(set) var limit: Int
  private(set) var inFlight = 0
  private var successes = 0

  /// Appends that go well before one more is let in.
  static let successesToGrow = 8

  /// `maximum` appends of `firstSize` bytes; later ones may be larger, and are then fewer.
  init(maximum: Int, firstSize: Int) {
    self.maximum = maximum
    self.firstSize = firstSize
    limit = maximum
  }

  /// Whether one more append of `size` bytes has to wait. The bytes under way stay within what they were at first.
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

  /// The service asked for less: half of it.
  mutating func throttled() {
    limit = max(1, limit / 2)
    successes = 0
  }
}
