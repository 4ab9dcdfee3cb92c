import Foundation
import Glibc
import Synchronization

@testable import Lake

/// A folder that goes with the test, and a lake in it.
func withLake<Result>(
  pageSize: Int = 1000, mounting mount: String? = nil, options: FolderOptions = FolderOptions(),
  _ body: (_ store: FolderStore, _ folder: String) async throws -> Result
) async throws -> Result {
  let folder = NSTemporaryDirectory() + "lake-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  if let mount { try SystemError.check { Glibc.mount("tmpfs", folder, "tmpfs", 0, mount) } }
  defer {
    if mount != nil { umount2(folder, 2 /* MNT_DETACH of sys/mount.h */) }
    try? FileManager.default.removeItem(atPath: folder)
  }
  return try await body(try await FolderStore(root: folder, options: options, pageSize: pageSize), folder)
}

/// The files and folders below `folder`, by their paths from there, sorted.
func contents(of folder: String) -> [String] {
  (FileManager.default.enumerator(atPath: folder)?.allObjects as? [String] ?? []).sorted()
}

/// The bytes of a file, read behind the store's back.
func bytes(_ file: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
}

/// The error that an operation ends with; nil when it succeeds.
func lakeError(_ body: () async throws -> Void) async -> LakeError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? LakeError
  }
}

/// The path written as `text`; a malformed one in a test ends the run.
func at(_ text: String) -> LakePath {
  do {
    return try LakePath(text)
  } catch {
    preconditionFailure(error.description)
  }
}

extension FolderStore {
  /// A closed file at a temporary path.
  func closedWriter(_ content: String, at temporary: String) async throws -> any LakeWriter {
    let writer = try await makeWriter(temporary: at(temporary))
    try await writer.append(Array(content.utf8))
    _ = try await writer.close()
    return writer
  }

  /// Puts a small file in place.
  @discardableResult
  func put(_ content: String, at path: String) async throws -> LakeEntry {
    try await writeAll(Array(content.utf8), to: at(path), temporary: at("_put/\(UUID())"), condition: .always)
  }

  /// The content of a small file.
  func text(at path: String) async throws -> String {
    String(decoding: try await readAll(at(path), limit: 1 << 20), as: UTF8.self)
  }
}

/// A number that several tasks count up.
final class Count: Sendable {
  private let number = Mutex(0)
  var value: Int { number.withLock { $0 } }
  func add() { number.withLock { $0 += 1 } }
}
