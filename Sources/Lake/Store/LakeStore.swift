/// A place for archives: files with paths below one root, written once and renamed into place.
///
/// This is the interface between the jobs and the kinds of lake. A method throws `LakeError`, or `CancellationError`
/// when its task is cancelled.
package protocol LakeStore: Sendable {
  /// The root as an operator would write it; holds no secret.
  var displayURL: String { get }

  /// Asks for the root by one small request, whatever it holds.
  ///
  /// Throws as `listPage` does where the root cannot be reached, is not there, or refuses the caller.
  func probe() async throws

  /// Starts a new file at a path that no other writer uses; its folders are made.
  ///
  /// Throws `LakeError.alreadyExists` when there is a file already. Leaves none behind when it throws.
  func makeWriter(temporary: LakePath) async throws -> any LakeWriter

  /// Opens a file for reading. Throws `LakeError.notFound` when there is none and `.notAFile` for a folder.
  func openReader(_ path: LakePath) async throws -> any LakeReader

  /// The whole content of a small file, by as few requests as the store needs.
  ///
  /// Throws as `openReader` does, and `LakeError.tooLarge` when the file has more than `limit` bytes.
  func readAll(_ path: LakePath, limit: Int) async throws -> [UInt8]

  /// The properties of a file or folder; nil when there is none.
  func properties(of path: LakePath) async throws -> LakeEntry?

  /// One page of what is in a folder (nil: the root), with all that is below when `recursive`.
  ///
  /// The entries of one folder come in the order of their names' bytes, and a folder before what it holds. A folder
  /// that does not exist is empty. A listing is not a snapshot. `continuation` is nil for the first page.
  func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage

  /// Removes a file or an empty folder; success when there is none.
  ///
  /// Throws `LakeError.folderNotEmpty` for a folder that holds something.
  func delete(_ path: LakePath) async throws

  /// Removes a file as `delete` does, and tells whether the service keeps it for a while (soft delete); nil where it does not tell.
  func deleteAndTell(_ path: LakePath) async throws -> Bool?

  /// Asks the lake for what it tells of itself.
  ///
  /// Throws as `probe` does; a service may refuse this to a caller whom it lets read and write.
  func inspect() async throws -> LakeInspection
}
