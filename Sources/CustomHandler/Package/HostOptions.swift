/// What `host.json` says beyond the routes.
public struct HostOptions: Sendable, Equatable {
  /// How long a function may run before the host kills the process; nil for no limit (`-1`), which not every plan takes.
  /// Whole seconds.
  public var functionTimeout: Duration?
  /// The executable in the app's root.
  public var executable: String
  /// Its arguments; an item must not hold a space, as the host joins and splits them.
  public var arguments: [String]
  /// Queue messages taken at a time, 1 to 32. One by one by default: each message is a heavy job.
  public var queueBatchSize: Int
  /// Attempts before a message moves to `<queue>-poison`.
  public var queueMaximumDequeueCount: Int
  /// How long a failed message stays hidden. Whole seconds.
  public var queueVisibilityTimeout: Duration

  /// `sluice serve`, 30 minutes, one message at a time, five attempts half a minute apart.
  public init(
    functionTimeout: Duration? = .seconds(1800), executable: String = "sluice", arguments: [String] = ["serve"],
    queueBatchSize: Int = 1, queueMaximumDequeueCount: Int = 5, queueVisibilityTimeout: Duration = .seconds(30)
  ) {
    self.functionTimeout = functionTimeout
    self.executable = executable
    self.arguments = arguments
    self.queueBatchSize = queueBatchSize
    self.queueMaximumDequeueCount = queueMaximumDequeueCount
    self.queueVisibilityTimeout = queueVisibilityTimeout
  }
}
