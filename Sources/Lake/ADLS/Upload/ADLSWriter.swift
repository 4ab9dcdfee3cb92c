import Essentials
import HTTPClient

/// One new file of an ``ADLSStore``: pieces are cut and digested on a queue of its own, and a few are in flight at a
/// time.
actor ADLSWriter: LakeWriter {
  private enum State {
    case writing
    case failed(any Error)
    case closed(LakeEntry, LakeFileDigest)
    case published
    case discarded
  }

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  private let executor = QueueExecutor(label: "sluice.lake.upload")
  private let client: ADLSClient
  private let temporary: LakePath
  private var state = State.writing
  private var cutter: AppendCutter
  private var window: AppendWindow
  private var hasher = SHA256Hasher()
  private var appends: [Int: Task<Void, Never>] = [:]
  private var waiters: [CheckedContinuation<Void, Never>] = []

  /// Makes the file; leaves none behind when it throws.
  static func start(_ temporary: LakePath, client: ADLSClient, options: ADLSOptions) async throws -> ADLSWriter {
    try Task.checkCancellation()
    try await client.create(temporary)
    return ADLSWriter(temporary, client: client, options: options)
  }

  private init(_ temporary: LakePath, client: ADLSClient, options: ADLSOptions) {
    self.client = client
    self.temporary = temporary
    cutter = AppendCutter(size: options.appendBytes)
    window = AppendWindow(maximum: options.appendsInFlight, firstSize: options.appendBytes)
  }

  func append(_ bytes: [UInt8]) async throws {
    try Task.checkCancellation()
    try checkWriting("appending")
    hasher.update(bytes)
    for piece in cutter.take(bytes) { try await start(piece) }
  }

  func close() async throws -> LakeFileDigest {
    if case .closed(_, let digest) = state { return digest }
    try checkWriting("closing")
    do {
      if let piece = cutter.takeRest() { try await start(piece) }
      // An append that arrives after the flush would leave uncommitted data behind the end.
      try await wait { $0.window.inFlight == 0 }
      let entry = try await client.flush(temporary, length: cutter.length)
      let digest = LakeFileDigest(length: cutter.length, sha256: hasher.finish(), etag: entry.etag)
      state = .closed(entry, digest)
      return digest
    } catch {
      fail(error)
      throw error
    }
  }

  func publish(as path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry {
    try Task.checkCancellation()
    let source: LakeEntry
    switch state {
    case .closed(let entry, _): source = entry
    case .failed(let failure): throw failure
    case .writing, .published, .discarded: throw LakeError.outOfOrder(temporary, operation: "publishing")
    }
    // A rename that has begun is completed: if it were cancelled, its outcome would be unknown.
    let client = client
    let entry = try await CancellationGrace.carryOn {
      try await client.rename(source, to: path, condition: condition)
    }
    state = .published
    return entry
  }

  func discard() async -> LakePath? {
    switch state {
    case .published, .discarded: return nil
    case .writing, .failed, .closed: break
    }
    state = .discarded
    for task in appends.values { task.cancel() }
    // An append that arrives after the delete fails, but one that is in flight can keep the file busy.
    for task in appends.values { await task.value }
    let client = client.forCleanUp
    let temporary = temporary
    do {
      try await CancellationGrace.cleanUp { _ = try await client.delete(temporary) }
      return nil
    } catch {
      return temporary
    }
  }

  private func checkWriting(_ operation: String) throws {
    switch state {
    case .writing: return
    case .failed(let failure): throw failure
    case .closed, .published, .discarded: throw LakeError.outOfOrder(temporary, operation: operation)
    }
  }

  /// Sends a piece when the window has room for it.
  private func start(_ piece: AppendCutter.Piece) async throws {
    guard cutter.pieces <= AppendCutter.maximumPieces else {
      fail(LakeError.fileTooLarge(temporary))
      throw LakeError.fileTooLarge(temporary)
    }
    let md5 = MD5.base64(piece.bytes)
    try await wait { !$0.window.isFull(forSize: piece.bytes.count) }
    window.started()
    appends[piece.position] = Task {
      do {
        try await client.append(piece, md5: md5, to: temporary) { await self.throttled() }
        ended(piece.position, nil)
      } catch {
        ended(piece.position, error)
      }
    }
  }

  /// Waits until `isReady` holds; throws what an append has failed with, or `CancellationError`.
  private func wait(_ isReady: (isolated ADLSWriter) -> Bool) async throws {
    while true {
      try checkWriting("appending")
      try Task.checkCancellation()
      if isReady(self) { return }
      await withTaskCancellationHandler {
        await withCheckedContinuation { waiters.append($0) }
      } onCancel: {
        Task { await self.wake() }
      }
    }
  }

  private func ended(_ position: Int, _ error: (any Error)?) {
    appends[position] = nil
    window.ended(well: error == nil)
    if let error { fail(error) }
    wake()
  }

  private func throttled() { window.throttled() }

  /// Keeps the first failure, which is the cause of the others.
  private func fail(_ error: any Error) {
    if case .writing = state { state = .failed(error) }
  }

  private func wake() {
    let woken = waiters
    waiters = []
    for waiter in woken { waiter.resume() }
  }
}
