import Reporting
import Synchronization

/// Checks whether the database, the lake and the token service answer, within ``patience`` for all of them. It has a
/// connection of its own, so that jobs that occupy the whole pool do not fail the check. The result is cached for
/// ``life``, so that frequent probes cause no load.
package actor ReadinessProbe {
  /// How long a result is cached.
  package static let life = Duration.seconds(3)
  /// How long all checks together may take. With it the answer is there within 2 s.
  package static let patience = Duration.milliseconds(1_800)

  private let checks: [ReadinessCheck]
  private let now: @Sendable () -> ContinuousClock.Instant
  private let patience: Duration
  private var last: (task: Task<Readiness, Never>, end: ContinuousClock.Instant?)?
  /// Questions without an answer yet, by the check's name. One that hangs, on a dead mount for instance, is not asked a
  /// second time.
  private var open: [String: Task<Readiness.Check, Never>] = [:]

  package init(
    _ checks: [ReadinessCheck], patience: Duration = ReadinessProbe.patience,
    now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.checks = checks
    self.patience = patience
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
    for task in open.values { task.cancel() }
    for check in checks { await check.close() }
  }

  private func answer(of task: Task<Readiness, Never>) async -> Readiness {
    let answer = FirstAnswer<Readiness>()
    Task { answer.give(await task.value) }
    let names = checks.map(\.name)
    return await withTaskCancellationHandler {
      await answer.wait()
    } onCancel: {
      answer.give(Readiness(Dictionary(names.map { ($0, .failed(.noAnswer)) }) { first, _ in first }))
    }
  }

  private func run() async -> Readiness {
    let questions = checks.map { (check: $0, task: question($0)) }
    return await withTaskGroup(of: (String, Readiness.Check).self) { group in
      for (check, task) in questions {
        group.addTask { [patience] in (check.name, await Self.answer(of: task, to: check, within: patience)) }
      }
      var results: [String: Readiness.Check] = [:]
      for await (name, result) in group { results[name] = result }
      return Readiness(results)
    }
  }

  /// The question of a check that is under way, or a new one.
  private func question(_ check: ReadinessCheck) -> Task<Readiness.Check, Never> {
    if let task = open[check.name] { return task }
    let task = Task {
      let result = await Self.ask(check)
      open[check.name] = nil
      return result
    }
    open[check.name] = task
    return task
  }

  private static func ask(_ check: ReadinessCheck) async -> Readiness.Check {
    do {
      try await check.ask()
      return Readiness.Check(status: "ok", code: nil)
    } catch is CancellationError {
      return .failed(.noAnswer)
    } catch {
      return failed(check, JobError(cause: error))
    }
  }

  /// The answer, or `no_answer` after `patience`. It does not wait for a question that cannot be cancelled.
  private static func answer(
    of task: Task<Readiness.Check, Never>, to check: ReadinessCheck, within patience: Duration
  ) async -> Readiness.Check {
    let answer = FirstAnswer<Readiness.Check?>()
    let waiter = Task { answer.give(await task.value) }
    let timer = Task {
      guard (try? await Task.sleep(for: patience)) != nil else { return }
      answer.give(nil)
    }
    defer {
      waiter.cancel()
      timer.cancel()
    }
    if let result = await answer.wait() { return result }
    task.cancel()
    return failed(check, JobError(.noAnswer, "the check got no answer within \(patience)"))
  }

  private static func failed(_ check: ReadinessCheck, _ error: JobError) -> Readiness.Check {
    Log.write(.warning, "not ready", ["check": check.name, "code": error.code.rawValue, "reason": error.message])
    return .failed(check.code(of: error))
  }
}

extension Readiness.Check {
  fileprivate static func failed(_ code: JobErrorCode) -> Readiness.Check {
    Readiness.Check(status: "failed", code: code.rawValue)
  }
}

/// Passes the first of several answers to the one who waits.
private final class FirstAnswer<Answer: Sendable>: Sendable {
  private struct State {
    var answer: Answer?
    var waiter: CheckedContinuation<Answer, Never>?
  }

  private let state = Mutex(State())

  func give(_ answer: Answer) {
    let waiter = state.withLock { state -> CheckedContinuation<Answer, Never>? in
      guard state.answer == nil else { return nil }
      state.answer = .some(answer)
      return state.waiter
    }
    waiter?.resume(returning: answer)
  }

  func wait() async -> Answer {
    await withCheckedContinuation { continuation in
      let answer = state.withLock { state in
        if state.answer == nil { state.waiter = continuation }
        return state.answer
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }
}
