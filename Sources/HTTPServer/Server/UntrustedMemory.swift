/// Counts the memory that unauthenticated callers hold together. A value: the server tells it of each change.
///
/// Every connection has a small share: half the limit is divided among as many connections as there may be, so that callers
/// who fill the other half keep nobody from sending a head of ordinary size.
struct UntrustedMemory {
  /// Bytes.
  let limit: Int
  /// The most connections there are.
  let connections: Int
  private var excess = 0

  init(limit: Int, connections: Int) {
    self.limit = limit
    self.connections = connections
  }

  private var share: Int { limit / 2 / max(1, connections) }

  /// Whether a connection with `bytes` holds more than its share.
  func counts(_ bytes: Int) -> Bool { bytes > share }

  mutating func count(_ bytes: Int, before: Int) {
    excess += max(0, bytes - share) - max(0, before - share)
  }

  /// Whether requests must be refused until there is room.
  var isOver: Bool { excess > limit / 2 }

  /// Whether a quarter of what all share is free.
  var hasRoom: Bool { excess <= limit / 8 * 3 }
}
