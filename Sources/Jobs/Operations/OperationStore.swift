import Archive
import Essentials
package import Foundation
package import Lake
package import Reporting

/// How an attempt at an operation ended.
package enum AttemptEnd: Sendable {
  /// The job has ended, and no other attempt follows.
  case ended(OperationOutcome)
  /// The job has failed, and no other attempt follows.
  case failed(JobError)
  /// Another attempt follows. What this one has done is its outcome, where it came so far.
  case again(JobError, soFar: OperationOutcome?)
}

/// Long jobs that one call starts and others query, cancel and resume.
///
/// Each has a document in the lake, `_sluice/operations/<id>.json`. The attempt that works on it renews its lease by rewriting the
/// document, so that another instance, or the next process, sees whether somebody is at work.
package actor OperationStore {
  /// Seconds between two writes of a running operation's document. A caller's wish to cancel it is seen then.
  package static let interval: TimeInterval = 8
  /// The maximum length of a document: a report of 11,000 table-days.
  package static let maximumBytes = 32 << 20

  struct Running {
    var operation: Operation
    let progress: JobProgress
    /// Gives the end of an operation that a caller has cancelled.
    let task: Task<Operation.State?, Never>
    /// Writes the document for the first time; nil where nobody waits for that.
    var firstWrite: Task<Void, any Error>?
    /// The etag of the document; nil before it was written.
    var etag: String?
    /// The job has ended, and its last document is being written.
    var isEnding = false
    /// A document is written at the end where the job does not succeed, also of a short one.
    var notesFailure = false
    /// A caller has cancelled the operation.
    var isCancelled = false
    /// The shutdown has cancelled the job.
    var isCutOff = false
    /// Writes the state `lost` when the shutdown stops waiting for the job. If the job still ends, its last document is written
    /// afterwards.
    var interruption: Task<Void, Never>?
  }

  /// Seconds between the attempts to write an operation's last document.
  package static let retryWaits: [Double] = [0.1, 0.5, 2, 5, 10, 20, 40]

  /// Documents that are written at the same time, at most. A shutdown may cancel a thousand jobs at once, and as many
  /// connections to the lake would take longer than a few that are used again.
  static let writesAtOnce = 32

  /// The time limit for writing the state `lost` of all jobs at shutdown.
  package static let lastNotes: Duration = .milliseconds(700)

  let lake: any LakeStore
  nonisolated let now: @Sendable () -> Date
  /// The owner of this store's leases: host and process.
  package nonisolated let instance: String
  let interval: TimeInterval
  let endLimit: Duration?
  var running: [String: Running] = [:]
  /// Ended operations whose last document could not be written, the newest last. This process can still report them.
  var unwritten: [Operation] = []
  private(set) var isClosed = false
  private var waiters: [CheckedContinuation<Void, Never>] = []
  private let writes = Permits(writesAtOnce)

  /// - Parameters:
  ///   - interval: seconds between two renewals; tests shorten it.
  ///   - endLimit: how long it tries to write an operation's last document, at most; for a program for whose end somebody waits.
  package init(
    lake: any LakeStore, instance: String = OperationStore.thisInstance,
    interval: TimeInterval = OperationStore.interval, endLimit: Duration? = nil,
    now: @escaping @Sendable () -> Date = { Date() }
  ) {
    self.lake = lake
    self.instance = instance
    self.interval = interval
    self.endLimit = endLimit
    self.now = now
  }

  /// The name of this process among instances.
  package static let thisInstance = "\(ProcessInfo.processInfo.hostName)/\(ProcessInfo.processInfo.processIdentifier)"

  /// Refuses new operations, lets running ones continue for `grace`, then cancels them and waits until they have
  /// cleaned up, for at most `cleanup`; without a limit when it is nil. The documents of operations that have not ended
  /// by then get the state `lost`.
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
    for (id, operation) in running {
      running[id]?.isCutOff = true
      operation.firstWrite?.cancel()
      operation.task.cancel()
    }
  }

  /// Writes the state `lost` of the operations that have not ended, within ``lastNotes``.
  private func giveUp() {
    var notes: [Task<Void, Never>] = []
    for (id, current) in running where !current.isEnding {
      Log.write(.error, "an operation did not end in time", ["operation": id, "kind": current.operation.kind])
      guard current.etag != nil, let lease = current.operation.state.lease else { continue }
      var operation = present(current)
      guard (try? operation.state.end(lease.id, as: .lost)) != nil else { continue }
      let (last, etag) = (operation, current.etag)
      let note = Task { () -> Void in
        // The attempt keeps its lease, so that the job's end can still be written.
        guard let written = try? await write(last, condition: etag.map { .ifMatch($0) } ?? .ifAbsent) else { return }
        running[id]?.etag = written
      }
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

  /// The operation with its progress.
  func present(_ current: Running) -> Operation {
    var copy = current.operation
    let reading = current.progress.reading
    copy.updatedAt = now()
    var members: [String: JSONValue] = [
      "rows": .integer(reading.rows), "csv_bytes": .integer(reading.csvBytes),
      "gzip_bytes": .integer(reading.gzipBytes), "finished": .integer(reading.finishedUnits),
      "table_days": .integer(reading.units), "subject": .string(reading.subject),
    ]
    if let waitsFor = reading.waitsFor { members["waits_for"] = .string(waitsFor) }
    if let fraction = reading.fraction { members["fraction"] = .number((fraction * 1000).rounded() / 1000) }
    copy.progress = .object(members)
    copy.finished = (current.operation.finished + current.progress.done).reduce(into: []) { list, name in
      if list.last != name { list.append(name) }
    }
    return copy
  }

  func path(_ id: String) throws -> LakePath {
    try ArchiveLayout.operationsFolder.appending("\(id).json")
  }

  /// A new operation's id: that of a later one is greater (RFC 9562, version 7).
  package nonisolated func newID() -> String {
    var random = SystemRandomNumberGenerator()
    let milliseconds = UInt64(max(0, now().timeIntervalSince1970 * 1000))
    func hex(_ value: UInt64, _ digits: Int) -> String {
      let text = String(value, radix: 16)
      return String(repeating: "0", count: max(0, digits - text.count)) + text.suffix(digits)
    }
    let time = hex(milliseconds, 12)
    let (first, second) = (random.next() as UInt64, random.next() as UInt64)
    return "\(time.prefix(8))-\(time.suffix(4))-7\(hex(first & 0xFFF, 3))-\(hex(0x8000 | (first >> 16) & 0x3FFF, 4))-"
      + hex(second & 0xFFFF_FFFF_FFFF, 12)
  }

  /// - Returns: the document's new etag.
  @discardableResult
  func write(_ operation: Operation, condition: LakePublishCondition) async throws -> String {
    let bytes = try ReportJSON.bytes(operation)
    let path = try path(operation.id)
    return try await writes.withPermit { [lake] in
      try await lake.writeAll(
        bytes, to: path, temporary: ArchiveLayout.newTemporaryPath(), condition: condition
      ).etag
    }
  }
}
