import Essentials
import Foundation
import HTTPClient
import Identity
import LakeEmulator
import Synchronization

@testable import Lake

/// A lake in an emulator that goes with the test.
struct EmulatedLake {
  let emulator: Emulator
  let tokens: EmulatorTokens
  let store: ADLSStore

  /// `change` alters the store's options, which are small and quick by default.
  init(root: String? = "root", account: String = "sluicetest", _ change: (inout ADLSOptions) -> Void = { _ in }) throws
  {
    var settings = EmulatorOptions()
    settings.filesystems = ["lake"]
    emulator = try Emulator(settings)
    tokens = EmulatorTokens(emulator)
    store = try Self.store(emulator, .bearer(tokens), root: root, change)
  }

  static func store(
    _ emulator: Emulator, _ credential: ADLSCredential, root: String? = "root",
    _ change: (inout ADLSOptions) -> Void = { _ in }
  ) throws -> ADLSStore {
    var options = ADLSOptions()
    options.appendBytes = 10_000
    options.readBytes = 20_000
    options.pageSize = 3
    // Long: on a busy machine an answer that comes is late. A test of a stall gives a short one.
    options.limits.stall = .seconds(10)
    options.timer = .quick()
    change(&options)
    let location = ADLSLocation(
      host: "127.0.0.1", port: emulator.port, usesTLS: false, account: "sluicetest", accountIsInPath: true,
      filesystem: "lake", root: try root.map { try LakePath($0) })
    return ADLSStore(location, transport: try HTTPClient(), credential: credential, options: options)
  }

  /// Everything that is a file, with what is uncommitted.
  var files: [String] {
    emulator.files().filter { !$0.isDirectory }.map { $0.uncommitted == 0 ? $0.path : "\($0.path)+\($0.uncommitted)" }
      .sorted()
  }

  func content(_ path: String) -> [UInt8]? { emulator.content(filesystem: "lake", path: "root/\(path)") }
}

/// Gives the emulator's tokens and counts who asks.
final class EmulatorTokens: TokenSource {
  private let emulator: Emulator
  private let current: Mutex<AccessToken?> = Mutex(nil)
  private let replaced = Mutex(0)
  let audience: String

  /// How often a fresh one was asked for.
  var replacements: Int { replaced.withLock { $0 } }

  init(_ emulator: Emulator, audience: String = "https://storage.azure.com") {
    self.emulator = emulator
    self.audience = audience
  }

  func token(for scope: String) throws -> AccessToken {
    guard scope == "https://storage.azure.com/.default" else {
      throw IdentityError(.invalidScope, "the lake asked for \(scope)")
    }
    return current.withLock { held in
      let token = held ?? fresh()
      held = token
      return token
    }
  }

  func token(for scope: String, replacing rejected: AccessToken) throws -> AccessToken {
    replaced.withLock { $0 += 1 }
    current.withLock { if $0 == rejected { $0 = nil } }
    return try token(for: scope)
  }

  private func fresh() -> AccessToken {
    AccessToken(Secret(emulator.token(audience: audience)), expires: .distantFuture)
  }
}

extension RetryTimer {
  /// A clock that passes over the waits in a moment, and says that they took their time.
  static func quick() -> RetryTimer {
    let passedOver = Mutex(Duration.zero)
    let box = Box(passedOver)
    let start = ContinuousClock.now
    return RetryTimer(
      now: { ContinuousClock.now - start + box.value.withLock { $0 } },
      sleep: { wait in
        box.value.withLock { $0 += wait }
        try await Task.sleep(for: .milliseconds(1))
      },
      random: { Double.random(in: 0..<1) })
  }

  private final class Box: Sendable {
    let value: Mutex<Duration>
    init(_ value: consuming Mutex<Duration>) { self.value = value }
  }
}

/// Bytes without a pattern that a wrong place could hide in.
func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(truncatingIfNeeded: state >> 33)
  }
}

extension LakeStore {
  /// Writes `content` in steps of `step` bytes and publishes it; leaves nothing behind when it throws.
  @discardableResult
  func write(
    _ content: [UInt8], to path: String, step: Int = 3000, condition: LakePublishCondition = .ifAbsent
  ) async throws -> (LakeEntry, LakeFileDigest) {
    let writer = try await makeWriter(temporary: at("db/_sluice/tmp/\(UUID())"))
    do {
      for start in stride(from: 0, to: content.count, by: step) {
        try await writer.append(Array(content[start..<min(start + step, content.count)]))
      }
      let digest = try await writer.close()
      return (try await writer.publish(as: at(path), condition: condition), digest)
    } catch {
      await writer.discard()
      throw error
    }
  }

  /// Reads a file to its end in steps.
  func read(_ path: String, step: Int = 7000) async throws -> [UInt8] {
    let reader = try await openReader(at(path))
    var content: [UInt8] = []
    do {
      while case let bytes = try await reader.read(maxBytes: step), !bytes.isEmpty { content += bytes }
      await reader.close()
      return content
    } catch {
      await reader.close()
      throw error
    }
  }
}
