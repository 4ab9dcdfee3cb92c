import Glibc

/// A failed system call.
struct SystemError: Error {
  let number: CInt

  /// The result of a call that answers -1 on failure; begins again when a signal cut it short.
  @discardableResult
  static func check<Result: SignedInteger>(_ call: () -> Result) throws(SystemError) -> Result {
    while true {
      let result = call()
      if result != -1 { return result }
      let number = errno
      if number != EINTR { throw SystemError(number: number) }
    }
  }

  /// The system's words for the error.
  var text: String {
    // strerror(3) of glibc keeps a buffer for each thread; the copy is made before anything else runs.
    guard let words = strerror(number) else { return "error \(number)" }
    return String(cString: words)
  }

  /// The error as the lake tells it.
  func lakeError(_ path: LakePath, operation: String) -> LakeError {
    switch number {
    case ENOENT: .notFound(path)
    case EEXIST: .alreadyExists(path)
    case EACCES, EPERM: .permissionDenied(path, operation: operation)
    case ENOSPC, EDQUOT: .noSpace(path)
    case EFBIG: .fileTooLarge(path)
    case EROFS: .readOnly(path)
    case ELOOP: .escapesRoot(path)
    case EISDIR: .notAFile(path)
    case ENOTDIR: .notAFolder(path)
    case ENOTEMPTY: .folderNotEmpty(path)
    case ENAMETOOLONG: .invalidPath(path.description, reason: "the file system does not support a name of this length")
    default: .io(path, operation: operation, reason: text)
    }
  }
}
