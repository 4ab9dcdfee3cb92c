package import Essentials
package import Foundation
import Reporting

/// The outcome of a long job.
package struct OperationOutcome: Sendable {
  /// `succeeded`, `partial` or `failed`.
  package var status: Operation.Status
  /// The job's report.
  package var result: any Encodable & Sendable

  package init(status: Operation.Status, result: any Encodable & Sendable) {
    self.status = status
    self.result = result
  }
}

/// The document of a long job: `GET /api/operations/{id}`.
package struct Operation: Sendable, Codable, Equatable {
  package enum Status: String, Sendable, Codable {
    /// The job's message is on a queue: a worker has not taken it up yet, or an attempt failed and another one comes.
    case queued
    case running
    case succeeded
    /// Some of the job's table-days failed.
    case partial
    case failed
    /// The process that ran the job ended before the job did; table-days that had ended keep their results.
    case interrupted
  }

  /// The id in the operation's URL.
  package var id: String
  /// `backup` or `restore`.
  package var kind: String
  package var status: Status
  package var createdAt: Date
  /// When the document was last written.
  package var updatedAt: Date
  package var progress: JSONValue
  /// The job's report, once it has ended.
  package var result: JSONValue?
  /// The error of a failed job, or of the last attempt of one that is queued again: `code`, `detail`, `field`.
  package var error: JSONValue?
  /// Identifies the attempt that last took up a queued operation; its worker alone writes the document meanwhile. Nil for an
  /// operation that no worker has taken up.
  package var attempt: String?

  enum CodingKeys: String, CodingKey {
    case id, kind, status, progress, result, error, attempt
    case createdAt = "created_at"
    case updatedAt = "updated_at"
  }
}

extension Operation {
  /// A new operation without progress.
  init(id: String, kind: String, status: Status, at now: Date) {
    self.init(id: id, kind: kind, status: status, createdAt: now, updatedAt: now, progress: .object([:]))
  }

  /// Reads an operation's document.
  /// - Throws: ``JobError`` `lake_error` for a document that this program did not write.
  package init(file bytes: [UInt8]) throws {
    let members = (try? JSONValue(parsing: bytes))?.object ?? [:]
    func date(_ name: String) -> Date? { members[name]?.string.flatMap { try? Date($0, strategy: .iso8601) } }
    guard let id = members["id"]?.string, let kind = members["kind"]?.string,
      let status = members["status"]?.string.flatMap(Status.init), let created = date("created_at"),
      let updated = date("updated_at")
    else {
      throw JobError(
        .lakeError,
        "the operation's document in the lake cannot be read; look for the job's archives in the lake")
    }
    self.init(
      id: id, kind: kind, status: status, createdAt: created, updatedAt: updated,
      progress: members["progress"] ?? .object([:]), result: members["result"], error: members["error"],
      attempt: members["attempt"]?.string)
  }
}
