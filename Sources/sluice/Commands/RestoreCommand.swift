import Sluice
import SluiceService

/// `sluice restore`.
enum RestoreCommand {
  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let request = try RestoreRequest(arguments.request())
    let report = try await JobCommand.run(arguments) { context, progress in
      try await RestoreJob(context, progress: progress).run(request)
    }
    if arguments.isFlagSet("json") {
      Output.bytes(try AnswerEncoding.bytes(report))
    } else {
      for result in report.results {
        JobCommand.show(result.line, isFailure: result.status == .failed)
        result.notes.forEach { Output.line($0) }
      }
    }
    return JobCommand.exitCode(report.status)
  }
}
