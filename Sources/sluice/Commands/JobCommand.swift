import Essentials
import Foundation
import Sluice

/// What the commands that run a job have in common.
enum JobCommand {
  /// Runs `job` with its progress shown; Ctrl-C cancels it, and it cleans up.
  static func run<Report: Sendable>(
    _ arguments: ParsedArguments,
    _ job: @escaping @Sendable (JobContext, JobProgress) async throws -> Report
  ) async throws -> Report {
    TerminalLog.start(verbose: arguments.isFlagSet("verbose"))
    let settings = try Wiring.settings()
    let progress = JobProgress()
    let isQuiet = arguments.isFlagSet("json")
    return try await Signals.cancelling {
      let context = try await Wiring.context(settings)
      return try await WorkUnderWay.listing({ progress.words("the job") }) {
        if isQuiet { return try await job(context, progress) }
        return try await ProgressLine(progress).showing { try await job(context, progress) }
      }
    }
  }

  /// Prints one result: what failed goes where errors go, so that a schedule whose output is thrown away still tells.
  static func show(_ line: String, isFailure: Bool) {
    let line = line.visibleLine()
    if isFailure { Output.error("sluice: \(line)") } else { Output.line(line) }
  }

  static func exitCode(_ status: String) -> ExitCode {
    switch status {
    case "ok": .done
    case "partial": .partlyDone
    default: .failed
    }
  }
}
