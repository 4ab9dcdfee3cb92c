import Foundation

/// A lease on a file.
struct Lease {
  var id: String
  /// Seconds; -1 for one without an end.
  var duration: Int
  /// When it ends by itself.
  var end: Date?
  /// When a break takes effect.
  var breakEnd: Date?

  init(id: String, duration: Int, now: Date) {
    self.id = id
    self.duration = duration
    end = duration < 0 ? nil : now.addingTimeInterval(Double(duration))
  }

  func isActive(_ now: Date) -> Bool {
    if let breakEnd { return now < breakEnd }
    return end.map { now < $0 } ?? true
  }

  func state(_ now: Date) -> String {
    if let breakEnd { return now < breakEnd ? "breaking" : "broken" }
    return isActive(now) ? "leased" : "expired"
  }
}
