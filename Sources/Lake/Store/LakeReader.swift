/// One file of the lake, as it was when it was opened.
///
/// A file that is replaced meanwhile is never read as a mixture: either the old content is read to its end, or
/// `LakeError.changed` is thrown.
package protocol LakeReader: AnyObject, Sendable {
  /// The file as it was when it was opened.
  var entry: LakeEntry { get }

  /// The next bytes, at most `maxBytes` (at least 1); none at the end, which is always `entry.length` bytes from the
  /// start.
  ///
  /// Throws `LakeError.changed` when the file is no longer the one that was opened, or ends too early.
  func read(maxBytes: Int) async throws -> [UInt8]

  /// Releases the file; later reads throw `LakeError.outOfOrder`. Calling it again does nothing.
  func close() async
}
