import Essentials
import Foundation
import Jobs
import Reporting

/// Runs the jobs of commands.
enum JobRun {
  /// Runs `job` and shows its progress. Ctrl-C cancels the job, which then cleans up.
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

  /// Prints one result. A failure goes to standard error, which schedulers report even when they discard standard
  /// output.
  static func show(_ line: String, isFailure: Bool) {
    let line = line.visibleLine()
    if isFailure { Output.error("sluice: \(line)") } else { Output.line(line) }
  }
}
