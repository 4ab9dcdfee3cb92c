import Foundation

/// `/_emulator/...`: requests that control the emulator itself; like all of it on loopback alone, and without
/// credentials.
struct Control {
  let core: EmulatorCore

  /// - Throws: ``ServiceError`` for what is not an order; ``ConnectionLoss``.
  func answer(_ head: RequestHead, _ name: String, _ body: RequestBody) throws -> Answer {
    switch (head.method, name) {
    case ("PUT", "faults"):
      do {
        core.faults.set(try Fault.list(json: body.collect()))
      } catch let error as EmulatorError {
        throw ServiceError(400, "InvalidInput", error.description)
      }
      return .json(200, [:])
    case ("GET", "journal"): return try encoded(core.journal.entries)
    case ("DELETE", "journal"):
      core.journal.reset()
      return .json(200, [:])
    case ("GET", "files"): return try encoded(core.storage.files())
    case ("PUT", "files"): return try files(body)
    case ("PUT", "tokens"): return try tokens(body)
    case (_, "faults"), (_, "journal"), (_, "files"), (_, "tokens"):
      throw ServiceError(
        405, "UnsupportedHttpVerb", "PUT faults, GET and DELETE journal, GET and PUT files, and PUT tokens are served.")
    default:
      throw ServiceError(404, "ResourceNotFound", "The emulator's orders are faults, journal, files and tokens.")
    }
  }

  /// `{"filesystem": "lake", "files": {"path": "content"}}`: files that are there from now on, for readers alone.
  private func files(_ body: RequestBody) throws -> Answer {
    guard let order = try? JSONSerialization.jsonObject(with: Data(body.collect(limit: 64 << 20))) as? [String: Any],
      let filesystem = order["filesystem"] as? String, let files = order["files"] as? [String: String]
    else {
      throw ServiceError(
        400, "InvalidInput", "files: expected {\"filesystem\": name, \"files\": {path: content}}.")
    }
    try core.storage.put(files, in: filesystem)
    return .json(200, [:])
  }

  /// `{"lifetime": seconds}` for tokens from now on, `{"revoke": true}` for those that were issued.
  private func tokens(_ body: RequestBody) throws -> Answer {
    let refusal = ServiceError(
      400, "InvalidInput", "tokens: expected {\"lifetime\": seconds above 0} or {\"revoke\": true}, or both.")
    guard let order = try? JSONSerialization.jsonObject(with: Data(body.collect())) as? [String: Any], !order.isEmpty,
      order.keys.allSatisfy(["lifetime", "revoke"].contains)
    else { throw refusal }
    if let value = order["lifetime"] {
      guard let seconds = value as? Double, seconds > 0 else { throw refusal }
      core.issuer.setLifetime(seconds)
    }
    if let value = order["revoke"] {
      guard value as? Bool == true else { throw refusal }
      core.issuer.revokeAll()
    }
    return .json(200, [:])
  }

  private func encoded(_ value: some Encodable) throws -> Answer {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return Answer(200, [("Content-Type", "application/json")], body: .bytes(Array(try encoder.encode(value))))
  }
}
