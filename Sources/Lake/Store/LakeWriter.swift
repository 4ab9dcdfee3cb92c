/// A new file that is written at a temporary path. It appears at its final name only when it is whole.
///
/// The order of calls is: any number of `append`, `close`, `publish`; `discard` at any time. A call out of order throws
/// `LakeError.outOfOrder`. When `append` or `close` has failed, the file can only be discarded.
package protocol LakeWriter: AnyObject, Sendable {
  /// Adds bytes to the end. May return before the lake has stored them; the number in flight is bounded.
  ///
  /// Throws the `LakeError` of the first write that failed, or `CancellationError`.
  func append(_ bytes: [UInt8]) async throws

  /// Ends the file: all bytes are durable, and the stored length is the number of bytes appended.
  ///
  /// A second call returns the same. Throws `LakeError.lengthMismatch` when the lake has stored another length.
  func close() async throws -> LakeFileDigest

  /// Renames the closed file to its final name, atomically and durably; folders on the way are made.
  ///
  /// Throws `LakeError.alreadyExists` or `.conditionNotMet` as `condition` asks, and then leaves both names as they
  /// were; `.notDurable` when the file has its name but may lose it in a power cut, and `.outcomeUnknown` when it is
  /// unknown whether it has. A rename that has begun continues in a cancelled task for as long as ``CancellationGrace``
  /// lasts.
  func publish(as path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry

  /// Removes the temporary file. Does nothing after `publish` or a second time; works in a cancelled task, for as long
  /// as ``CancellationGrace`` lasts.
  ///
  /// Returns the temporary file's path when it could not be removed, nil otherwise.
  @discardableResult
  func discard() async -> LakePath?
}

/// What must hold at the final name for a file to be put there.
package enum LakePublishCondition: Hashable, Sendable {
  /// Nothing has that name yet; else `LakeError.alreadyExists`.
  case ifAbsent
  /// The file of that name has this etag; else, or when there is none, `LakeError.conditionNotMet`.
  case ifMatch(String)
  /// A file of that name is replaced.
  case always
}
