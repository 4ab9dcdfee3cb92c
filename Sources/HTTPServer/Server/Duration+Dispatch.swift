import Dispatch

extension Duration {
  /// Rounded up to whole milliseconds, so that a timer does not fire just before the moment it was set for.
  var dispatchInterval: DispatchTimeInterval {
    let (seconds, attoseconds) = components
    guard seconds < 1_000_000_000 else { return .seconds(1_000_000_000) }
    let millis = Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    return .milliseconds(max(0, millis))
  }
}
