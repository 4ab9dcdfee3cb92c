import Essentials
import Reporting

/// What `--json` prints when a command fails as a whole: the form of a failed result.
struct FailureReport: Encodable {
  private let status = "failed"
  private let error: JSONValue

  enum CodingKeys: CodingKey {
    case status, error
  }

  /// - Parameter name: names a field of the request as its user wrote it.
  init(_ error: JobError, _ name: (String) -> String) {
    self.error = .object(error.members(naming: name))
  }
}
