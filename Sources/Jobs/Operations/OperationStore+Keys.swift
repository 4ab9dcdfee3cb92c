import Archive
package import Essentials
import Foundation
import Lake
import Reporting

/// Calls with an `Idempotency-Key`: `_sluice/keys/<hash>.json` holds the operation of the first one.
extension OperationStore {
  /// What becomes of a call with a key.
  package enum Remembered: Sendable {
    /// It is the first one; its operation has this id.
    case first(String)
    /// The operation of the first one.
    case again(Operation)
  }

  /// Looks whether the key was sent before.
  ///
  /// The first process may have been killed before it wrote the operation's document: the call is then the first one again, with
  /// the same id.
  /// - Throws: ``JobError`` `idempotency_key_reused`; ``LakeError``.
  package func remember(_ key: String, asked kind: String, _ request: JSONValue) async throws -> Remembered {
    var hasher = SHA256Hasher()
    hasher.update(Array(key.utf8))
    let path = try ArchiveLayout.keysFolder.appending("\(hasher.finish().hex).json")
    hasher = SHA256Hasher()
    // A password is a part of the request, and of its hash alone.
    hasher.update(Array("\(kind)\u{0}\(request.compact)".utf8))
    let digest = hasher.finish().hex
    let id = newID()
    let note: JSONValue = .object(["operation": .string(id), "request": .string(digest)])
    do {
      try await lake.writeAll(
        ReportJSON.bytes(note), to: path, temporary: ArchiveLayout.newTemporaryPath(), condition: .ifAbsent)
      return .first(id)
    } catch LakeError.alreadyExists {
      let found = (try? JSONValue(parsing: try await lake.readAll(path, limit: 4096)))?.object
      guard let first = found?["operation"]?.string else {
        throw JobError(.lakeError, "what the lake has of the Idempotency-Key cannot be read; send another key")
      }
      if first == id { return .first(id) }
      guard found?["request"]?.string == digest else {
        throw JobError(
          .idempotencyKeyReused, "the key was sent before with another request; send a new key, or the same request",
          field: "Idempotency-Key")
      }
      do {
        return .again(try await operation(first))
      } catch let error as JobError where error.code == .operationNotFound {
        return .first(first)
      }
    }
  }
}
