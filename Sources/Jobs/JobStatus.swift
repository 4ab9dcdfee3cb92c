/// The status of a whole job, from the statuses of its table-days.
package enum JobStatus: String, Sendable, Encodable {
  /// All table-days succeeded.
  case ok
  /// Some table-days failed or are unconfirmed.
  case partial
  /// All table-days failed.
  case failed

  /// The common status of `parts`.
  package init(_ parts: [JobStatus]) {
    let failures = parts.count { $0 == .failed }
    if failures == parts.count, failures > 0 {
      self = .failed
    } else {
      self = parts.allSatisfy { $0 == .ok } ? .ok : .partial
    }
  }
}
