/// What happens in a lake that no caller is told by a result, for the log. It holds no secret.
package enum LakeEvent: Sendable {
  /// A request failed and is tried again.
  case retry(Retry)
  /// A temporary file may be left: nobody knows whether it was made, or it could not be removed.
  case leftover(LakePath)
  /// A lock that another process holds is waited for, in order to publish the file.
  case lockWait(LakePath, holder: String)
  /// A listing passed over a symbolic link.
  case strayLink(LakePath)

  /// A request to the lake that failed and is tried again.
  package struct Retry: Sendable {
    /// The file or folder that the request was about.
    package let path: LakePath
    /// What failed, such as `appending`.
    package let operation: String
    /// How it failed.
    package let reason: String
    /// How many tries there were, the failed one included.
    package let tries: Int
    /// Until the next try.
    package let wait: Duration
  }
}
