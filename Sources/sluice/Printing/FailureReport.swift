import Reporting

/// The output of `--json` when a command fails. It has the form of a failed result.
struct FailureReport: Encodable {
  private let status = "failed"
  let error: JobError

  enum CodingKeys: CodingKey {
    case status, error
  }
}
