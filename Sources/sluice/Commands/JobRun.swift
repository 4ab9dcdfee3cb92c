import Essentials
import Foundation
import Jobs
import Reporting

/// What the commands that run a job have in common.
enum JobRun {
  /// Runs `job` with its progress shown; Ctrl-C cancels it, and it cleans up.
  static func run<Report: Sendable>(
    _ arguments: ParsedArguments, _ job: @escaping @Sendable (Parts, JobProgress) async throws -> Report
  ) async throws -> Report {
    TerminalLog.start(verbose: arguments.isFlagSet("verbose"))
    let settings = try Wiring.settings()
    let progress = JobProgress()
    let isQuiet = arguments.isFlagSet("json")
    return try await Signals.cancelling {
      let parts = try await Wiring.parts(settings)
      return try await WorkUnderWay.listing({ progress.words("the job") }) {
        if isQuiet { return try await job(parts, progress) }
        return try await ProgressLine(progress).showing { try await job(parts, progress) }
      }
    }
  }

  /// Prints one result: what failed goes where errors go, so that a schedule whose output is thrown away still tells.
  static func show(_ line: String, isFailure: Bool) {
    let line = line.visibleLine()
    if isFailure { Output.error("sluice: \(line)") } else { Output.line(line) }
  }
}
