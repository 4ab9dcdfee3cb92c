import Sluice

/// What the commands that run a job have in common.
enum JobCommand {
  /// Runs `job` with its progress shown; Ctrl-C cancels it, and it cleans up.
  static func run<Report: Sendable>(
    _ arguments: ParsedArguments,
    _ job: @escaping @Sendable (JobContext, JobProgress) async throws -> Report
  ) async throws -> Report {
    if arguments.isFlagSet("verbose") { Log.start { _, line in Output.error(line) } }
    let context = try await Wiring.context(Wiring.settings())
    let progress = JobProgress()
    let isQuiet = arguments.isFlagSet("json")
    return try await Signals.cancelling {
      if isQuiet { return try await job(context, progress) }
      return try await ProgressLine(progress).showing { try await job(context, progress) }
    }
  }

  static func exitCode(_ status: String) -> ExitCode {
    switch status {
    case "ok": .done
    case "partial": .partlyDone
    default: .failed
    }
  }
}
