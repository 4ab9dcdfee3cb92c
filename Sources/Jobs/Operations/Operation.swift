package import Essentials
package import Foundation
import Reporting

/// How a long job ended.
package struct OperationOutcome: Sendable {
  /// How it ended: `succeeded`, `partial` or `failed`.
  package var status: Operation.Status
  /// The job's report.
  package var result: any Encodable & Sendable

  /// Made by whoever starts an operation.
  package init(status: Operation.Status, result: any Encodable & Sendable) {
    self.status = status
    self.result = result
  }
}

/// A long job as others see it: `GET /api/operations/{id}`.
package struct Operation: Sendable, Codable, Equatable {
  /// Where it stands.
  package enum Status: String, Sendable, Codable {
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
  package var id: String
  /// `backup` or `restore`.
  package var kind: String
  /// Where it stands.
  package var status: Status
  /// When it was begun.
  package var createdAt: Date
  /// When this was last written.
  package var updatedAt: Date
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
  package init(file bytes: [UInt8]) throws {
    let members = (try? JSONValue(parsing: bytes))?.object ?? [:]
    func date(_ name: String) -> Date? { members[name]?.string.flatMap { try? Date($0, strategy: .iso8601) } }
    guard let id = members["id"]?.string, let kind = members["kind"]?.string,
      let status = members["status"]?.string.flatMap(Status.init), let created = date("created_at"),
      let updated = date("updated_at")
    else {
      throw JobError(
        .lakeError,
        "the operation's file in the lake cannot be read; see the job's results in the lake")
    }
    self.init(
      id: id, kind: kind, status: status, createdAt: created, updatedAt: updated,
      progress: members["progress"] ?? .object([:]), result: members["result"], error: members["error"])
  }
}
