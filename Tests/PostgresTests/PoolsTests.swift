import Essentials
import Foundation
import TestSupport
import Testing

@testable import Postgres

@Suite("Connection pools by server, database and role") struct PoolsTests {
  @Test("Targets that nobody can connect to are forgotten, those in use are bounded and the oldest give way")
  func bounded() async throws {
    let server = try await PostgresServer.shared
    let pools = ConnectionPools(passwords: FixedPassword(nil), maximum: 2)
    for number in 1...5 {
      await #expect(throws: PostgresError.self) {
        try await pools.withConnection(to: server.target("absent_\(number)")) { _ in }
      }
    }
    #expect(await pools.targets.isEmpty)
    var databases: [String] = []
    for _ in 0...ConnectionPools.maximumTargets {
      let database = try await server.makeDatabase("pools")
      databases.append(database)
      try await pools.withConnection(to: server.target(database)) { _ = try await $0.query("SELECT 1") }
    }
    let targets = await pools.targets
    #expect(targets.count == ConnectionPools.maximumTargets)
    #expect(!targets.contains(server.target(databases[0])))
    #expect(targets.contains(server.target(databases[1])))
    await pools.close()
    try await eventually {
      try await server.psql("postgres", "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'pools\\_%'") == "0"
    }
    await #expect(throws: PostgresError.self) { try await pools.withConnection(to: server.target()) { _ in } }
  }

  @Test("A question has its answer while every connection of the pool is in use")
  func questions() async throws {
    let server = try await PostgresServer.shared
    let pools = ConnectionPools(passwords: FixedPassword(nil), maximum: 1)
    let pids = try await pools.withConnection(to: server.target()) { connection in
      let own = await connection.backendProcessID
      let asked = try await pools.withQuestion(to: server.target()) { await $0.backendProcessID }
      return (own, asked)
    }
    #expect(pids.0 != pids.1)
    await pools.close()
  }

  @Test("No more callers than a pool's size are connected with passwords of their own at a time")
  func ownPasswords() async throws {
    let server = try await PostgresServer.shared
    let pools = ConnectionPools(passwords: FixedPassword(nil), maximum: 2)
    let target = server.target(user: server.plainUser)
    let marker = "own-\(UUID().uuidString)"
    let calls = (1...6).map { _ in
      Task {
        try await pools.withConnection(to: target, ownPassword: Secret(server.plainPassword)) { connection in
          try await connection.query("SELECT pg_sleep(0.3) /* \(marker) */")
          return try await connection.query(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE usename = 'plain' AND query LIKE '%\(marker)%'"
          ).rows[0].decode("n", as: Int.self)
        }
      }
    }
    for call in calls { #expect(try await call.value <= 2) }
    await pools.close()
  }
}
