import Lake
import Postgres

/// Whether the program can do its work at this moment.
public struct Readiness: Sendable, Encodable, Equatable {
  /// One thing that was asked.
  public struct Check: Sendable, Encodable, Equatable {
    /// `ok` or `failed`.
    public let status: String
    /// Why it failed.
    public let detail: String?
  }

  /// `ok` or `failed`.
  public let status: String
  /// The program's version.
  public let version: String
  /// By name: `postgres`, `lake`. Absent when nothing was asked.
  public let checks: [String: Check]?

  /// Made from its parts.
  public init(status: String, version: String, checks: [String: Check]?) {
    self.status = status
    self.version = version
    self.checks = checks
  }

  /// Seconds one check may take.
  static let patience: Double = 10

  /// Asks the database and the lake, side by side.
  public static func check(_ context: JobContext) async -> Readiness {
    async let postgres = check {
      let target = try context.settings.target()
      try await context.pools.withConnection(to: target) { _ = try await $0.query("SELECT 1") }
    }
    async let lake = check {
      _ = try await context.lake.listPage(under: nil, recursive: false, continuation: nil)
    }
    let checks = await ["postgres": postgres, "lake": lake]
    let isReady = checks.values.allSatisfy { $0.status == "ok" }
    return Readiness(status: isReady ? "ok" : "failed", version: Program.version, checks: checks)
  }

  private static func check(_ body: @escaping @Sendable () async throws -> Void) async -> Check {
    await withTaskGroup(of: Check?.self) { group in
      group.addTask {
        do {
          try await body()
          return Check(status: "ok", detail: nil)
        } catch is CancellationError {
          return nil
        } catch {
          return Check(status: "failed", detail: JobError(cause: error).message)
        }
      }
      group.addTask {
        try? await Task.sleep(for: .seconds(patience))
        return Task.isCancelled ? nil : Check(status: "failed", detail: "no answer within \(Int(patience)) s")
      }
      var result: Check?
      for await check in group where result == nil {
        result = check
        group.cancelAll()
      }
      return result ?? Check(status: "failed", detail: "the check was cancelled")
    }
  }
}
