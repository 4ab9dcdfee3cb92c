package import Database
package import Lake
package import Postgres
import Reporting

/// Whether the program can do its work at this moment.
package struct Readiness: Sendable, Encodable, Equatable {
  /// One thing that was asked.
  package struct Check: Sendable, Encodable, Equatable {
    /// `ok` or `failed`.
    package let status: String
    /// The stable code of the failure. No more: whoever may not sign in may ask this too, and the words name hosts and
    /// roles. They are in the log.
    package let code: String?
  }

  /// `ok` or `failed`.
  package let status: String
  /// The program's version.
  package let version: String
  /// By name: `postgres`, `lake`, and `token` where one is needed. Absent when nothing was asked.
  package let checks: [String: Check]?

  /// Alive, and nothing asked.
  package static let alive = Readiness(status: "ok", version: Program.version, checks: nil)
}

/// Asks the database, the lake and the issuer of tokens whether they answer, with a connection of its own, so that jobs that
/// use up the pool make no service look broken. An answer serves all who ask within ``life``: a probe that asks every second,
/// from many places, costs nobody anything.
package actor ReadinessProbe {
  /// How long an answer serves.
  package static let life = Duration.seconds(3)
  /// Seconds one check may take.
  static let patience: Double = 10

  private let server: DatabaseServer
  private let pools: ConnectionPools
  private let lake: any LakeStore
  private let checkTokens: (@Sendable () async throws -> Void)?
  private let now: @Sendable () -> ContinuousClock.Instant
  private var last: (task: Task<Readiness, Never>, end: ContinuousClock.Instant?)?

  /// - Parameters:
  ///   - pools: connections that no job uses.
  ///   - checkTokens: asks for the tokens that the settings need; nil when they need none.
  package init(
    server: DatabaseServer, pools: ConnectionPools, lake: any LakeStore,
    checkTokens: (@Sendable () async throws -> Void)? = nil,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.server = server
    self.pools = pools
    self.lake = lake
    self.checkTokens = checkTokens
    self.now = now
  }

  /// The answer of all checks, side by side.
  package func readiness() async -> Readiness {
    if let last, last.end.map({ now() < $0 }) ?? true { return await last.task.value }
    // A task of its own: the first who asks may go away, the others wait for the same answer.
    let task = Task { await check() }
    last = (task, nil)
    let readiness = await task.value
    last = (task, now() + Self.life)
    return readiness
  }

  /// Closes the connection.
  package func close() async { await pools.close() }

  private nonisolated func check() async -> Readiness {
    async let postgres = check("postgres") {
      let target = try self.server.target()
      try await self.pools.withQuestion(to: target) { _ = try await $0.query("SELECT 1") }
    }
    async let lake = check("lake") {
      _ = try await self.lake.listPage(under: nil, recursive: false, continuation: nil)
    }
    async let token = tokenCheck()
    var checks = await ["postgres": postgres, "lake": lake]
    checks["token"] = await token
    let isReady = checks.values.allSatisfy { $0.status == "ok" }
    return Readiness(status: isReady ? "ok" : "failed", version: Program.version, checks: checks)
  }

  private nonisolated func tokenCheck() async -> Readiness.Check? {
    guard let checkTokens else { return nil }
    return await check("token", checkTokens)
  }

  private nonisolated func check(
    _ name: String, _ body: @escaping @Sendable () async throws -> Void
  ) async -> Readiness.Check {
    await withTaskGroup(of: Readiness.Check?.self) { group in
      group.addTask {
        do {
          try await body()
          return Readiness.Check(status: "ok", code: nil)
        } catch is CancellationError {
          return nil
        } catch {
          return Self.failed(name, JobError(cause: error))
        }
      }
      group.addTask {
        try? await Task.sleep(for: .seconds(Self.patience))
        if Task.isCancelled { return nil }
        return Self.failed(name, JobError(.noAnswer, "no answer within \(Int(Self.patience)) s"))
      }
      var result: Readiness.Check?
      for await check in group where result == nil {
        result = check
        group.cancelAll()
      }
      return result ?? Readiness.Check(status: "failed", code: JobErrorCode.cancelled.rawValue)
    }
  }

  private static func failed(_ name: String, _ error: JobError) -> Readiness.Check {
    Log.write(.warning, "not ready", ["check": name, "code": error.code.rawValue, "reason": error.message])
    return Readiness.Check(status: "failed", code: error.code.rawValue)
  }
}
