import Essentials
import Foundation
import Jobs
import Reporting

/// Runs the jobs of commands.
enum JobRun {
  /// Runs `job`, which prints its results, and shows its progress. Ctrl-C cancels the job, which then cleans up.
  static func run(
    _ arguments: ParsedArguments,
    _ job: @escaping @Sendable (Parts, JobProgress, ResultPrinter) async throws -> ExitCode
  ) async throws -> ExitCode {
    TerminalLog.start(arguments)
    let settings = try Wiring.settings()
    let progress = JobProgress()
    let printer = ResultPrinter(arguments)
    let isQuiet = arguments.isFlagSet("json") || arguments.isFlagSet("quiet")
    return try await Signals.cancelling {
      do {
        let parts = try await Wiring.parts(settings)
        return try await WorkUnderWay.listing({ progress.words("the job") }) {
          if isQuiet { return try await job(parts, progress, printer) }
          return try await ProgressLine(progress).showing { try await job(parts, progress, printer) }
        }
      } catch {
        guard printer.fail(JobError(cause: error)) else { throw error }
        throw ToldError(error: JobError(cause: error))
      }
    }
  }

  /// Runs `job` as an operation, which `sluice status` shows and `sluice operations cancel` ends from any machine.
  /// - Parameter noting: when its document is written; one of a few seconds that succeeds needs none.
  static func asOperation<Report: Sendable>(
    _ draft: Draft, _ parts: Parts, _ progress: JobProgress, noting: OperationStore.Noting = .whenLongOrFailed,
    describe: @escaping @Sendable (Report) -> OperationOutcome,
    _ job: @escaping @Sendable () async throws -> Report
  ) async throws -> Report {
    // Whoever waits for the report is not kept waiting by a lake that is gone.
    try await OperationStore(lake: parts.context.lake, endLimit: .seconds(15)).run(
      draft, noting: noting, progress, describe: describe, job)
  }

  /// The exit code of a report: 130 where a signal ended the job before it had finished anything, else by its status. A single
  /// result that is not confirmed ends with the exit code of its error.
  static func exitCode(_ status: JobStatus, _ results: [any PrintedResult]) -> ExitCode {
    if status == .partial, results.count == 1, let error = results[0].error {
      return ExitCode(rawValue: error.code.exitCode) ?? .failed
    }
    let isCutShort = status == .failed && results.contains { $0.error?.code == .cancelled }
    return isCutShort ? .interrupted : ExitCode(status)
  }

  /// Prints one result. A failure goes to standard error, which schedulers report even when they discard standard
  /// output.
  static func show(_ line: String, isFailure: Bool) {
    let line = line.visibleLine()
    if isFailure { Output.error("sluice: \(line)") } else { Output.line(line) }
  }
}

/// An error that the document on standard output holds already.
struct ToldError: Error {
  let error: JobError
}
