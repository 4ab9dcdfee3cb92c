import Lake
import Postgres

/// Whether the program can do its work at this moment.
public struct Readiness: Sendable, Encodable, Equatable {
  /// One thing that was asked.
  public struct Check: Sendable, Encodable, Equatable {
    /// `ok` or `failed`.
    public let status: String
    /// The stable code of the failure. No more: whoever may not sign in may ask this too, and the words name hosts and
    /// roles. They are in the log.
    public let code: String?
  }

  /// `ok` or `failed`.
  public let status: String
  /// The program's version.
  public let version: String
  /// By name: `postgres`, `lake`, and `token` where one is needed. Absent when nothing was asked.
  public let checks: [String: Check]?

  /// Made from its parts.
  public init(status: String, version: String, checks: [String: Check]?) {
    self.status = status
    self.version = version
    self.checks = checks
  }

  /// Seconds one check may take.
  static let patience: Double = 10

  /// Asks the database, the lake and the issuer of tokens, side by side.
  public static func check(_ context: JobContext) async -> Readiness {
    async let postgres = check("postgres") {
      let target = try context.settings.target()
      try await context.pools.withQuestion(to: target) { _ = try await $0.query("SELECT 1") }
    }
    async let lake = check("lake") {
      _ = try await context.lake.listPage(under: nil, recursive: false, continuation: nil)
    }
    async let token = checkTokens(context)
    var checks = await ["postgres": postgres, "lake": lake]
    checks["token"] = await token
    let isReady = checks.values.allSatisfy { $0.status == "ok" }
    return Readiness(status: isReady ? "ok" : "failed", version: Program.version, checks: checks)
  }

  private static func checkTokens(_ context: JobContext) async -> Check? {
    guard let ask = context.checkTokens else { return nil }
    return await check("token", ask)
  }

  private static func check(_ name: String, _ body: @escaping @Sendable () async throws -> Void) async -> Check {
    await withTaskGroup(of: Check?.self) { group in
      group.addTask {
        do {
          try await body()
          return Check(status: "ok", code: nil)
        } catch is CancellationError {
          return nil
        } catch {
          return failed(name, JobError(cause: error))
        }
      }
      group.addTask {
        try? await Task.sleep(for: .seconds(patience))
        if Task.isCancelled { return nil }
        return failed(name, JobError(.unavailable, code: "no_answer", "no answer within \(Int(patience)) s"))
      }
      var result: Check?
      for await check in group where result == nil {
        result = check
        group.cancelAll()
      }
      return result ?? Check(status: "failed", code: "cancelled")
    }
  }

  private static func failed(_ name: String, _ error: JobError) -> Check {
    Log.write(.warning, "not ready", ["check": name, "code": error.code, "reason": error.message])
    return Check(status: "failed", code: error.code)
  }
}
