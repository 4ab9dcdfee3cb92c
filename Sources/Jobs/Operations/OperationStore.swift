import Archive
import Essentials
package import Foundation
package import Lake
package import Reporting

/// Long jobs that one HTTP call starts and others query.
///
/// Each has a document in the lake, `_sluice/operations/<id>.json`, which is rewritten while the job runs, so that
/// another instance, or the next process, can report its status.
package actor OperationStore {
  /// Seconds between two writes of a running operation's document.
  package static let interval: TimeInterval = 10
  /// Seconds without a write after which a running operation counts as interrupted.
  package static let silence: TimeInterval = 60
  /// The maximum length of a document: a report of 11,000 table-days.
  package static let maximumBytes = 32 << 20

  struct Running {
    var operation: Operation
    let progress: JobProgress
    /// Writes the document for the first time. The caller learns of the operation after that.
    let firstWrite: Task<Void, any Error>
    let task: Task<Void, Never>
    /// The job has ended, and its last document is being written.
    var isEnding = false
    /// A caller has cancelled the operation.
    var isCancelled = false
    /// The etag of the document of a queued operation: it is written only while it is this attempt's. Nil for an operation of
    /// this process alone.
    var etag: String?
    /// Writes the status `interrupted` when the shutdown stops waiting for the job. If the job still ends, its last
    /// document is written afterwards.
    var interruption: Task<Void, Never>?
  }

  /// Seconds between the attempts to write an operation's last document.
  package static let retryWaits: [Double] = [0.1, 0.5, 2, 5, 10, 20, 40]

  /// Documents that are written at the same time, at most. A shutdown may cancel a thousand jobs at once, and as many
  /// connections to the lake would take longer than a few that are used again.
  static let writesAtOnce = 32

  /// The time limit for writing the status `interrupted` of all jobs at shutdown.
  package static let lastNotes: Duration = .milliseconds(700)

  let lake: any LakeStore
  let now: @Sendable () -> Date
  var running: [String: Running] = [:]
  /// Ended operations whose last document could not be written, the newest last. This process can still report them.
  var unwritten: [Operation] = []
  private(set) var isClosed = false
  private var waiters: [CheckedContinuation<Void, Never>] = []
  private let writes = Permits(writesAtOnce)

  package init(lake: any LakeStore, now: @escaping @Sendable () -> Date = { Date() }) {
    self.lake = lake
    self.now = now
  }

  /// Starts `job` and returns its operation once the first document is in the lake.
  ///
  /// ``shutDown(grace:cleanup:)`` waits for every job that was started before it, including one whose first document is
  /// still being written; later ones are refused.
  /// - Throws: ``JobError`` `shutting_down`; ``LakeError`` when the document cannot be written.
  package func start(
    kind: String, _ job: @escaping @Sendable (JobProgress) async throws -> OperationOutcome
  ) async throws -> Operation {
    guard !isClosed else {
      throw JobError(.shuttingDown, "the program is shutting down; send the request again in a minute")
    }
    let operation = Operation(id: Self.newID(), kind: kind, status: .running, at: now())
    let progress = JobProgress()
    let firstWrite = Task { () -> Void in _ = try await write(operation) }
    let task = Task {
      do {
        try await firstWrite.value
        await run(operation.id, progress, job)
      } catch {
        // `start` throws this error to its caller.
      }
      forget(operation.id)
    }
    running[operation.id] = Running(operation: operation, progress: progress, firstWrite: firstWrite, task: task)
    try await firstWrite.value
    return operation
  }

  /// Refuses new operations, lets running ones continue for `grace`, then cancels them and waits until they have
  /// cleaned up, for at most `cleanup`; without a limit when it is nil. The documents of operations that have not ended
  /// by then get the status `interrupted`.
  /// - Returns: the ids of the operations that have not ended.
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
      operation.firstWrite.cancel()
      operation.task.cancel()
    }
  }

  /// Writes the status `interrupted` of the operations that have not ended, within ``lastNotes``.
  private func giveUp() {
    var notes: [Task<Void, Never>] = []
    for (id, current) in running where !current.isEnding {
      var operation = Self.present(current.operation, current.progress, now())
      operation.status = .interrupted
      Log.write(.error, "an operation did not end in time", ["operation": id, "kind": operation.kind])
      let last = operation
      let note = Task { () -> Void in try? await put(last) }
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

  func forget(_ id: String) {
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
    let outcome: Result<OperationOutcome, any Error> = await writingProgress(id) {
      do { return .success(try await job(progress)) } catch { return .failure(error) }
    }
    await finish(id, outcome)
  }

  /// Runs `body` and writes the progress of operation `id` meanwhile.
  func writingProgress<Value: Sendable>(_ id: String, _ body: @Sendable () async -> Value) async -> Value {
    let writer = Task {
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(Self.interval))
        if !Task.isCancelled { await noteProgress(id) }
      }
    }
    let value = await body()
    writer.cancel()
    await writer.value
    return value
  }

  func noteProgress(_ id: String) async {
    guard let current = running[id] else { return }
    // A failed write does not stop the job; the next write follows soon.
    try? await put(Self.present(current.operation, current.progress, now()))
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
    await noteEnd(id, operation)
  }

  /// Writes the last document of operation `id`.
  func noteEnd(_ id: String, _ operation: Operation) async {
    running[id]?.isEnding = true
    await running[id]?.interruption?.value
    // In a task of its own, so that it is written also when the job's task was cancelled.
    await Task { await noteEnd(operation) }.value
  }

  private func noteEnd(_ operation: Operation) async {
    for wait in Self.retryWaits + [0] {
      do {
        return try await put(operation)
      } catch is TakenOver {
        Log.write(
          .warning, "the end of an attempt is not recorded: another worker has taken up its operation",
          ["operation": operation.id, "status": operation.status.rawValue])
        return
      } catch {
        guard wait > 0 else {
          Log.write(
            .error, "the last document of an operation could not be written to the lake",
            ["operation": operation.id, "status": operation.status.rawValue, "reason": error])
          unwritten = unwritten.suffix(99) + [operation]
          return
        }
        try? await Task.sleep(for: .seconds(wait))
      }
    }
  }

  static func present(_ operation: Operation, _ progress: JobProgress, _ now: Date) -> Operation {
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

  func path(_ id: String) throws -> LakePath {
    try ArchiveLayout.operationsFolder.appending("\(id).json")
  }

  /// A new operation's id.
  static func newID() -> String { UUID().uuidString.asciiLowercased() }

  /// - Returns: the document's new etag.
  @discardableResult
  func write(_ operation: Operation, condition: LakePublishCondition = .always) async throws -> String {
    let bytes = try ReportJSON.bytes(operation)
    let path = try path(operation.id)
    return try await writes.withPermit { [lake] in
      try await lake.writeAll(
        bytes, to: path, temporary: ArchiveLayout.newTemporaryPath(), condition: condition
      ).etag
    }
  }
}
