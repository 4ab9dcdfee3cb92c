import Synchronization

/// Limits how many tasks hold a permit at a time; the others wait in the order they came.
package final class Permits: Sendable {
  /// No permit became free within the time limit.
  package struct Timeout: Error {}

  /// A permit; it is given back by ``leave()``, or with the value.
  package final class Pass: Sendable {
    private let permits: Permits
    private let isOver = Atomic(false)

    fileprivate init(_ permits: Permits) {
      self.permits = permits
    }

    deinit { leave() }

    /// Gives the permit back; any further call does nothing.
    package func leave() {
      if !isOver.exchange(true, ordering: .relaxed) { permits.letNextIn() }
    }
  }

  private struct State {
    var free: Int
    var nextNumber = 0
    var waiters: [(number: Int, continuation: CheckedContinuation<Void, any Error>)] = []
  }

  private let state: Mutex<State>

  /// - Parameter count: permits in all, at least 1.
  package init(_ count: Int) {
    state = Mutex(State(free: max(1, count)))
  }

  /// Waits for a permit.
  /// - Parameter limit: how long; nil means without a limit.
  /// - Throws: ``Timeout`` after `limit`, `CancellationError`.
  package func enter(within limit: Duration?) async throws -> Pass {
    try Task.checkCancellation()
    // Most need not wait, and so no timer.
    let number: Int? = state.withLock { state in
      guard state.free == 0 else {
        state.free -= 1
        return nil
      }
      state.nextNumber += 1
      return state.nextNumber
    }
    if let number { try await wait(number, limit) }
    return Pass(self)
  }

  /// Runs `body` with a permit.
  /// - Throws: ``Timeout`` after `limit`, `CancellationError`, whatever `body` throws.
  package func withPermit<Result: Sendable>(
    within limit: Duration? = nil, _ body: @Sendable () async throws -> Result
  ) async throws -> Result {
    let pass = try await enter(within: limit)
    defer { pass.leave() }
    return try await body()
  }

  private func wait(_ number: Int, _ limit: Duration?) async throws {
    let timer = limit.map { limit in
      Task {
        try await Task.sleep(for: limit)
        refuse(number, Timeout())
      }
    }
    defer { timer?.cancel() }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let isIn = state.withLock { state in
          guard state.free == 0 else {
            state.free -= 1
            return true
          }
          state.waiters.append((number, continuation))
          return false
        }
        if isIn { return continuation.resume() }
        // The cancel handler may have run before the waiter was there to be found.
        if Task.isCancelled { refuse(number, CancellationError()) }
      }
    } onCancel: {
      refuse(number, CancellationError())
    }
  }

  private func refuse(_ number: Int, _ error: any Error) {
    let waiter = state.withLock { state in
      state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
    }
    waiter?.continuation.resume(throwing: error)
  }

  private func letNextIn() {
    let next = state.withLock { state in
      guard !state.waiters.isEmpty else {
        state.free += 1
        return CheckedContinuation<Void, any Error>?.none
      }
      return state.waiters.removeFirst().continuation
    }
    next?.resume()
  }
}
