import Glibc

/// What a fault does to the transfer of a body, in either direction.
struct TransferShaping {
  /// Ends the connection by a reset after so many bytes of the body.
  var resetAfter: Int?
  /// Closes the connection in good order after so many bytes of the body, though more were promised.
  var cutAfter: Int?
  /// Sends nothing more after so many bytes of the body.
  var stallAfter: Int?
  /// Bytes of the body per second.
  var bytesPerSecond: Int?

  var isPlain: Bool { resetAfter == nil && cutAfter == nil && stallAfter == nil && bytesPerSecond == nil }

  /// How many bytes may pass next.
  /// - Throws: ``ConnectionLoss`` when the place is reached at which the fault strikes.
  func allowance(after done: Int, of length: Int) throws(ConnectionLoss) -> Int {
    var allowed = Int.max
    for limit in [resetAfter, cutAfter, stallAfter].compactMap({ $0 }) {
      let place = min(limit, length)
      guard done < place else { throw ConnectionLoss() }
      allowed = min(allowed, place - done)
    }
    // A slow link delivers small pieces, twenty a second.
    if let bytesPerSecond { allowed = min(allowed, max(1, bytesPerSecond / 20)) }
    return allowed
  }

  func pause(for count: Int) {
    guard let bytesPerSecond else { return }
    usleep(UInt32(clamping: count * 1_000_000 / bytesPerSecond))
  }
}
