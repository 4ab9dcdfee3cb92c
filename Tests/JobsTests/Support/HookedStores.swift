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

extension HookedStore {
  /// Appends wait at a gate, those of the audit chain excepted, and so do an archive's reads after the first: a load stands in its
  /// COPY when it waits.
  static func gated(_ base: any LakeStore, _ gate: Gate) -> HookedStore {
    var store = HookedStore(base)
    store.append = { writer, bytes in
      try await writer.append(bytes)
      if !bytes.starts(with: "{\"action\":".utf8) { try await gate.pass() }
    }
    store.read = { reader, maxBytes, number in
      let isArchive = reader.entry.path.name.hasSuffix(".gz")
      if isArchive, number > 1 { try await gate.pass() }
      return try await reader.read(maxBytes: isArchive ? min(maxBytes, 4096) : maxBytes)
    }
    return store
  }

  /// An archive's last rename waits at a gate.
  static func publishingAtGate(_ base: any LakeStore, _ gate: Gate) -> HookedStore {
    var store = HookedStore(base)
    store.publish = { writer, path, condition in
      if path.name.hasSuffix(".gz") { try await gate.pass() }
      return try await writer.publish(as: path, condition: condition)
    }
    return store
  }

  /// Publishing at names that end in `suffix` is done, or not, and then told as `doubt` says.
  static func doubtful(
    _ base: any LakeStore, suffix: String, isDone: Bool, _ doubt: @escaping @Sendable (LakePath) -> LakeError
  ) -> HookedStore {
    var store = HookedStore(base)
    store.publish = { writer, path, condition in
      guard path.name.hasSuffix(suffix) else { return try await writer.publish(as: path, condition: condition) }
      if isDone { _ = try await writer.publish(as: path, condition: condition) }
      throw doubt(path)
    }
    return store
  }

  /// The last byte of what is appended is lost, without a word.
  static func losingAByte(_ base: any LakeStore) -> HookedStore {
    var store = HookedStore(base)
    store.append = { writer, bytes in try await writer.append(bytes.dropLast()) }
    return store
  }
}
