import Foundation

/// How a long job ended.
public struct OperationOutcome: Sendable {
  /// How it ended: `succeeded`, `partial` or `failed`.
  public var status: Operation.Status
  /// The job's report.
  public var result: any Encodable & Sendable

  /// Made by whoever starts an operation.
  public init(status: Operation.Status, result: any Encodable & Sendable) {
    self.status = status
    self.result = result
  }
}

/// A long job as others see it: `GET /api/operations/{id}`.
public struct Operation: Sendable, Codable, Equatable {
  /// Where it stands.
  public enum Status: String, Sendable, Codable {
    /// Under way.
    case running
    /// Done.
    case succeeded
    /// Done in part.
    case partial
    /// Failed.
    case failed
    /// The process that ran it is gone; what it had finished is in the lake.
    case interrupted
  }

  /// Names it in its URL.
  public var id: String
  /// `backup` or `restore`.
  public var kind: String
  /// Where it stands.
  public var status: Status
  /// When it was begun.
  public var createdAt: Date
  /// When this was last written.
  public var updatedAt: Date
  /// How far it is.
  package var progress: JSONValue
  /// The job's report, after its end.
  package var result: JSONValue?
  /// Why it failed: `code`, `detail`, `field`.
  package var error: JSONValue?

  enum CodingKeys: String, CodingKey {
    case id, kind, status, progress, result, error
    case createdAt = "created_at"
    case updatedAt = "updated_at"
  }
}

extension Operation {
  /// Reads an operation's file.
  /// - Throws: ``JobError`` `lake_error` for one that no version of this program wrote.
  init(file bytes: [UInt8]) throws {
    let members = (try? JSONValue(parsing: bytes))?.object ?? [:]
    func date(_ name: String) -> Date? { members[name]?.string.flatMap { try? Date($0, strategy: .iso8601) } }
    guard let id = members["id"]?.string, let kind = members["kind"]?.string,
      let status = members["status"]?.string.flatMap(Status.init), let created = date("created_at"),
      let updated = date("updated_at")
    else {
      throw JobError(
        .failed, code: "lake_error",
        "the operation's file in the lake cannot be read; see the job's results in the lake")
    }
    self.init(
      id: id, kind: kind, status: status, createdAt: created, updatedAt: updated,
      progress: members["progress"] ?? .object([:]), result: members["result"], error: members["error"])
  }
}
