import Archive
import Essentials
package import Foundation
package import Lake
package import Reporting

/// Long jobs that are begun in one call and looked at in others.
///
/// Each is a small file in the lake, `_sluice/operations/<id>.json`, rewritten while it runs: another instance, or the
/// next process, can tell how it stands.
package actor OperationStore {
  /// Seconds between two writes of a running operation's file.
  package static let interval: TimeInterval = 10
  /// Seconds without a write after which nobody is taken to be working on it any more.
  package static let silence: TimeInterval = 60
  /// The most bytes such a file may have: a report of 11,000 table-days.
  package static let maximumBytes = 32 << 20

  private struct Running {
    var operation: Operation
    let progress: JobProgress
    /// Writes the file for the first time; nobody is told of the operation before.
    let noting: Task<Void, any Error>
    let task: Task<Void, Never>
    /// Its end is being noted.
    var isEnding = false
    /// Notes it as interrupted, since it was waited for no longer; its end, should it still come, is noted after that.
    var interruption: Task<Void, Never>?
  }

  /// Seconds between the tries to note an operation's end.
  package static let retryWaits: [Double] = [0.1, 0.5, 2, 5, 10, 20, 40]

  /// How long the last notes may take.
  package static let lastNotes: Duration = .milliseconds(700)

  private let lake: any LakeStore
  private let now: @Sendable () -> Date
  private var running: [String: Running] = [:]
  /// Ends that could not be noted in the lake, the newest last: this process at least tells them.
  private var unnoted: [Operation] = []
  private(set) var isClosed = false
  private var waiters: [CheckedContinuation<Void, Never>] = []

  /// Operations kept in `lake`.
  package init(lake: any LakeStore, now: @escaping @Sendable () -> Date = { Date() }) {
    self.lake = lake
    self.now = now
  }

  /// Begins `job` and gives its operation once it is noted in the lake.
  ///
  /// Whoever comes before ``shutDown(grace:cleanup:)`` is waited for by it, from this call's first moment on; whoever comes
  /// later is refused.
  /// - Throws: ``JobError`` `shutting_down`; ``LakeError`` when the operation cannot be noted in the lake.
  package func start(
    kind: String, _ job: @escaping @Sendable (JobProgress) async throws -> OperationOutcome
  ) async throws -> Operation {
    guard !isClosed else {
      throw JobError(.shuttingDown, "the program is shutting down; ask again in a minute")
    }
    let operation = Operation(
      id: UUID().uuidString.asciiLowercased(), kind: kind, status: .running, createdAt: now(), updatedAt: now(),
      progress: .object([:]))
    let progress = JobProgress()
    let noting = Task { try await write(operation) }
    let task = Task {
      do {
        try await noting.value
        await run(operation.id, progress, job)
      } catch {
        // The caller is told.
      }
      forget(operation.id)
    }
    running[operation.id] = Running(operation: operation, progress: progress, noting: noting, task: task)
    try await noting.value
    return operation
  }

  /// The operation as it stands.
  /// - Throws: ``JobError`` `operation_not_found`; ``LakeError``.
  package func operation(_ id: String) async throws -> Operation {
    if let current = running[id] { return Self.present(current.operation, current.progress, now()) }
    if let ended = unnoted.last(where: { $0.id == id }) { return ended }
    guard UUID(uuidString: id) != nil else { throw Self.notFound(id) }
    let bytes: [UInt8]
    do {
      bytes = try await lake.readAll(path(id.asciiLowercased()), limit: Self.maximumBytes)
    } catch LakeError.notFound {
      throw Self.notFound(id)
    }
    var operation = try await LongWork.run(bytes: bytes.count) { try Operation(file: bytes) }
    if operation.status == .running, operation.updatedAt.distance(to: now()) > Self.silence {
      operation.status = .interrupted
    }
    return operation
  }

  /// Cancels the operation, which ends as `failed` with `cancelled` once it has cleaned up, and gives it as it stands.
  /// - Throws: ``JobError`` `operation_not_found`, `operation_ended`, `operation_elsewhere`; ``LakeError``.
  package func cancel(_ id: String) async throws -> Operation {
    if let current = running[id] {
      current.task.cancel()
      return Self.present(current.operation, current.progress, now())
    }
    let operation = try await operation(id)
    guard operation.status == .running else {
      throw JobError(
        .operationEnded, "the operation has ended already: it is \(operation.status.rawValue)")
    }
    throw JobError(
      .operationElsewhere,
      "another process runs the operation; ask that instance, or wait until it has ended")
  }

  /// Takes no new operations, lets those under way go on for `grace`, then cancels them and waits until they have
  /// cleaned up; nil waits for ever. Those that have not by the end of `cleanup` are noted as interrupted and left behind.
  /// - Returns: the ids of those.
  @discardableResult
  package func shutDown(grace: Duration, cleanup: Duration? = nil) async -> [String] {
    isClosed = true
    guard !running.isEmpty else { return [] }
    let timer = Task {
      guard (try? await Task.sleep(for: grace)) != nil else { return }
      cancelAll()
      guard let cleanup, (try? await Task.sleep(for: cleanup)) != nil else { return }
      giveUp()
    }
    await withCheckedContinuation { waiters.append($0) }
    timer.cancel()
    return running.keys.sorted()
  }

  private func cancelAll() {
    for operation in running.values {
      operation.noting.cancel()
      operation.task.cancel()
    }
  }

  /// Writes down those that are waited for no longer, as far as the lake takes it at once.
  private func giveUp() {
    var notes: [Task<Void, Never>] = []
    for (id, current) in running where !current.isEnding {
      var operation = Self.present(current.operation, current.progress, now())
      operation.status = .interrupted
      Log.write(.error, "an operation did not end in time", ["operation": id, "kind": operation.kind])
      let last = operation
      let note = Task { () -> Void in try? await write(last) }
      running[id]?.interruption = note
      notes.append(note)
    }
    Task {
      for note in notes { await note.value }
      resumeWaiters()
    }
    Task {
      try? await Task.sleep(for: Self.lastNotes)
      resumeWaiters()
    }
  }

  private func forget(_ id: String) {
    running[id] = nil
    if running.isEmpty { resumeWaiters() }
  }

  private func resumeWaiters() {
    for waiter in waiters { waiter.resume() }
    waiters = []
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
      operation.error = .object(error.members)
      Log.write(.error, "operation failed", ["operation": id, "code": error.code.rawValue, "reason": error.message])
    }
    running[id]?.isEnding = true
    await running[id]?.interruption?.value
    let ended = operation
    // In a task of its own: the end is noted also when the job's task was cancelled.
    await Task { await noteEnd(ended) }.value
  }

  private func noteEnd(_ operation: Operation) async {
    for wait in Self.retryWaits + [0] {
      do {
        return try await write(operation)
      } catch {
        guard wait > 0 else {
          Log.write(
            .error, "the end of an operation was not noted",
            ["operation": operation.id, "status": operation.status.rawValue, "reason": error])
          unnoted = unnoted.suffix(99) + [operation]
          return
        }
        try? await Task.sleep(for: .seconds(wait))
      }
    }
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
    if let waitsFor = reading.waitsFor { members["waits_for"] = .string(waitsFor) }
    if let fraction = reading.fraction { members["fraction"] = .number((fraction * 1000).rounded() / 1000) }
    copy.progress = .object(members)
    return copy
  }

  private static func notFound(_ id: String) -> JobError {
    JobError(
      .operationNotFound, "there is no operation of that id; take the id from the Location header")
  }

  private func path(_ id: String) throws -> LakePath {
    try ArchiveLayout.operationsFolder.appending("\(id).json")
  }

  private func write(_ operation: Operation) async throws {
    try await lake.writeAll(
      ReportJSON.bytes(operation), to: path(operation.id), temporary: ArchiveLayout.newTemporaryPath(),
      condition: .always)
  }
}
