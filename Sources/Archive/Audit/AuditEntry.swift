package import Essentials
package import Foundation
import Lake

/// One line of the audit chain: what was done, by whom, to what.
package struct AuditEntry: Sendable, Equatable {
  /// What was done.
  package enum Action: String, Sendable, CaseIterable {
    /// An archive was replaced.
    case overwrite
    /// Rows were loaded.
    case restore
    /// A chunk or partition was dropped.
    case drop
    /// Rows were deleted.
    case delete
    /// An archive was removed.
    case removeArchive = "remove_archive"
    /// A hold was placed.
    case hold
    /// A hold was ended.
    case release
    /// A retention policy was made, changed or removed.
    case policy
  }

  package let at: Date
  package let action: Action
  /// The role or identity that did it, as the database or the host names it.
  package let by: String
  /// What it was done to, such as `database`, `table`, `date`, `rows`, `sha256`; holds no row data and no secret.
  package let details: [String: JSONValue]

  package init(_ action: Action, by: String, at: Date, _ details: [String: JSONValue]) {
    self.action = action
    self.by = by
    self.at = at
    self.details = details
  }

  /// The line, without its line break: a JSON object with its members in the order of their names.
  /// - Parameter previous: the hash of the line before.
  func line(after previous: String) -> String {
    var members = details
    members["at"] = .string(at.formatted(.iso8601))
    members["action"] = .string(action.rawValue)
    members["by"] = .string(by)
    members["previous"] = .string(previous)
    return JSONValue.object(members).compact
  }

  /// The hash by which a line is named in the one after it: SHA-256 of its bytes without the line break.
  static func hash(of line: some Sequence<UInt8>) -> String {
    var hasher = SHA256Hasher()
    hasher.update(Array(line))
    return hasher.finish().hex
  }
}
