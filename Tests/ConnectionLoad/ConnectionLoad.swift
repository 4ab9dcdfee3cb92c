import Essentials
import Foundation
import Postgres
import Synchronization
import TestSupport

/// Opens and ends connections in every way there is, many at a time: what one short life of a session leaves behind
/// (a timer, a source, a callback) must do no harm to the next. `make sanitize` runs it.
///
/// `connection-load [--connections N] [--seconds S] [--callers N]`: ends after whichever of the two comes first, and prints
/// how often each thing happened. A server of its own is started, ended at once and started again every few seconds.
@main
struct ConnectionLoad {
  private struct Way: Sendable {
    let name: String
    let run: @Sendable (Site) async throws -> Void
  }

  struct Site: Sendable {
    let server: PostgresServer
    let pools: ConnectionPools

    func target(user: String? = nil, tls: Bool = false) -> PostgresTarget {
      PostgresTarget(
        host: "127.0.0.1", port: server.port, database: "postgres", user: user ?? server.superuser,
        sslMode: tls ? .require : .disable)
    }
  }

  private static let ways = [
    Way(name: "signed in") { try await query($0.target()) },
    Way(name: "signed in, TLS") { try await query($0.target(tls: true)) },
    Way(name: "refused") { site in
      await refused { try await query(site.target(user: "plain"), password: "wrong") }
    },
    Way(name: "refused, TLS") { site in
      await refused { try await query(site.target(user: "plain", tls: true), password: "wrong") }
    },
    Way(name: "ended by the server") { site in
      await refused {
        try await query(site.target(), "SELECT pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())")
      }
    },
    Way(name: "cancelled call") { site in
      let call = Task { try await query(site.target(), "SELECT pg_catalog.pg_sleep(20)") }
      try await Task.sleep(for: .milliseconds(Int.random(in: 0...20)))
      call.cancel()
      await refused { try await call.value }
    },
    Way(name: "pooled") { site in
      try await site.pools.withConnection(to: site.target()) { _ = try await $0.query("SELECT 1") }
    },
    Way(name: "let go") { site in
      // No close: the session goes with the last that holds it.
      _ = try await PostgresConnection.connect(to: site.target(), password: nil)
    },
  ]

  static func main() async throws {
    let limit = number("--connections") ?? 20_000
    let seconds = number("--seconds") ?? 3600
    let callers = number("--callers") ?? 12
    let folder = try TemporaryDirectory("load")
    let server = try await PostgresServer.withCertificate(in: folder)
    let site = Site(server: server, pools: ConnectionPools(passwords: FixedPassword(nil), maximum: 4))
    let tally = Tally(limit: limit)
    let end = ContinuousClock.now + .seconds(seconds)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<callers {
        group.addTask {
          while ContinuousClock.now < end, let number = tally.next() {
            let way = ways[number % ways.count]
            var name = way.name
            do {
              try await way.run(site)
            } catch is PostgresError {
              name = "server away"
            }
            tally.note(name)
          }
        }
      }
      let restarts = Task {
        while !Task.isCancelled {
          try await Task.sleep(for: .seconds(7))
          try await server.restart()
        }
      }
      try await group.waitForAll()
      restarts.cancel()
    }
    // What a session leaves behind comes at the latest when its time limit of 10 s is over.
    try await Task.sleep(for: .seconds(11))
    await site.pools.close()
    await server.stopAndWait()
    for (name, count) in tally.counts.sorted(by: { $0.key < $1.key }) { print("\(count) \(name)") }
  }

  private static func query(_ target: PostgresTarget, _ sql: String = "SELECT 1", password: String? = nil) async throws
  {
    let connection = try await PostgresConnection.connect(to: target, password: password.map { Secret($0) })
    do {
      try await connection.query(sql)
      await connection.close()
    } catch {
      await connection.close()
      throw error
    }
  }

  /// Runs what must fail.
  private static func refused(_ body: @Sendable () async throws -> Void) async {
    do {
      try await body()
      fatalError("what must fail has not")
    } catch {}
  }

  private static func number(_ option: String) -> Int? {
    guard let index = CommandLine.arguments.firstIndex(of: option), index + 1 < CommandLine.arguments.count else {
      return nil
    }
    return Int(CommandLine.arguments[index + 1])
  }
}

/// Numbers the connections and counts what became of them.
private final class Tally: Sendable {
  private let state: Mutex<(begun: Int, counts: [String: Int])>
  private let limit: Int

  init(limit: Int) {
    self.limit = limit
    state = Mutex((0, [:]))
  }

  var counts: [String: Int] { state.withLock { $0.counts } }

  /// The number of the next connection; nil after the last.
  func next() -> Int? {
    state.withLock { state in
      guard state.begun < limit else { return nil }
      state.begun += 1
      return state.begun
    }
  }

  func note(_ name: String) { state.withLock { $0.counts[name, default: 0] += 1 } }
}
