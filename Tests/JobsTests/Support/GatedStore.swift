import Lake
import Synchronization

/// Holds up whoever passes it until it is opened, or the one who waits is cancelled.
final class Gate: Sendable {
  private let stream: AsyncStream<Void>
  private let opener: AsyncStream<Void>.Continuation
  private let reached = Mutex(false)

  init() {
    (stream, opener) = AsyncStream.makeStream()
  }

  /// Whether somebody has come.
  var isReached: Bool { reached.withLock { $0 } }

  func open() { opener.finish() }

  func pass() async throws {
    reached.withLock { $0 = true }
    for await _ in stream {}
    try Task.checkCancellation()
  }
}

/// A store in which appends wait at a gate.
struct GatedStore: LakeStore {
  let base: any LakeStore
  let gate: Gate

  var displayURL: String { base.displayURL }

  func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    GatedWriter(base: try await base.makeWriter(temporary: temporary), gate: gate)
  }
  func openReader(_ path: LakePath) async throws -> any LakeReader {
    GatedReader(base: try await base.openReader(path), gate: gate)
  }
  func properties(of path: LakePath) async throws -> LakeEntry? { try await base.properties(of: path) }
  func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage {
    try await base.listPage(under: folder, recursive: recursive, continuation: continuation)
  }
  func delete(_ path: LakePath) async throws { try await base.delete(path) }
}

private final class GatedWriter: LakeWriter {
  let base: any LakeWriter
  let gate: Gate

  init(base: any LakeWriter, gate: Gate) {
    self.base = base
    self.gate = gate
  }

  func append(_ bytes: [UInt8]) async throws {
    try await base.append(bytes)
    try await gate.pass()
  }
  func close() async throws -> LakeFileDigest { try await base.close() }
  func publish(as path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry {
    try await base.publish(as: path, condition: condition)
  }
  func discard() async -> LakePath? { await base.discard() }
}

private final class GatedReader: LakeReader {
  let base: any LakeReader
  let gate: Gate
  /// The first read passes: a load stands in its COPY when it waits.
  private let reads = Atomic(0)

  init(base: any LakeReader, gate: Gate) {
    self.base = base
    self.gate = gate
  }

  var entry: LakeEntry { base.entry }

  func read(maxBytes: Int) async throws -> [UInt8] {
    let isArchive = entry.path.name.hasSuffix(".gz")
    if isArchive, reads.add(1, ordering: .relaxed).oldValue > 0 { try await gate.pass() }
    return try await base.read(maxBytes: isArchive ? min(maxBytes, 4096) : maxBytes)
  }
  func close() async { await base.close() }
}

/// A store in which an archive's last rename waits at a gate.
final class PublishGateStore: LakeStore {
  let base: any LakeStore
  let gate = Gate()

  init(base: any LakeStore) {
    self.base = base
  }

  var displayURL: String { base.displayURL }

  func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    Writer(base: try await base.makeWriter(temporary: temporary), gate: gate)
  }
  func openReader(_ path: LakePath) async throws -> any LakeReader { try await base.openReader(path) }
  func properties(of path: LakePath) async throws -> LakeEntry? { try await base.properties(of: path) }
  func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage {
    try await base.listPage(under: folder, recursive: recursive, continuation: continuation)
  }
  func delete(_ path: LakePath) async throws { try await base.delete(path) }

  private final class Writer: LakeWriter {
    let base: any LakeWriter
    let gate: Gate

    init(base: any LakeWriter, gate: Gate) {
      self.base = base
      self.gate = gate
    }

    func append(_ bytes: [UInt8]) async throws { try await base.append(bytes) }
    func close() async throws -> LakeFileDigest { try await base.close() }
    func publish(as path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry {
      if path.name.hasSuffix(".gz") { try await gate.pass() }
      return try await base.publish(as: path, condition: condition)
    }
    func discard() async -> LakePath? { await base.discard() }
  }
}
