/// `x-ms-lease-duration`: 15 to 60 seconds, or -1 for no end.
enum LeaseDuration {
  /// - Throws: ``ServiceError``.
  static func read(_ head: RequestHead) throws(ServiceError) -> Int {
    guard let text = head.nonEmpty("x-ms-lease-duration") else { throw .missingHeader("x-ms-lease-duration") }
    guard let seconds = Int(text), seconds == -1 || (15...60).contains(seconds) else {
      throw .badHeader("x-ms-lease-duration")
    }
    return seconds
  }
}
