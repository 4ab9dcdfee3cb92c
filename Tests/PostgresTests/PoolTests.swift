import Essentials
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Postgres

/// Counts how often a password is asked for.
private final class CountingPassword: PasswordProvider {
  let asked = Atomic<Int>(0)

  func password(for target: PostgresTarget) -> Secret? {
    asked.add(1, ordering: .relaxed)
    return nil
  }
}

/// Keeps whoever asks waiting until it is told to give.
private final class WithheldPassword: PasswordProvider {
  private let gate = AsyncStream.makeStream(of: Void.self)

  func password(for target: PostgresTarget) async -> Secret? {
    for await _ in gate.stream {}
    return nil
  }

  func give() { gate.continuation.finish() }
}

@Suite("A connection pool") struct PoolTests {
  @Test("A connection that is handed out and comes back makes no timer each time")
  func timers() async throws {
    let pool = ConnectionPool(
      target: try await PostgresServer.shared.target(), passwords: CountingPassword(), maximum: 1)
    for _ in 0..<100 { try await pool.withConnection { _ = try await $0.query("SELECT 1") } }
    #expect(await pool.timersMade <= 2)
    await pool.close()
  }

  @Test("Many callers share few connections")
  func manyCallersShareFewConnections() async throws {
    let server = try await PostgresServer.shared
    let passwords = CountingPassword()
    let pool = ConnectionPool(target: server.target(), passwords: passwords, maximum: 3)
    let processes = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<40 {
        group.addTask {
          try await pool.withConnection { connection in
            try await connection.query("SELECT pg_backend_pid() AS pid").rows[0].decode("pid", as: Int.self)
          }
        }
      }
      return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
    }
    #expect((1...3).contains(processes.count))
    // One for each connection; on a busy machine the last may come when all callers have been served.
    #expect((processes.count...3).contains(passwords.asked.load(ordering: .relaxed)))
    await pool.close()
  }

  @Test("A connection that the server closed is replaced")
  func aConnectionTheServerClosedIsReplaced() async throws {
    let server = try await PostgresServer.shared
    let pool = ConnectionPool(target: server.target(), passwords: FixedPassword(nil), maximum: 1)
    let first = try await pool.withConnection { await $0.backendProcessID }
    try await server.psql("postgres", "SELECT pg_terminate_backend(\(first))")
    try await eventually {
      try await server.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE pid = \(first)") == "0"
    }
    let second = try await pool.withConnection {
      try await $0.query("SELECT pg_backend_pid() AS pid").rows[0].decode("pid", as: Int.self)
    }
    #expect(first != second)
    await pool.close()
  }

  @Test("An open transaction is rolled back before the next caller")
  func anOpenTransactionIsRolledBackBeforeTheNextCaller() async throws {
    let server = try await PostgresServer.shared
    let database = try await server.makeDatabase()
    let pool = ConnectionPool(target: server.target(database), passwords: FixedPassword(nil), maximum: 1)
    try await pool.withConnection { connection in
      try await connection.query("CREATE TABLE t (n int)")
      try await connection.query("BEGIN")
      try await connection.query("INSERT INTO t VALUES (1)")
    }
    let count = try await pool.withConnection {
      try await $0.query("SELECT count(*) AS n FROM t").rows[0].decode("n", as: Int.self)
    }
    #expect(count == 0)
    await pool.close()
  }

  @Test("Waiting for a connection ends at the limit")
  func waitingForAConnectionEndsAtTheLimit() async throws {
    // A connection that never comes about: its password is not given before the caller has stopped waiting.
    let target = PostgresTarget(host: "127.0.0.1", port: 1, database: "d", user: "u", sslMode: .disable)
    let passwords = WithheldPassword()
    let pool = ConnectionPool(target: target, passwords: passwords, maximum: 1, waitLimit: .milliseconds(20))
    let error = await #expect(throws: PostgresError.self) { try await pool.withConnection { _ in } }
    guard case .poolTimeout(target, 0.02) = error else { return #expect(Bool(false), "\(error as Any)") }
    passwords.give()
    await pool.close()
  }

  @Test("A connection made with the caller's own password is not kept")
  func aConnectionWithTheCallersOwnPasswordIsNotKept() async throws {
    let server = try await PostgresServer.shared
    let pools = ConnectionPools(passwords: FixedPassword(nil), maximum: 2)
    let target = server.target(user: server.plainUser)
    try await pools.withConnection(to: target, ownPassword: Secret(server.plainPassword)) {
      _ = try await $0.query("SELECT 1")
    }
    // The settings' own identity has no password for that role: the former caller's connection must not serve it.
    await #expect(throws: PostgresError.self) { try await pools.withConnection(to: target) { _ in } }
    await pools.close()
  }
}
