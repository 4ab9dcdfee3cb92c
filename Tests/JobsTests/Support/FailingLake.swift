import Lake
import Synchronization

/// A lake that goes down with one of its requests that change something, and stays down. The request itself is refused,
/// or is done while its answer is lost.
final class FailingLake: LakeStore {
  private let base: any LakeStore
  /// The number of the request that fails, from 1; nil only counts.
  private let failing: Int?
  /// Whether the request that fails is done.
  private let isDone: Bool
  private let made = Mutex(0)

  init(_ base: any LakeStore, failing: Int?, isDone: Bool = false) {
    self.base = base
    self.failing = failing
    self.isDone = isDone
  }

  /// Requests so far that change something.
  var count: Int { made.withLock { $0 } }

  private func isDown() -> Bool { failing.map { count >= $0 } ?? false }

  private static func down(_ path: LakePath) -> LakeError {
    .unavailable(path, operation: "reaching the lake", reason: "it is down")
  }

  /// One request that changes something at `path`.
  private func change<Value: Sendable>(
    _ path: LakePath, lost: (LakePath) -> LakeError = FailingLake.down, _ body: () async throws -> Value
  ) async throws -> Value {
    let number = made.withLock { made in
      made += 1
      return made
    }
    guard let failing, number >= failing else { return try await body() }
    guard number == failing, isDone else { throw Self.down(path) }
    _ = try await body()
    throw lost(path)
  }

  var displayURL: String { base.displayURL }

  func makeWriter(temporary: LakePath) async throws -> any LakeWriter {
    Writer(try await change(temporary) { try await base.makeWriter(temporary: temporary) }, temporary, self)
  }

  func openReader(_ path: LakePath) async throws -> any LakeReader {
    guard !isDown() else { throw Self.down(path) }
    return try await base.openReader(path)
  }

  func properties(of path: LakePath) async throws -> LakeEntry? {
    guard !isDown() else { throw Self.down(path) }
    return try await base.properties(of: path)
  }

  func listPage(under folder: LakePath?, recursive: Bool, continuation: String?) async throws -> LakePage {
    guard !isDown() else { throw LakeError.rootUnavailable("the lake", reason: "it is down") }
    return try await base.listPage(under: folder, recursive: recursive, continuation: continuation)
  }

  func probe() async throws {
    guard !isDown() else { throw LakeError.rootUnavailable("the lake", reason: "it is down") }
    try await base.probe()
  }

  func delete(_ path: LakePath) async throws { try await change(path) { try await base.delete(path) } }

  private final class Writer: LakeWriter {
    let base: any LakeWriter
    let temporary: LakePath
    let lake: FailingLake

    init(_ base: any LakeWriter, _ temporary: LakePath, _ lake: FailingLake) {
      self.base = base
      self.temporary = temporary
      self.lake = lake
    }

    func append(_ bytes: [UInt8]) async throws {
      try await lake.change(temporary) { try await base.append(bytes) }
    }

    func close() async throws -> LakeFileDigest { try await lake.change(temporary) { try await base.close() } }

    func publish(as path: LakePath, condition: LakePublishCondition) async throws -> LakeEntry {
      try await lake.change(
        path, lost: { .outcomeUnknown($0, operation: "renaming a file to it", reason: "the lake is down") }
      ) { try await base.publish(as: path, condition: condition) }
    }

    func discard() async -> LakePath? {
      do {
        return try await lake.change(temporary) { await base.discard() }
      } catch {
        return temporary
      }
    }
  }
}
