import Essentials
import Foundation
import HTTPClient
import Identity
import LakeEmulator
import Synchronization
import Testing

@testable import Lake

@Suite("What a lake needs to be opened")
struct LakePlaceTests {
  private struct NotWanted: Error {}

  private static let key = Data("a key of the account".utf8).base64EncodedString()

  /// Resources that fail when they are asked for.
  private func nothing(_ options: LakeOptions = LakeOptions(), hasIdentity: Bool = false) -> LakeResources {
    LakeResources(
      options: options, hasIdentity: hasIdentity, transport: { _ in throw NotWanted() }, tokens: { throw NotWanted() })
  }

  private func options(_ string: String?, _ authentication: LakeOptions.Authentication? = nil) -> LakeOptions {
    var options = LakeOptions()
    options.connectionString = string.map { Secret($0) }
    options.authentication = authentication
    return options
  }

  @Test("A folder is opened without a transport or a token, and does not look at Azure's variable")
  func folder() async throws {
    try await withLake { _, folder in
      let address = try LakeAddress(parsing: "file://\(folder)/new")
      let resources = nothing(options("nonsense", .connectionString))
      try address.lake.check(resources.options)
      #expect(address.lake.tokenScope(resources) == nil)
      await #expect(throws: LakeError.self) { try await address.open(resources) }
      let store = try await address.open(resources, creating: true)
      #expect(store.displayURL == address.displayURL)
      #expect(contents(of: folder) == ["new"])
    }
  }

  @Test("A folder is made where it is missing; a filesystem is its administrator's to make")
  func making() async throws {
    try await withLake { _, folder in
      let address = try LakeAddress(parsing: "file://\(folder)/a/b")
      #expect(try await address.lake.make())
      #expect(try await !address.lake.make())
      #expect(contents(of: folder) == ["a", "a/b"])
    }
    #expect(try await !LakeAddress(parsing: "abfss://files@acct.dfs.core.windows.net").lake.make())
  }

  @Test(
    "A key is for its own account; there LAKE_AUTH decides, else whether the environment tells of an identity",
    arguments: [
      (nil, nil, false, true), ("acct", nil, false, false), ("acct", nil, true, true), ("acct", .entra, false, true),
      ("acct", .connectionString, true, false), ("other", nil, false, true), ("other", .connectionString, false, true),
    ] as [(String?, LakeOptions.Authentication?, Bool, Bool)])
  func tokenOrKey(
    account: String?, authentication: LakeOptions.Authentication?, hasIdentity: Bool, usesToken: Bool
  ) async throws {
    let string = account.map { "AccountName=\($0);AccountKey=\(Self.key)" }
    let address = try LakeAddress(parsing: "abfss://files@acct.dfs.core.windows.net/root")
    let asked = Mutex(0)
    let resources = LakeResources(
      options: options(string, authentication), hasIdentity: hasIdentity, transport: { _ in try HTTPClient() },
      tokens: {
        asked.withLock { $0 += 1 }
        throw NotWanted()
      })
    #expect(address.lake.tokenScope(resources) == (usesToken ? "https://storage.azure.com/.default" : nil))
    let store = try? await address.open(resources) as? ADLSStore
    #expect((store == nil) == usesToken)
    #expect(asked.withLock { $0 } == (usesToken ? 1 : 0))
    if let store {
      #expect(store.displayURL == address.displayURL)
      #expect(store.client.credential.kind == "key")
    }
  }

  @Test("A connection string is checked before the lake is opened, and its error repeats nothing of it")
  func checkedString() throws {
    let lake = try LakeAddress(parsing: "abfss://files@acct.dfs.core.windows.net/root").lake
    try lake.check(options("AccountName=acct;AccountKey=\(Self.key)", .connectionString))
    try lake.check(options("AccountName=other;AccountKey=\(Self.key)"))
    for (string, authentication, reason) in [
      ("AccountName=acct;AccountKey=hunter2!", nil, "its AccountKey is not base64"),
      ("AccountName=other;AccountKey=\(Self.key)", .connectionString, "it is for the account other"),
      (nil, .connectionString, "LAKE_URL, acct, since LAKE_AUTH is connection_string; it is not set"),
    ] as [(String?, LakeOptions.Authentication?, String)] {
      let error = #expect(throws: LakeSettingError.self) { try lake.check(options(string, authentication)) }
      #expect(error?.setting == "AZURE_STORAGE_CONNECTION_STRING")
      #expect(error?.reason.contains(reason) == true, "\(error as Any)")
      #expect(error?.reason.contains("hunter2") == false && error?.reason.contains(Self.key) == false)
    }
  }

  @Test("The options reach the store, and its events reach the program")
  func events() async throws {
    var settings = EmulatorOptions()
    settings.filesystems = ["lake"]
    let emulator = try Emulator(settings)
    var options = LakeOptions()
    options.appendBytes = 65_536
    options.appendsInFlight = 2
    options.stallSeconds = 7
    options.retrySeconds = 11
    options.rootsFile = "/roots.pem"
    let seen = Mutex<[String]>([])
    let resources = LakeResources(
      options: options,
      transport: { file in
        seen.withLock { $0.append("transport \(file ?? "none")") }
        return try HTTPClient()
      }, tokens: { EmulatorTokens(emulator) },
      onEvent: { event in
        if case .retry(let retry) = event { seen.withLock { $0.append("retry \(retry.operation)") } }
      })
    let address = try LakeAddress(parsing: "http://127.0.0.1:\(emulator.port)/sluicetest/lake/root")
    let store = try #require(try await address.open(resources) as? ADLSStore)
    _ = try await address.lake.open(root: nil, resources, creating: false)
    #expect(store.options.appendBytes == 65_536 && store.options.appendsInFlight == 2)
    #expect(store.options.limits.stall == .seconds(7) && store.options.retries.budget == .seconds(11))
    emulator.setFaults([Fault(.operationTimedOut, on: .create, .first(1))])
    try await store.writeAll([1], to: at("d/f"), temporary: at("t"), condition: .ifAbsent)
    #expect(emulator.content(filesystem: "lake", path: "root/d/f") == [1])
    #expect(seen.withLock { $0 } == ["transport /roots.pem", "retry creating the file"])
  }

  @Test("No two kinds of lake serve one scheme or declare one setting, and each declares a form")
  func kinds() {
    let schemes = LakeProviders.all.flatMap { $0.schemes }
    #expect(Set(schemes).count == schemes.count)
    let settings = LakeProviders.settings.map(\.name)
    #expect(Set(settings).count == settings.count)
    for kind in LakeProviders.all {
      #expect(!kind.forms.isEmpty && !kind.schemes.isEmpty)
      #expect(kind.schemes.allSatisfy { $0.utf8.allSatisfy { !(0x41...0x5A).contains($0) } })
      #expect(kind.settings.allSatisfy { !$0.summary.isEmpty && !$0.summary.hasSuffix(".") })
    }
  }
}
