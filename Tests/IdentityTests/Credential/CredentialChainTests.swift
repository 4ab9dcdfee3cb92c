import Essentials
import Foundation
import HTTPClient
import Synchronization
import TestSupport
import Testing

@testable import Identity

@Suite("Credential chain")
struct CredentialChainTests {
  let scope: TokenScope
  let token = AccessToken(Secret("t"), expires: .distantFuture)

  init() throws { scope = try TokenScope("https://storage.azure.com/.default") }

  @Test("The first that delivers is kept, and its failures show: nobody else is asked any more")
  func kept() async throws {
    let first = StubCredential.unavailable("A")
    let second = StubCredential("B", clientID: "c") { [token] _, number in
      guard number == 1 else { throw IdentityError(.unavailable, member: "B", "gone") }
      return token
    }
    let third = StubCredential("C") { [token] _, _ in token }
    let chain = CredentialChain([first, second, third])
    #expect(chain.serving == nil)
    _ = try await chain.token(for: scope)
    #expect(chain.serving == CredentialIdentity(member: "B", clientID: "c"))
    let error = await #expect(throws: IdentityError.self) { try await chain.token(for: scope) }
    #expect(error?.member == "B")
    let counts: [Int] = [first.count, second.count, third.count]
    #expect(counts == [1, 2, 0])
  }

  @Test("A member that is set up and fails ends the chain with its error")
  func stops() async throws {
    let failure = IdentityError(.refused, member: "A", "wrong secret")
    let second = StubCredential { [token] _, _ in token }
    let chain = CredentialChain([StubCredential("A") { _, _ in throw failure }, second])
    let error = await #expect(throws: IdentityError.self) { try await chain.token(for: scope) }
    #expect(error == failure)
    #expect(second.count == 0)
  }

  @Test("When none is available the error lists every member in order, why, and what to set")
  func none() async throws {
    let chain = CredentialChain([
      .unavailable("A", "a is missing") as StubCredential, StubCredential.unavailable("B", "b is missing"),
      StubCredential("C", isDeveloperTool: true) { _, _ in throw IdentityError(.refused, member: "C", "c broke") },
    ])
    let thrown = await #expect(throws: IdentityError.self) { try await chain.token(for: scope) }
    let error = try #require(thrown)
    #expect(error.attempts.map(\.member) == ["A", "B", "C"])
    #expect(error.description.contains("(1) A: a is missing; (2) B: b is missing; (3) C: c broke"))
    #expect(error.description.contains("AZURE_CLIENT_ID"))
    #expect(!error.description.contains("\n"))
  }

  @Test("The choice is reported once, with who was passed over and why")
  func choice() async throws {
    let told = Mutex<[[IdentityError.Attempt]]>([])
    let chain = CredentialChain(
      [StubCredential.unavailable("A", "AZURE_TENANT_ID not set"), StubCredential("B") { [token] _, _ in token }]
    ) { identity, passedOver in
      #expect(identity?.member == "B")
      told.withLock { $0.append(passedOver) }
    }
    for _ in 0..<2 { _ = try await chain.token(for: scope) }
    #expect(told.withLock { $0 } == [[IdentityError.Attempt(member: "A", reason: "AZURE_TENANT_ID not set")]])
  }

  @Test("Two scopes asked for at once get tokens of one identity")
  func oneIdentity() async throws {
    let gate = Gate()
    let database = try TokenScope("https://db/.default")
    // The first member is troubled only while the first scope is asked for.
    let first = StubCredential("A") { _, number in
      if number == 1 { throw IdentityError(.unavailable, member: "A", "not yet") }
      return AccessToken(Secret("a"), expires: .distantFuture)
    }
    let second = StubCredential("B") { _, number in
      if number == 1 { try await gate.pass() }
      return AccessToken(Secret("b"), expires: .distantFuture)
    }
    let chain = CredentialChain([first, second])
    async let slow = chain.token(for: scope)
    try await eventually { second.count == 1 }
    #expect(try await chain.token(for: database).secret.reveal() == "a")
    gate.open()
    #expect(try await slow.secret.reveal() == "a")
  }

  @Test("Cancelling the caller cancels the member that is asked")
  func cancelled() async throws {
    let chain = CredentialChain([StubCredential { _, _ in throw CancellationError() }])
    await #expect(throws: CancellationError.self) { try await chain.token(for: scope) }
  }

  @Test(
    "AZURE_TOKEN_CREDENTIALS chooses the members",
    arguments: [
      (nil, "EnvironmentCredential WorkloadIdentityCredential ManagedIdentityCredential AzureCliCredential"),
      ("prod", "EnvironmentCredential WorkloadIdentityCredential ManagedIdentityCredential"),
      ("DEV", "AzureCliCredential"), ("managedidentitycredential", "ManagedIdentityCredential"),
      ("AzureCliCredential", "AzureCliCredential"),
    ])
  func selection(setting: String?, members: String) async throws {
    let selection = try CredentialSelection(setting)
    #expect(selection.members.map(\.rawValue).joined(separator: " ") == members)
    let error = #expect(throws: IdentityError.self) { try CredentialSelection("VisualStudioCodeCredential") }
    #expect(error?.code == .badSetting)
    #expect(error?.description.contains("AZURE_TOKEN_CREDENTIALS") == true)
  }

  @Test("With nothing set up every member says so, in the order of the vendor's libraries")
  func bare() async throws {
    let transport = ScriptedTransport([.failure(.timedOut(.connect, host: "169.254.169.254", seconds: 1))])
    let chain = try DefaultCredential.chain(
      environment: [:], transport: transport, command: CommandRunner { _ in .notStarted(reason: "") })
    let error = await #expect(throws: IdentityError.self) { try await chain.token(for: scope) }
    #expect(
      error?.attempts.map(\.member) == [
        "EnvironmentCredential", "WorkloadIdentityCredential", "ManagedIdentityCredential", "AzureCliCredential",
      ])
    #expect(transport.requests.count == 1)
  }
}
