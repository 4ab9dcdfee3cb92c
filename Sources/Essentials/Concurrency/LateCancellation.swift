/// Runs a step whose outcome would be unknown if it were broken off at once.
package enum LateCancellation {
  /// Runs `step` in a task of its own, which the caller's cancellation reaches only after `grace`.
  /// - Throws: what `step` throws.
  package static func run<Value: Sendable>(
    after grace: Duration, _ step: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let task = Task { try await step() }
    return try await withTaskCancellationHandler {
      try await task.value
    } onCancel: {
      Task {
        try? await Task.sleep(for: grace)
        task.cancel()
      }
    }
  }

  /// Like ``run(after:_:)``, but does not wait for a step that does not end within `patience` from its cancellation: it
  /// goes on by itself.
  /// - Throws: what `step` throws; `abandoned` when it was not waited for.
  package static func run<Value: Sendable>(
    after grace: Duration, patience: Duration, orElse abandoned: any Error,
    _ step: @escaping @Sendable () async throws -> Value
  ) async throws -> Value {
    let (results, end) = AsyncThrowingStream<Value, any Error>.makeStream()
    let task = Task {
      do {
        end.yield(try await step())
        end.finish()
      } catch {
        end.finish(throwing: error)
      }
    }
    // In a task of its own: a stream ends at once for a reader that is cancelled.
    let reader = Task {
      for try await result in results { return result }
      throw abandoned
    }
    return try await withTaskCancellationHandler {
      try await reader.value
    } onCancel: {
      Task {
        try? await Task.sleep(for: grace)
        task.cancel()
        try? await Task.sleep(for: patience)
        end.finish(throwing: abandoned)
      }
    }
  }
}
