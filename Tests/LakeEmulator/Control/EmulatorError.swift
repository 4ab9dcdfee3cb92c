/// Why the emulator does not start, or does not take an order.
public struct EmulatorError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong and what was expected.
  public let description: String

  /// Made with its description.
  public init(_ description: String) {
    self.description = description
  }
}
