import Essentials
import Foundation
import HTTPClient
import Identity
import LakeEmulator
import TestSupport
import Testing

@testable import Lake

@Suite("ADLS store: credentials")
struct SignInTests {
  func emulator() throws -> Emulator {
    var options = EmulatorOptions()
    options.filesystems = ["lake"]
    return try Emulator(options)
  }

  /// An account SAS for all that a lake does, signed by openssl ("Create an account SAS", version 2020-12-06 and
  /// later).
  func accountSignature(_ emulator: Emulator) async throws -> String {
    let version = "2023-11-03"
    let expiry = Date.now.addingTimeInterval(600).formatted(.iso8601)
    let text = ["sluicetest", "rwdlac", "b", "sco", "", expiry, "", "https,http", version, ""].map { $0 + "\n" }
      .joined()
    let hex = (Data(base64Encoded: emulator.options.key) ?? Data()).map { String(format: "%02x", $0) }.joined()
    let signature = try await runChecked(
      "/bin/sh", ["-c", "openssl dgst -sha256 -mac HMAC -macopt hexkey:\(hex) -binary | base64 -w0"], input: text)
    let query = [
      ("sv", version), ("ss", "b"), ("srt", "sco"), ("sp", "rwdlac"), ("se", expiry), ("spr", "https,http"),
      ("sig", signature),
    ]
    return query.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
  }

  @Test("A token that the service rejects is replaced once, and the operation continues")
  func refreshed() async throws {
    let lake = try EmulatedLake()
    let writer = try await lake.store.makeWriter(temporary: at("t"))
    try await writer.append(noise(15_000))
    lake.emulator.revokeTokens()
    try await writer.append(noise(30_000))
    _ = try await writer.close()
    _ = try await writer.publish(as: at("a"), condition: .ifAbsent)
    #expect(lake.content("a") == noise(15_000) + noise(30_000))
    #expect(lake.tokens.replacements >= 1)
  }

  @Test("A new token that the service rejects too is a final error that says what to check")
  func refused() async throws {
    let emulator = try emulator()
    let tokens = EmulatorTokens(emulator, audience: "https://vault.azure.net")
    let store = try EmulatedLake.store(emulator, .bearer(tokens))
    let error = await lakeError { _ = try await store.properties(of: at("a")) }
    guard case .accessRefused(at("a"), operation: "reading the properties", let reason) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(reason.contains("does not accept this token"))
    #expect(tokens.replacements == 1)
  }

  @Test(
    "A missing role is a final error that names the role and the filesystem",
    arguments: [(EmulatorOperation.create, "Storage Blob Data Contributor"), (.properties, "Storage Blob Data Reader")])
  func forbidden(operation: EmulatorOperation, role: String) async throws {
    let lake = try EmulatedLake()
    lake.emulator.setFaults([Fault(.forbidden, on: operation)])
    let error = await lakeError {
      if operation == .create {
        try await lake.store.write([1], to: "a")
      } else {
        _ = try await lake.store.openReader(at("a"))
      }
    }
    let text = "\(error as Any)"
    #expect(text.contains("Grant the role \(role) on the filesystem lake of the account sluicetest"), "\(text)")
    #expect(lake.emulator.journal().operations[operation] == 1)
  }

  @Test("Without a token the lake says why, and sends no request")
  func noToken() async throws {
    struct NoTokens: TokenSource {
      func token(for scope: String) throws -> AccessToken { throw IdentityError(.noCredential, "nobody is signed in") }
      func token(for scope: String, replacing rejected: AccessToken) throws -> AccessToken { try token(for: scope) }
    }
    let emulator = try Emulator()
    let store = try EmulatedLake.store(emulator, .bearer(NoTokens()))
    let error = await lakeError { _ = try await store.properties(of: at("a")) }
    guard case .signInFailed(let reason) = error else {
      Issue.record("\(error as Any)")
      return
    }
    #expect(reason.contains("nobody is signed in"))
    #expect(emulator.journal().operations.isEmpty)
  }

  @Test("A redirect is refused, and nothing is sent to the other host")
  func redirect() async throws {
    let other = try Emulator()
    let lake = try EmulatedLake()
    lake.emulator.setFaults([
      Fault(.redirect, location: "http://127.0.0.1:\(other.port)/sluicetest/lake/a")
    ])
    for error in [
      await lakeError { try await lake.store.write([1], to: "a") },
      await lakeError { _ = try await lake.store.openReader(at("a")) },
    ] {
      guard case .io(_, _, let reason) = error else {
        Issue.record("\(error as Any)")
        continue
      }
      #expect(reason.contains("the service answers 307"))
    }
    #expect(other.journal().connections == 0)
  }

  @Test("A key and a signature serve as well as a token", arguments: ["key", "sas"])
  func connectionStrings(kind: String) async throws {
    let emulator = try emulator()
    let text =
      "AccountName=sluicetest;BlobEndpoint=http://127.0.0.1:\(emulator.port)/sluicetest;"
      + (kind == "key"
        ? "AccountKey=\(emulator.options.key)"
        : "SharedAccessSignature=\(try await accountSignature(emulator))")
    let string = try StorageConnectionString(parsing: text)
    let store = try EmulatedLake.store(emulator, string.credential)
    let content = noise(35_000)
    try await store.write(content, to: "db/ä b/a+%")
    #expect(try await store.read("db/ä b/a+%") == content)
    try await store.write(content, to: "db/ä b/a+%", condition: .always)
    #expect(try await store.listPage(under: at("db"), recursive: true, continuation: nil).entries.count == 3)
    try await store.delete(at("db/ä b/a+%"))
    #expect(emulator.journal().authorization == [kind == "key" ? "shared_key" : "account_sas"])
  }

  @Test("A wrong key is an error that says so without showing the key")
  func wrongKey() async throws {
    let emulator = try emulator()
    let key = Data("another key".utf8).base64EncodedString()
    let credential = ADLSCredential.sharedKey(try #require(SharedKey(account: "sluicetest", base64: key)))
    let store = try EmulatedLake.store(emulator, credential)
    let error = await lakeError { _ = try await store.properties(of: at("a")) }
    let text = "\(error as Any)"
    #expect(text.contains("the key is not accepted: 403 AuthenticationFailed"), "\(text)")
    #expect(!text.contains(key))
  }
}
