package import Database
package import Lake
package import Postgres
import Reporting

/// Whether the program can reach the services that its jobs need.
package struct Readiness: Sendable, Encodable, Equatable {
  /// The result of one check.
  package struct Check: Sendable, Encodable, Equatable {
    /// `ok` or `failed`.
    package let status: String
    /// The stable code of the failure. The error's text is only in the log: the route needs no sign-in, and the text
    /// names hosts and roles.
    package let code: String?
  }

  /// `ok` or `failed`.
  package let status: String
  package let version: String
  /// By name: `postgres`, `lake`, and `token` where one is needed. Absent in the answer about liveness.
  package let checks: [String: Check]?

  /// The answer about liveness, without checks.
  package static let alive = Readiness(status: "ok", version: Program.version, checks: nil)
}

/// Checks whether the database, the lake and the token service answer. It has a connection of its own, so that jobs
/// that occupy the whole pool do not fail the check. The result is cached for ``life``, so that frequent probes cause
/// no load.
package actor ReadinessProbe {
  /// How long a result is cached.
  package static let life = Duration.seconds(3)
  /// The time limit of one check, in seconds.
  static let patience: Double = 10

  private let server: DatabaseServer
  private let pools: ConnectionPools
  private let lake: any LakeStore
  private let checkTokens: (@Sendable () async throws -> Void)?
  private let now: @Sendable () -> ContinuousClock.Instant
  private var last: (task: Task<Readiness, Never>, end: ContinuousClock.Instant?)?

  /// - Parameters:
  ///   - pools: connections that no job uses.
  ///   - checkTokens: requests the tokens that the settings need; nil when they need none.
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

  /// Runs all checks concurrently, or returns the cached result.
  package func readiness() async -> Readiness {
    if let last, last.end.map({ now() < $0 }) ?? true { return await last.task.value }
    // A task of its own: the caller that starts it may be cancelled while others wait for the same result.
    let task = Task { await check() }
    last = (task, nil)
    let readiness = await task.value
    last = (task, now() + Self.life)
    return readiness
  }

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
        return Self.failed(name, JobError(.noAnswer, "the check got no answer within \(Int(Self.patience)) s"))
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
