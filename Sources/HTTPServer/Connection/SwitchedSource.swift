import Dispatch

/// A Dispatch source that can be on or off any number of times. Dispatch counts suspensions and traps on a source that is
/// let go while suspended; this keeps the count right. To be used on the source's queue alone.
final class SwitchedSource {
  private let source: any DispatchSourceProtocol
  private var isOn = false
  private var isCancelled = false

  init(_ source: any DispatchSourceProtocol, onCancel: (() -> Void)? = nil, onEvent: @escaping () -> Void) {
    self.source = source
    source.setEventHandler(handler: onEvent)
    if let onCancel { source.setCancelHandler(handler: onCancel) }
  }

  func turn(on: Bool) {
    guard !isCancelled, on != isOn else { return }
    isOn = on
    if on { source.resume() } else { source.suspend() }
  }

  func cancel() {
    guard !isCancelled else { return }
    isCancelled = true
    source.cancel()
    // A suspended source never runs its cancel handler.
    if !isOn { source.resume() }
  }
}

extension Duration {
  /// Rounded up to whole milliseconds, so that a timer does not fire just before the moment it was set for.
  var dispatchInterval: DispatchTimeInterval {
    let (seconds, attoseconds) = components
    guard seconds < 1_000_000_000 else { return .seconds(1_000_000_000) }
    let millis = Int(seconds) * 1000 + Int((attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
    return .milliseconds(max(0, millis))
  }
}
