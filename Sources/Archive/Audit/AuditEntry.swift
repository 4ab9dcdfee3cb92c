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
    /// The file of a month was closed: the chain goes on in another one.
    case close
  }

  /// The member with the outcome, and what it says of a change that is about to be made.
  package static let outcome = "outcome"
  package static let begun = "begun"
  /// The member with the id of a change, which the line before it and the one after it share.
  package static let change = "change"

  /// The members by which an entry of the database's log is found again: its id, and when it was made, since ids begin anew with a
  /// schema that is made anew.
  package static let logID = "log_id"
  package static let loggedAt = "logged_at"

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

  /// An entry of a database's log.
  struct Logged: Hashable {
    let database: String
    let id: Int
    let at: String

    init?(_ members: [String: JSONValue]) {
      guard let database = members["database"]?.string, let id = members[logID]?.whole,
        let at = members[loggedAt]?.string
      else { return nil }
      (self.database, self.id, self.at) = (database, id, at)
    }
  }

  /// The entry of the log that this line tells; nil for another line.
  var logged: Logged? { Logged(details) }

  /// Those of `wanted` that the lines of `files` tell.
  static func logged(in files: [[UInt8]], of wanted: Set<Logged>) -> Set<Logged> {
    let marker = Array("\"\(loggedAt)\":\"".utf8)
    let times = Set(wanted.map(\.at))
    var found: Set<Logged> = []
    for line in files.lazy.flatMap({ $0.split(separator: UInt8(ascii: "\n")) }) {
      // Only few lines need to be read as JSON.
      guard let start = line.firstRange(of: marker)?.upperBound,
        let end = line[start...].firstIndex(of: UInt8(ascii: "\"")),
        times.contains(String(decoding: line[start..<end], as: UTF8.self)),
        let members = try? JSONValue(parsing: line).object, let logged = Logged(members)
      else { continue }
      found.insert(logged)
    }
    return found.intersection(wanted)
  }

  /// The hash by which a line is named in the one after it: SHA-256 of its bytes without the line break.
  static func hash(of line: some Sequence<UInt8>) -> String {
    var hasher = SHA256Hasher()
    hasher.update(Array(line))
    return hasher.finish().hex
  }
}
