/// A queue message.
public struct QueueMessage: Sendable, Equatable {
  /// The text as its sender wrote it.
  public let text: String
  /// Which attempt this is, from 1. A JSON message with a member of that name overrides it, so it is a hint and no proof.
  public let dequeueCount: Int?

  /// A message.
  public init(text: String, dequeueCount: Int? = nil) {
    self.text = text
    self.dequeueCount = dequeueCount
  }
}
