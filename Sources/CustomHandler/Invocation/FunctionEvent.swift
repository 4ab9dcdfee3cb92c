/// What a timer or a queue hands to a function.
public enum FunctionEvent: Sendable, Equatable {
  /// The clock.
  case timer(TimerInfo)
  /// A message.
  case queue(QueueMessage)
}
