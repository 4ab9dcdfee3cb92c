import Foundation

/// An error of a job, made for the one who asked: a stable code, what failed, and what to do.
///
/// Its texts never hold row data or secrets. `details` are further machine-readable members of the answer.
public struct JobError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The sort of failure; each way in (HTTP, queue, command line) has its own answer to each.
  public enum Kind: String, Sendable {
    /// The request itself is wrong.
    case invalid
    /// The request is longer than any that makes sense.
    case tooLarge
    /// What it names is not there.
    case notFound
    /// It does not fit what is there, or what is under way.
    case conflict
    /// The request is well formed, its data cannot be used.
    case unprocessable
    /// A host, path or right is not granted.
    case forbidden
    /// A server cannot be reached at this time.
    case unavailable
    /// The lake or the database has no room.
    case full
    /// Something else failed.
    case failed
  }

  /// The sort of failure.
  public var kind: Kind
  /// Stable, lower case with underscores, such as `table_not_found`.
  public var code: String
  /// What failed, where, and what to do.
  public var message: String
  /// The request's field at fault, such as `destination.mode`.
  public var field: String?
  /// More for machines, such as the number of rows found.
  package var details: [String: JSONValue]

  package init(
    _ kind: Kind, code: String, _ message: String, field: String? = nil, details: [String: JSONValue] = [:]
  ) {
    self.kind = kind
    self.code = code
    self.message = message
    self.field = field
    self.details = details
  }

  /// `code: message`.
  public var description: String { "\(code): \(message)" }

  /// A field of a request that has not the form it should have.
  static func badField(_ field: String, _ expected: String, got value: JSONValue? = nil) -> JobError {
    let found = value.map { ", got \($0.brief)" } ?? ""
    return JobError(.invalid, code: "bad_field", "\(field): expected \(expected)\(found)", field: field)
  }

  /// The same under the name of an outer object: `mode` of `destination` becomes `destination.mode`.
  func under(_ prefix: String) -> JobError {
    guard let field else { return self }
    var copy = self
    copy.field = "\(prefix).\(field)"
    if message.hasPrefix(field) { copy.message = "\(prefix).\(message)" }
    return copy
  }
}
