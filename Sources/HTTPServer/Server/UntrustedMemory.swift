/// Counts what callers hold together who have not shown who they are. A value: the server tells it of each change.
///
/// Every connection may hold a little: half the limit is shared out among as many connections as there may be, so that those
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

  /// Whether somebody has to go.
  var isOver: Bool { excess > limit / 2 }

  /// Whether a quarter of what all share is free.
  var hasRoom: Bool { excess <= limit / 8 * 3 }
}
