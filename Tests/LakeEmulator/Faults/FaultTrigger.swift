/// Which of the requests that fit a fault are struck.
public enum FaultTrigger: Sendable, Equatable {
  /// Each.
  case always
  /// The first so many.
  case first(Int)
  /// Every so many: 10 strikes the tenth, the twentieth, and so on.
  case every(Int)
  /// Each with this probability, 0 to 1, from the emulator's seeded generator.
  case rate(Double)
}
