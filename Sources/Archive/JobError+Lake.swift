import Essentials
package import Gzip
package import Lake
package import Reporting

extension LakeError: JobErrorConvertible {
  package var jobError: JobError {
    let code: JobErrorCode =
      switch self {
      case .notFound: .archiveNotFound
      case .alreadyExists: .archiveExists
      case .conditionNotMet, .changed: .archiveChanged
      case .permissionDenied, .accessRefused: .lakePermissionDenied
      case .signInFailed: .lakeSignInFailed
      case .unavailable, .rootUnavailable: .lakeUnavailable
      case .outcomeUnknown: .lakeOutcomeUnknown
      case .notDurable: .lakeNotDurable
      case .readOnly: .lakeReadOnly
      case .noSpace, .fileTooLarge: .lakeFull
      case .escapesRoot: .outsideLake
      case .invalidPath, .invalidName, .invalidURL: .badPath
      case .lengthMismatch: .lengthMismatch
      default: .lakeError
      }
    return JobError(code, ErrorText("lake: \(self)"))
  }
}

extension GzipError: JobErrorConvertible {
  /// The error of a compressor. ``ArchiveReader`` converts the errors of a decompressor itself, with the file's path.
  package var jobError: JobError {
    JobError(.compressionFailed, ErrorText("\(self); nothing was published. Run the job again"))
  }
}

extension JobError {
  /// Adds a temporary file that could not be removed to the error of a job. The error may already name another one: an
  /// archive's and its manifest's may both be left.
  package static func adding(_ leftover: LakePath?, to error: any Error) -> any Error {
    guard let leftover else { return error }
    Log.write(.warning, "a temporary file is left in the lake", ["path": leftover])
    if error is CancellationError { return error }
    var failure = JobError(cause: error)
    failure.text += ". The temporary file \(leftover) could not be removed; the nightly run removes it after a day"
    var left: [JSONValue] = []
    if case .array(let others) = failure.details["temporaries"] { left = others }
    failure.details["temporaries"] = .array(left + [.string("\(leftover)")])
    return failure
  }
}
