package import Database
package import Lake
package import Postgres
package import Reporting

/// Whether the program can reach the services that its jobs need.
package struct Readiness: Sendable, Encodable, Equatable {
  /// The result of one check.
  package struct Check: Sendable, Encodable, Equatable {
    /// `ok` or `failed`.
    package let status: String
    /// The stable code of the failure, one of ``ReadinessCheck/codes``. The error's text is only in the log: the route needs no sign-in, and the text
    /// names hosts and roles.
    package let code: String?
  }

  /// `ok` or `failed`.
  package let status: String
  package let version: String
  /// By name: `postgres`, `lake`, and `token` where one is needed. Absent in the answer about liveness.
  package let checks: [String: Check]?
  /// What the doctor found, in short; nil before its first run has ended. It does not count for ``status``.
  package var doctor: DoctorWatch.Findings?

  /// The answer about liveness, without checks.
  package static let alive = Readiness(status: "ok", version: Program.version, checks: nil)
}

/// One question to something that jobs need.
package struct ReadinessCheck: Sendable {
  /// The codes of its failures, by the name of the check. Another code is told as `internal`; the log has it.
  package static let codes: [String: Set<JobErrorCode>] = [
    "postgres": signIn.union([
      .notConfigured, .databaseUnavailable, .databaseSignInFailed, .databaseNotFound, .databaseBusy, .databaseError,
      .statementCancelled, .permissionDenied, .unverifiedServer,
    ]).union(always),
    "lake": signIn.union([.lakeUnavailable, .lakePermissionDenied, .lakeSignInFailed, .lakeError]).union(always),
    "token": signIn.union(always),
  ]
  private static let always: Set<JobErrorCode> = [.noAnswer, .internal]
  private static let signIn: Set<JobErrorCode> = [
    .badSetting, .invalidScope, .noCredential, .signInRefused, .signInUnreachable, .malformedAnswer,
  ]

  /// The key in the answer.
  package let name: String
  let ask: @Sendable () async throws -> Void
  let close: @Sendable () async -> Void

  /// - Parameters:
  ///   - close: releases what the check keeps.
  ///   - ask: throws when jobs would fail.
  package init(
    _ name: String, close: @escaping @Sendable () async -> Void = {}, ask: @escaping @Sendable () async throws -> Void
  ) {
    self.name = name
    self.close = close
    self.ask = ask
  }

  /// Asks the database server.
  /// - Parameter pools: connections that no job uses.
  package static func database(_ server: DatabaseServer, _ pools: ConnectionPools) -> ReadinessCheck {
    ReadinessCheck("postgres", close: { await pools.close() }) {
      try await pools.withQuestion(to: server.target()) { _ = try await $0.query("SELECT 1") }
    }
  }

  /// Asks for the root of the lake by one small request.
  package static func lake(_ lake: any LakeStore) -> ReadinessCheck {
    ReadinessCheck("lake") { try await lake.probe() }
  }

  /// The code by which a failure is told.
  func code(of error: JobError) -> JobErrorCode {
    guard let known = Self.codes[name], !known.contains(error.code) else { return error.code }
    return .internal
  }
}

extension Readiness {
  init(_ checks: [String: Check]) {
    let isReady = checks.values.allSatisfy { $0.status == "ok" }
    self.init(status: isReady ? "ok" : "failed", version: Program.version, checks: checks)
  }
}
