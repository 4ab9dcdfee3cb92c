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
}
