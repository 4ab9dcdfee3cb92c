import Sluice

/// What `--json` prints when a command fails as a whole: the form of a failed result.
struct FailureReport: Encodable {
  private let failure: JSONValue

  init(_ error: JobError) {
    var members = error.details
    members["code"] = .string(error.code)
    members["detail"] = .string(error.message)
    if let field = error.field { members["field"] = .string(field) }
    failure = .object(["status": .string("failed"), "error": .object(members)])
  }

  func encode(to encoder: any Encoder) throws {
    try failure.encode(to: encoder)
  }
}
