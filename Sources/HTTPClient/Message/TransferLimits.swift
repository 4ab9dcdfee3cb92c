/// How long a transfer may take.
public struct TransferLimits: Sendable, Equatable {
  /// Until the connection stands, TLS included.
  public var connect: Duration
  /// Without a byte in either direction, while neither side's reader is slow. A large transfer that goes on is not cut.
  public var stall: Duration
  /// From the start to the last byte; nil for no limit.
  public var total: Duration?

  /// The limits, by default 10 s to connect and 60 s without a byte.
  public init(connect: Duration = .seconds(10), stall: Duration = .seconds(60), total: Duration? = nil) {
    self.connect = connect
    self.stall = stall
    self.total = total
  }
}
