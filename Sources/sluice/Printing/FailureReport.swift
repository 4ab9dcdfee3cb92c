import Essentials
import Reporting

/// The output of `--json` when a command fails. It has the form of a failed result.
struct FailureReport: Encodable {
  private let status = "failed"
  private let error: JSONValue

  enum CodingKeys: CodingKey {
    case status, error
  }

  /// - Parameter name: the name of a request's field as its user wrote it.
  init(_ error: JobError, _ name: (String) -> String) {
    self.error = .object(error.members(naming: name))
  }
}
