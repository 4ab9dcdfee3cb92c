package import Essentials
package import Foundation
import Reporting

/// The outcome of a long job.
package struct OperationOutcome: Sendable {
  /// `succeeded`, `partial` or `failed`.
  package var state: Operation.State
  /// The job's report.
  package var result: any Encodable & Sendable

  package init(state: Operation.State, result: any Encodable & Sendable) {
    self.state = state
    self.result = result
  }
}

/// The document of a long job: `GET /api/operations/{id}`.
package struct Operation: Sendable, Equatable {
  package enum State: String, Sendable, Codable, CaseIterable {
    /// The job's message is on a queue: a worker has not taken it up yet, or an attempt failed and another one comes.
    case queued
    case running
    case succeeded
    /// Some of the job's table-days failed.
    case partial
    case failed
    /// A caller has cancelled it.
    case cancelled
    /// The process that ran the job ended before the job did; table-days that had ended keep their results.
    case lost

    /// Whether the job has come to its end. One that is lost may be taken up again.
    package var hasEnded: Bool {
      switch self {
      case .queued, .running, .lost: false
      case .succeeded, .partial, .failed, .cancelled: true
      }
    }
  }

  /// The id in the operation's URL. Ids of later operations are greater, as texts.
  package var id: String
  /// `backup`, `restore`, `nightly_backup`, …
  package var kind: String
  package var state: OperationState
  package var createdAt: Date
  /// When the document was last written.
  package var updatedAt: Date
  /// The job's request, without passwords; nil where it cannot be run again from the document.
  package var request: JSONValue?
  /// The database whose days the job is about; nil where it is about no days, and in documents of earlier versions.
  package var database: String?
  /// Why the call was answered before the job's end, where its caller did not ask for that.
  package var reason: String?
  /// The messages that the job was divided into, one for each table-day; nil for a job that one process does.
  package var units: Int?
  package var progress: JSONValue = .object([:])
  /// The table-days that are done, over all attempts: `events.clicks 2024-01-31`.
  package var finished: [String] = []
  /// The job's report, once it has ended.
  package var result: JSONValue?
  /// The error of a failed job, or of the last attempt of one that is queued again: `code`, `detail`, `field`.
  package var error: JSONValue?

  /// A new operation without progress.
  package init(id: String, kind: String, state: OperationState, request: JSONValue? = nil, at now: Date) {
    self.id = id
    self.kind = kind
    self.state = state
    self.request = request
    createdAt = now
    updatedAt = now
  }
}

extension Operation: Encodable {
  enum CodingKeys: String, CodingKey {
    case id, kind, database, state, progress, result, error, attempt, lease, request, reason, units, finished
    case createdAt = "created_at"
    case updatedAt = "updated_at"
    case cancelRequested = "cancel_requested"
  }

  enum LeaseKeys: String, CodingKey {
    case owner, id, until
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(id, forKey: .id)
    try container.encode(kind, forKey: .kind)
    try container.encodeIfPresent(database, forKey: .database)
    try container.encode(state.written, forKey: .state)
    try container.encode(createdAt, forKey: .createdAt)
    try container.encode(updatedAt, forKey: .updatedAt)
    try container.encode(state.attempt, forKey: .attempt)
    if let lease = state.lease {
      var part = container.nestedContainer(keyedBy: LeaseKeys.self, forKey: .lease)
      try part.encode(lease.owner, forKey: .owner)
      try part.encode(lease.id, forKey: .id)
      try part.encode(lease.until, forKey: .until)
    }
    if state.isCancelRequested { try container.encode(true, forKey: .cancelRequested) }
    try container.encodeIfPresent(request, forKey: .request)
    try container.encodeIfPresent(reason, forKey: .reason)
    try container.encodeIfPresent(units, forKey: .units)
    try container.encode(progress, forKey: .progress)
    if !finished.isEmpty { try container.encode(finished, forKey: .finished) }
    try container.encodeIfPresent(result, forKey: .result)
    try container.encodeIfPresent(error, forKey: .error)
  }
}

extension Operation {
  /// Seconds after its last change for which a running operation of a version without leases counts as at work.
  private static let formerSilence: TimeInterval = 60

  /// Reads an operation's document.
  /// - Throws: ``JobError`` `lake_error` for a document that this program did not write.
  package init(file bytes: [UInt8]) throws {
    let members = (try? JSONValue(parsing: bytes))?.object ?? [:]
    func date(_ value: JSONValue?) -> Date? { value?.string.flatMap { try? Date($0, strategy: .iso8601) } }
    guard let id = members["id"]?.string, let kind = members["kind"]?.string,
      let word = (members["state"] ?? members["status"])?.string, let created = date(members["created_at"]),
      let updated = date(members["updated_at"]),
      // Versions without leases wrote `interrupted`.
      let written = State(rawValue: word == "interrupted" ? "lost" : word)
    else {
      throw JobError(
        .lakeError,
        "the operation's document in the lake is none that this program wrote; look for the job's archives in the lake, and remove it"
      )
    }
    let lease = members["lease"]?.object.flatMap { lease -> OperationState.Lease? in
      guard let owner = lease["owner"]?.string, let id = lease["id"]?.string, let until = date(lease["until"]) else {
        return nil
      }
      return .init(owner: owner, id: id, until: until)
    }
    let former = OperationState.Lease(
      owner: "", id: "", until: updated.addingTimeInterval(Self.formerSilence))
    let state = OperationState(
      written, attempt: members["attempt"]?.whole ?? 0, lease: written == .running ? lease ?? former : lease,
      isCancelRequested: members["cancel_requested"] == .bool(true))
    self.init(id: id, kind: kind, state: state, request: members["request"], at: created)
    updatedAt = updated
    database = members["database"]?.string
    reason = members["reason"]?.string
    units = members["units"]?.whole
    progress = members["progress"] ?? .object([:])
    if case .array(let items)? = members["finished"] { finished = items.compactMap(\.string) }
    result = members["result"]
    error = members["error"]
  }

  /// The operation as a caller sees it at `now`: lost where its lease has ended.
  package func seen(at now: Date) -> Operation {
    var copy = self
    let word = state.seen(at: now)
    if word != state.written { copy.state = OperationState(word, attempt: state.attempt, lease: state.lease) }
    return copy
  }

  /// The error's code.
  package var errorCode: String? { error?.object?["code"]?.string }

  /// The error of the first failure of a report.
  private static func firstError(in report: JSONValue?) -> JSONValue? {
    guard let members = report?.object else { return nil }
    if let error = members["error"], error != .null { return error }
    guard case .array(let results)? = members["results"] else { return nil }
    return results.lazy.compactMap { $0.object?["error"] }.first { $0 != .null }
  }

  mutating func end(_ lease: String, as word: State, result: JSONValue?, error: JobError?) throws(OperationState
    .Refusal)
  {
    try state.end(lease, as: word)
    self.result = result
    self.error = error.map { .object($0.members) } ?? (word == .failed ? Self.firstError(in: result) : nil)
  }
}
