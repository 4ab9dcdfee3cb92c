/// The Functions host, as far as jobs depend on it.
package struct FunctionHost: Sendable {
  /// A host stands in front: its bindings put messages on queues.
  package var isInFront: Bool
  /// How long it lets a function run; nil when there is no limit.
  package var functionTimeout: Duration?
  /// The attempts after which it moves a message to the poison queue.
  package var maximumAttempts: Int
  /// `BACKUP_FANOUT=queue`: a backup of several table-days becomes a message for each, which any instance takes.
  package var fansOut: Bool

  package init(
    isInFront: Bool = false, functionTimeout: Duration? = nil, maximumAttempts: Int = 5, fansOut: Bool = false
  ) {
    self.isInFront = isInFront
    self.functionTimeout = functionTimeout
    self.maximumAttempts = maximumAttempts
    self.fansOut = fansOut
  }
}
