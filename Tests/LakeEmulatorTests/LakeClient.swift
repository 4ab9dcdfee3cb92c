import Foundation
import LakeEmulator
import TestSupport

/// An emulator with a filesystem `lake`, and the calls a test makes to it.
struct LakeClient {
  let emulator: Emulator
  let token: String
  static let version = "2023-11-03"

  init(_ change: (inout EmulatorOptions) -> Void = { _ in }) throws {
    var options = EmulatorOptions()
    options.filesystems = ["lake"]
    change(&options)
    emulator = try Emulator(options)
    token = emulator.token()
  }

  /// Calls with a good token; a header given replaces the one that would be sent, and an empty one removes it.
  @discardableResult
  func call(
    _ method: String, _ target: String, _ headers: [String: String] = [:], body: String? = nil
  ) async throws -> HTTPAnswer {
    var all = ["authorization": "Bearer \(token)", "x-ms-version": Self.version]
    for (name, value) in headers { all[name.lowercased()] = value.isEmpty ? nil : value }
    let isWrite = method != "GET" && method != "HEAD"
    var call = HTTPCall(
      method, "/\(emulator.options.account)/\(target)", headers: all.map { (name: $0.key, value: $0.value) },
      body: body ?? (isWrite ? "" : nil))
    if headers["no-length"] != nil { call.body = nil }
    if method == "HEAD" { return try await head(call) }
    return try await call.send(port: emulator.port)
  }

  /// An answer to HEAD tells a length whose bytes do not come, which ``HTTPCall`` takes for a cut one.
  private func head(_ call: HTTPCall) async throws -> HTTPAnswer {
    let socket = try HTTPSocket(port: emulator.port)
    await socket.send(call.bytes)
    let text = String(decoding: try await socket.readToEnd(), as: UTF8.self)
    return try HTTPAnswer(Array(text.replacing("Content-Length:", with: "x-length:").utf8))
  }

  @discardableResult
  func create(_ path: String, _ headers: [String: String] = [:]) async throws -> HTTPAnswer {
    try await call("PUT", "lake/\(path)?resource=file", headers)
  }

  @discardableResult
  func append(
    _ path: String, _ text: String, at position: Int, _ headers: [String: String] = [:]
  ) async throws -> HTTPAnswer {
    try await call("PATCH", "lake/\(path)?action=append&position=\(position)", headers, body: text)
  }

  @discardableResult
  func flush(
    _ path: String, to position: Int, _ headers: [String: String] = [:], query: String = ""
  ) async throws -> HTTPAnswer {
    try await call("PATCH", "lake/\(path)?action=flush&position=\(position)\(query)", headers)
  }

  /// Makes a whole file, and gives its ETag.
  @discardableResult
  func write(_ path: String, _ text: String) async throws -> String {
    try await create(path)
    if !text.isEmpty {
      try await append(path, text, at: 0)
      try await flush(path, to: text.utf8.count)
    }
    return try await call("HEAD", "lake/\(path)").headers["etag"] ?? ""
  }

  func content(_ path: String) -> String? {
    emulator.content(filesystem: "lake", path: path).map { String(decoding: $0, as: UTF8.self) }
  }
}

extension HTTPAnswer {
  /// Status and error code, such as `404 PathNotFound`.
  var outcome: String { "\(status) \(headers["x-ms-error-code"] ?? "")".trimmingCharacters(in: .whitespaces) }

  /// The body's JSON object.
  var json: [String: Any] {
    (try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]) ?? [:]
  }
}
