/// How a job of several table-days ended as a whole.
package enum JobStatus: String, Sendable, Encodable {
  /// All was done.
  case ok
  /// Some was done, some failed or is in doubt.
  case partial
  /// Nothing was done.
  case failed

  /// What `parts` make together.
  package init(_ parts: [JobStatus]) {
    let failures = parts.count { $0 == .failed }
    if failures == parts.count, failures > 0 {
      self = .failed
    } else {
      self = parts.allSatisfy { $0 == .ok } ? .ok : .partial
    }
  }
}
