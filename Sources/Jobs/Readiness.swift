package import Database
package import Lake
package import Postgres
import Reporting
import Synchronization

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

/// One question to something that jobs need.
package struct ReadinessCheck: Sendable {
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

  /// Lists the root of the lake.
  package static func lake(_ lake: any LakeStore) -> ReadinessCheck {
    ReadinessCheck("lake") { _ = try await lake.listPage(under: nil, recursive: false, continuation: nil) }
  }
}

/// Checks whether the database, the lake and the token service answer. It has a connection of its own, so that jobs
/// that occupy the whole pool do not fail the check. The result is cached for ``life``, so that frequent probes cause
/// no load.
package actor ReadinessProbe {
  /// How long a result is cached.
  package static let life = Duration.seconds(3)
  /// The time limit of one check, in seconds.
  static let patience: Double = 10

  private let checks: [ReadinessCheck]
  private let now: @Sendable () -> ContinuousClock.Instant
  private var last: (task: Task<Readiness, Never>, end: ContinuousClock.Instant?)?

  package init(
    _ checks: [ReadinessCheck], now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.checks = checks
    self.now = now
  }

  /// Runs all checks concurrently, or returns the cached result. A caller that is cancelled does not wait for it.
  package func readiness() async -> Readiness {
    if let last, last.end.map({ now() < $0 }) ?? true { return await answer(of: last.task) }
    // A task of its own: the caller that starts it may be cancelled while others wait for the same result.
    let task = Task {
      let readiness = await run()
      last?.end = now() + Self.life
      return readiness
    }
    last = (task, nil)
    return await answer(of: task)
  }

  package func close() async {
    for check in checks { await check.close() }
  }

  private func answer(of task: Task<Readiness, Never>) async -> Readiness {
    let answer = FirstAnswer()
    Task { answer.give(await task.value) }
    let cancelled = Readiness.Check(status: "failed", code: JobErrorCode.cancelled.rawValue)
    let names = checks.map(\.name)
    return await withTaskCancellationHandler {
      await answer.wait()
    } onCancel: {
      answer.give(Readiness(Dictionary(names.map { ($0, cancelled) }) { first, _ in first }))
    }
  }

  private nonisolated func run() async -> Readiness {
    await withTaskGroup(of: (String, Readiness.Check).self) { group in
      for check in checks { group.addTask { (check.name, await Self.run(check)) } }
      var results: [String: Readiness.Check] = [:]
      for await (name, result) in group { results[name] = result }
      return Readiness(results)
    }
  }

  private static func run(_ check: ReadinessCheck) async -> Readiness.Check {
    await withTaskGroup(of: Readiness.Check?.self) { group in
      group.addTask {
        do {
          try await check.ask()
          return Readiness.Check(status: "ok", code: nil)
        } catch is CancellationError {
          return nil
        } catch {
          return failed(check.name, JobError(cause: error))
        }
      }
      group.addTask {
        try? await Task.sleep(for: .seconds(patience))
        if Task.isCancelled { return nil }
        return failed(check.name, JobError(.noAnswer, "the check got no answer within \(Int(patience)) s"))
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

extension Readiness {
  fileprivate init(_ checks: [String: Check]) {
    let isReady = checks.values.allSatisfy { $0.status == "ok" }
    self.init(status: isReady ? "ok" : "failed", version: Program.version, checks: checks)
  }
}

/// Passes the first of several answers to the one who waits.
private final class FirstAnswer: Sendable {
  private struct State {
    var answer: Readiness?
    var waiter: CheckedContinuation<Readiness, Never>?
  }

  private let state = Mutex(State())

  func give(_ answer: Readiness) {
    let waiter = state.withLock { state -> CheckedContinuation<Readiness, Never>? in
      guard state.answer == nil else { return nil }
      state.answer = answer
      return state.waiter
    }
    waiter?.resume(returning: answer)
  }

  func wait() async -> Readiness {
    await withCheckedContinuation { continuation in
      let answer = state.withLock { state in
        if state.answer == nil { state.waiter = continuation }
        return state.answer
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }
}
