import Essentials
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Postgres

/// Gives one password first and another when that was refused, as a source of tokens does.
private final class RenewingPassword: PasswordProvider {
  let first: Secret?
  let second: Result<Secret?, any Error>
  let refused = Mutex<[Secret]>([])

  init(_ first: String?, then second: Result<Secret?, any Error>) {
    self.first = first.map { Secret($0) }
    self.second = second
  }

  func password(for target: PostgresTarget) -> Secret? { first }

  func password(for target: PostgresTarget, replacing refused: Secret) throws -> Secret? {
    self.refused.withLock { $0.append(refused) }
    return try second.get()
  }

  func note(on refused: Secret, for target: PostgresTarget) -> String? { "note on \(target.user)" }
}

/// One after the other: they change the password of one role, and count what the server logs.
@Suite("Sign-in with passwords and tokens", .serialized) struct SignInTests {
  private static let started = Task { try await PostgresServer(plainMethod: "password") }

  /// The server, whose role signs in with this password in clear text, as Azure's asks for tokens.
  private func server(password: String) async throws -> PostgresServer {
    let server = try await Self.started.value
    try await server.psql("postgres", "ALTER ROLE plain PASSWORD '\(password)'")
    return server
  }

  private func refusals(_ server: PostgresServer) throws -> Int {
    let log = try String(contentsOfFile: server.socketDirectory + "/log", encoding: .utf8)
    return log.components(separatedBy: "FATAL:  password authentication failed").count - 1
  }

  private func pool(_ server: PostgresServer, _ passwords: RenewingPassword) -> ConnectionPool {
    ConnectionPool(target: server.target(user: server.plainUser), passwords: passwords, maximum: 1)
  }

  @Test("A refused password is renewed once")
  func aRefusedPasswordIsRenewedOnce() async throws {
    // As long as tokens are.
    let token = String(repeating: "t0-", count: 1024)
    let server = try await server(password: token)
    let before = try refusals(server)
    let passwords = RenewingPassword("stale", then: .success(Secret(token)))
    let pool = pool(server, passwords)
    let user = try await pool.withConnection {
      try await $0.query("SELECT current_user AS u").rows[0].decode("u", as: String.self)
    }
    #expect(user == server.plainUser)
    #expect(passwords.refused.withLock { $0 } == [Secret("stale")])
    #expect(try refusals(server) == before + 1)
    await pool.close()
  }

  @Test("Two refusals are one error, with its note")
  func twoRefusalsAreOneErrorWithItsNote() async throws {
    let server = try await server(password: "right")
    let before = try refusals(server)
    let passwords = RenewingPassword("hunter2", then: .success(Secret("hunter3")))
    let pool = pool(server, passwords)
    let error = await #expect(throws: PostgresError.self) { try await pool.withConnection { _ in } }
    let text = error.map { "\($0)" } ?? ""
    #expect(error?.sqlState == "28P01")
    #expect(text.hasSuffix("note on plain"))
    #expect(!text.contains("hunter"))
    #expect(passwords.refused.withLock { $0.count } == 1)
    #expect(try refusals(server) == before + 2)
    await pool.close()
  }

  @Test("Without another password there is no second attempt")
  func withoutAnotherPasswordThereIsNoSecondAttempt() async throws {
    struct Down: Error, CustomStringConvertible { let description = "the issuer is down" }
    let server = try await server(password: "right")
    for (second, text) in [
      (Result<Secret?, any Error>.success(nil), "note on plain"), (.success(Secret("hunter2")), "note on plain"),
      (.failure(Down()), "the issuer is down"),
    ] {
      let before = try refusals(server)
      let pool = pool(server, RenewingPassword("hunter2", then: second))
      let error = await #expect(throws: PostgresError.self) { try await pool.withConnection { _ in } }
      #expect(error.map { "\($0)".hasSuffix(text) } == true, "\(error as Any)")
      #expect(try refusals(server) == before + 1)
      await pool.close()
    }
  }

  @Test("A fixed password is tried once")
  func aFixedPasswordIsTriedOnce() async throws {
    let server = try await server(password: "right")
    let before = try refusals(server)
    let pool = ConnectionPool(
      target: server.target(user: server.plainUser), passwords: FixedPassword(Secret("wrong")), maximum: 1)
    await #expect(throws: PostgresError.self) { try await pool.withConnection { _ in } }
    #expect(try refusals(server) == before + 1)
    await pool.close()
  }

  @Test("An open session outlives its password")
  func anOpenSessionOutlivesItsPassword() async throws {
    let server = try await server(password: "token")
    let passwords = RenewingPassword("token", then: .success(nil))
    let pool = pool(server, passwords)
    let first = try await pool.withConnection { await $0.backendProcessID }
    // The token runs out: the server would take it for no new session.
    try await server.psql("postgres", "ALTER ROLE plain PASSWORD 'another'")
    let second = try await pool.withConnection { connection in
      _ = try await connection.query("SELECT 1")
      return await connection.backendProcessID
    }
    #expect(first == second)
    await pool.close()
  }

  @Test(
    "Without a checked certificate only a server of this machine is known",
    arguments: [
      ("/run/postgresql", true), ("localhost", true), ("127.0.0.1", true), ("::1", true),
      ("127.1.2.3,LOCALHOST.", true),
      ("db.example", false), ("127.0.0.1,db.example", false), ("localhost.evil.example", false),
      ("127.evil.example", false),
      ("", false), ("127.0.0.1.evil.example", false),
    ])
  func onlyThisMachineIsKnownWithoutACertificate(host: String, isLocal: Bool) {
    for mode in PostgresTarget.SSLMode.allCases {
      let target = PostgresTarget(host: host, database: "d", user: "u", sslMode: mode)
      #expect(target.knowsServer == (isLocal || mode == .verifyFull || mode == .verifyCA))
    }
  }
}
