/// Runs a program and collects what it prints; tests hand in their own.
package struct CommandRunner: Sendable {
  /// What to run.
  package struct Call: Sendable, Equatable {
    package var program: String
    /// Its arguments, as they are: no shell sees them.
    package var arguments: [String]
    package var environment: [String: String]
    package var directory: String
    /// How long it may take; then it is killed, with its process group.
    package var limit: Duration

    package init(
      program: String, arguments: [String], environment: [String: String], directory: String, limit: Duration
    ) {
      self.program = program
      self.arguments = arguments
      self.environment = environment
      self.directory = directory
      self.limit = limit
    }
  }

  /// What came of it.
  package enum Result: Sendable, Equatable {
    /// It ended by itself with this status; the texts are cut at 1 MiB.
    case ended(status: Int32, output: String, errors: String)
    /// It could not be started.
    case notStarted(reason: String)
    /// It was ended by this signal, which was not sent from here.
    case signalled(Int32)
    /// It took too long and was killed.
    case timedOut
  }

  /// Runs the call; throws `CancellationError` when the task is cancelled, after the program was killed.
  package let run: @Sendable (Call) async throws -> Result

  package init(run: @escaping @Sendable (Call) async throws -> Result) {
    self.run = run
  }

  /// Starts real programs.
  package static let system = CommandRunner { call in
    let child = SpawnedCommand(call)
    let result = await withTaskCancellationHandler {
      await child.run()
    } onCancel: {
      child.cancel()
    }
    try Task.checkCancellation()
    return result
  }
}
