/// A request to the lake that failed and is tried again. It holds no secret.
public struct LakeRetry: Sendable {
  /// What it was about.
  public let path: LakePath
  /// What was to be done, such as `append`.
  public let operation: String
  /// How it failed.
  public let reason: String
  /// How many tries there were, this one included.
  public let tries: Int
  /// Until the next try.
  public let wait: Duration
}
