/// Why an operation of the lake failed. Every message names the path, and a remedy where there is one.
///
/// An `operation` is a gerund, such as `reading the properties`: it is the subject of the message, after the path.
package enum LakeError: Error, Equatable, Sendable {
  /// There is no file of that path.
  case notFound(LakePath)
  /// The path is taken.
  case alreadyExists(LakePath)
  /// The file of that path is not the one the caller expected to replace.
  case conditionNotMet(LakePath)
  /// This process lacks the permission for the operation.
  case permissionDenied(LakePath, operation: String)
  /// The storage service refuses the caller; `reason` says what to grant or to check.
  case accessRefused(LakePath, operation: String, reason: String)
  /// There is no token for the storage service.
  case signInFailed(reason: String)
  /// The storage service gave no answer, or no usable one, for as long as the request was tried.
  case unavailable(LakePath, operation: String, reason: String)
  /// The file has its final name, but the storage did not confirm that it survives a power cut.
  case notDurable(LakePath, reason: String)
  /// The operation may have been done or not.
  case outcomeUnknown(LakePath, operation: String, reason: String)
  /// The text is not a storage account's connection string. The text itself is not kept: it holds a secret.
  case invalidConnectionString(reason: String)
  /// The storage or the quota is full.
  case noSpace(LakePath)
  /// The file is larger than the storage allows one file to be.
  case fileTooLarge(LakePath)
  /// The storage is mounted read-only.
  case readOnly(LakePath)
  /// The path is, or leads through, a symbolic link.
  case escapesRoot(LakePath)
  /// A folder, or something else that is not a plain file, stands where a file was expected.
  case notAFile(LakePath)
  /// A file stands where a folder was expected.
  case notAFolder(LakePath)
  /// The folder to be removed holds something.
  case folderNotEmpty(LakePath)
  /// The file has more bytes than the caller accepts in memory.
  case tooLarge(LakePath, limit: Int)
  /// The lake has stored another number of bytes than were sent.
  case lengthMismatch(LakePath, expected: Int, found: Int)
  /// The file was changed while it was read.
  case changed(LakePath)
  /// A writer or reader was called in a state that does not allow it.
  case outOfOrder(LakePath, operation: String)
  /// The text is not a path below the root.
  case invalidPath(String, reason: String)
  /// The text is not an encoded name.
  case invalidName(String, reason: String)
  /// The text is not a lake's URL. The text itself is not kept, since it may hold a secret.
  case invalidURL(reason: String)
  /// A continuation did not come from this store.
  case invalidContinuation
  /// The root folder can't be made or opened.
  case rootUnavailable(String, reason: String)
  /// Any other failure, with the system's or the service's own words.
  case io(LakePath, operation: String, reason: String)
}

extension LakeError {
  /// A name for the kind of failure that stays the same over versions.
  package var code: String {
    switch self {
    case .notFound: "not_found"
    case .alreadyExists: "already_exists"
    case .conditionNotMet: "condition_not_met"
    case .permissionDenied: "permission_denied"
    case .accessRefused: "access_refused"
    case .signInFailed: "sign_in_failed"
    case .unavailable: "unavailable"
    case .notDurable: "not_durable"
    case .outcomeUnknown: "outcome_unknown"
    case .invalidConnectionString: "invalid_connection_string"
    case .noSpace: "no_space"
    case .fileTooLarge: "file_too_large"
    case .readOnly: "read_only"
    case .escapesRoot: "escapes_root"
    case .notAFile: "not_a_file"
    case .notAFolder: "not_a_folder"
    case .folderNotEmpty: "folder_not_empty"
    case .tooLarge: "too_large"
    case .lengthMismatch: "length_mismatch"
    case .changed: "changed"
    case .outOfOrder: "out_of_order"
    case .invalidPath: "invalid_path"
    case .invalidName: "invalid_name"
    case .invalidURL: "invalid_url"
    case .invalidContinuation: "invalid_continuation"
    case .rootUnavailable: "root_unavailable"
    case .io: "io"
    }
  }
}

extension LakeError: CustomStringConvertible {
  /// One sentence for an operator; holds no secret.
  package var description: String {
    switch self {
    case .notFound(let path): "\(path): there is no such file in the lake"
    case .alreadyExists(let path): "\(path): exists already; remove it or ask for it to be overwritten"
    case .conditionNotMet(let path): "\(path): was changed by someone else meanwhile; look at it and try again"
    case .permissionDenied(let path, let operation):
      "\(path): this process has no permission for \(operation); grant it read and write access to the lake"
    case .accessRefused(let path, let operation, let reason): "\(path): \(operation) is refused: \(reason)"
    case .signInFailed(let reason): "there is no token for the lake: \(reason)"
    case .unavailable(let path, let operation, let reason): "\(path): \(operation) failed: \(reason)"
    case .notDurable(let path, let reason):
      "\(path): is in its place, but the storage did not confirm that it stays there over a power cut (\(reason)); check "
        + "the storage, then write it again"
    case .outcomeUnknown(let path, let operation, let reason):
      "\(path): \(operation) may have been done or not: \(reason); check whether it is there"
    case .invalidConnectionString(let reason):
      "not a storage account's connection string: \(reason); expected "
        + "AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net, or SharedAccessSignature= in place of the key"
    case .noSpace(let path): "\(path): the lake's storage or quota is full; make room and try again"
    case .fileTooLarge(let path): "\(path): grew larger than the storage or a process limit allows one file to be"
    case .readOnly(let path): "\(path): the lake's storage is read-only; mount it for writing"
    case .escapesRoot(let path): "\(path): is or lies behind a symbolic link; put a real file or folder in its place"
    case .notAFile(let path): "\(path): is not a plain file"
    case .notAFolder(let path): "\(path): is a file where a folder is needed, or lies behind one; move it away"
    case .folderNotEmpty(let path): "\(path): the folder is not empty"
    case .tooLarge(let path, let limit): "\(path): is larger than the \(limit) bytes that are expected at most"
    case .lengthMismatch(let path, let expected, let found):
      "\(path): \(expected) bytes were written but \(found) are stored; try again"
    case .changed(let path): "\(path): was changed while it was read; try again"
    case .outOfOrder(let path, let operation): "\(path): \(operation) is not possible in the file's present state"
    case .invalidPath(let path, let reason): "\(Self.quoted(path)) is not a path in the lake: \(reason)"
    case .invalidName(let name, let reason): "\(Self.quoted(name)) is not an encoded name: \(reason)"
    case .invalidURL(let reason): "not a lake's URL: \(reason); \(LakeProviders.expectedForms)"
    case .invalidContinuation: "the listing can't be continued: start it again"
    case .rootUnavailable(let root, let reason): "\(root): the lake's root folder can't be used: \(reason)"
    case .io(let path, let operation, let reason): "\(path): \(operation) failed: \(reason)"
    }
  }

  /// Text from outside, cut to a readable length and with its control characters escaped.
  private static func quoted(_ text: String) -> String {
    var shown = "'"
    for scalar in text.unicodeScalars.prefix(200) { shown += scalar.escaped(asASCII: false) }
    return shown + (text.unicodeScalars.count > 200 ? "…'" : "'")
  }
}
