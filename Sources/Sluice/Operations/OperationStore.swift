import Essentials
import Foundation
import Lake

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

/// Long jobs that are begun in one call and looked at in others.
///
/// Each is a small file in the lake, `_sluice/operations/<id>.json`, rewritten while it runs: another instance, or the
/// next process, can tell how it stands.
public actor OperationStore {
  /// Seconds between two writes of a running operation's file.
  static let interval: TimeInterval = 10
  /// Seconds without a write after which nobody is taken to be working on it any more.
  static let silence: TimeInterval = 60
  /// The most bytes such a file may have: a report of 11,000 table-days.
  static let maximumBytes = 32 << 20

  private struct Running {
    var operation: Operation
    let progress: JobProgress
    let task: Task<Void, Never>
  }

  private let lake: any LakeStore
  private let now: @Sendable () -> Date
  private var running: [String: Running] = [:]
  private var isClosed = false

  /// Operations kept in `lake`.
  public init(lake: any LakeStore, now: @escaping @Sendable () -> Date = { Date() }) {
    self.lake = lake
    self.now = now
  }

  /// Begins `job` and gives its operation at once.
  /// - Throws: ``JobError`` `shutting_down`; ``LakeError`` when the operation cannot be noted in the lake.
  public func start(
    kind: String, _ job: @escaping @Sendable (JobProgress) async throws -> OperationOutcome
  ) async throws -> Operation {
    guard !isClosed else {
      throw JobError(.unavailable, code: "shutting_down", "the program is shutting down; ask again in a minute")
    }
    let operation = Operation(
      id: UUID().uuidString.asciiLowercased(), kind: kind, status: .running, createdAt: now(), updatedAt: now(),
      progress: .object([:]))
    try await write(operation)
    let progress = JobProgress()
    let task = Task { await run(operation.id, progress, job) }
    running[operation.id] = Running(operation: operation, progress: progress, task: task)
    return operation
  }

  /// The operation as it stands.
  /// - Throws: ``JobError`` `operation_not_found`; ``LakeError``.
  public func operation(_ id: String) async throws -> Operation {
    if let current = running[id] { return Self.present(current.operation, current.progress, now()) }
    guard UUID(uuidString: id) != nil else { throw Self.notFound(id) }
    let bytes: [UInt8]
    do {
      bytes = try await lake.readAll(path(id.asciiLowercased()), limit: Self.maximumBytes)
    } catch LakeError.notFound {
      throw Self.notFound(id)
    }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    var operation = try decoder.decode(Operation.self, from: Data(bytes))
    if operation.status == .running, operation.updatedAt.distance(to: now()) > Self.silence {
      operation.status = .interrupted
    }
    return operation
  }

  /// Takes no new operations, lets those under way go on for `grace`, then cancels them and waits until they have
  /// cleaned up.
  public func shutDown(grace: Duration) async {
    isClosed = true
    let tasks = running.values.map(\.task)
    guard !tasks.isEmpty else { return }
    let timer = Task {
      try? await Task.sleep(for: grace)
      if !Task.isCancelled { tasks.forEach { $0.cancel() } }
    }
    for task in tasks { await task.value }
    timer.cancel()
  }

  private func run(
    _ id: String, _ progress: JobProgress, _ job: @Sendable (JobProgress) async throws -> OperationOutcome
  ) async {
    let writer = Task {
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(Self.interval))
        if !Task.isCancelled { await noteProgress(id) }
      }
    }
    var outcome: Result<OperationOutcome, any Error>
    do {
      outcome = .success(try await job(progress))
    } catch {
      outcome = .failure(error)
    }
    writer.cancel()
    await writer.value
    await finish(id, outcome)
  }

  private func noteProgress(_ id: String) async {
    guard let current = running[id] else { return }
    // That it cannot be noted does not stop the job; the next try comes soon.
    try? await write(Self.present(current.operation, current.progress, now()))
  }

  private func finish(_ id: String, _ outcome: Result<OperationOutcome, any Error>) async {
    guard let current = running[id] else { return }
    var operation = Self.present(current.operation, current.progress, now())
    switch outcome {
    case .success(let outcome):
      operation.status = outcome.status
      operation.result = try? JSONValue(encoding: outcome.result)
    case .failure(let error):
      let error = JobError(cause: error)
      operation.status = .failed
      operation.error = try? JSONValue(encoding: JobFailure(error))
      Log.write(.error, "operation failed", ["operation": id, "code": error.code, "reason": error.message])
    }
    do {
      try await write(operation)
    } catch {
      Log.write(.error, "the end of an operation was not noted", ["operation": id, "reason": error])
    }
    running[id] = nil
  }

  private static func present(_ operation: Operation, _ progress: JobProgress, _ now: Date) -> Operation {
    var copy = operation
    let reading = progress.reading
    copy.updatedAt = now
    var members: [String: JSONValue] = [
      "rows": .integer(reading.rows), "csv_bytes": .integer(reading.csvBytes),
      "gzip_bytes": .integer(reading.gzipBytes), "finished": .integer(reading.finishedUnits),
      "table_days": .integer(reading.units), "subject": .string(reading.subject),
    ]
    if let fraction = reading.fraction { members["fraction"] = .number((fraction * 1000).rounded() / 1000) }
    copy.progress = .object(members)
    return copy
  }

  private static func notFound(_ id: String) -> JobError {
    JobError(
      .notFound, code: "operation_not_found", "there is no operation of that id; take the id from the Location header")
  }

  private func path(_ id: String) throws -> LakePath {
    try LakePath(components: [ArchiveName.privateFolder, "operations", "\(id).json"])
  }

  private func write(_ operation: Operation) async throws {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let temporary = try LakePath(components: [ArchiveName.privateFolder, "tmp", UUID().uuidString.asciiLowercased()])
    try await lake.writeAll(
      Array(encoder.encode(operation)), to: path(operation.id), temporary: temporary, condition: .always)
  }
}
