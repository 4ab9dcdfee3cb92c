import Sluice
import SluiceService

/// `sluice backup`.
enum BackupCommand {
  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    let request = try BackupRequest(arguments.request())
    let report = try await JobCommand.run(arguments) { context, progress in
      let report = try await BackupJob(context, progress: progress).run(request)
      // A program that runs once has no nightly run that would clean up.
      await OldFiles(context).remove(database: try context.settings.target().database)
      return report
    }
    if arguments.isFlagSet("json") {
      Output.bytes(try AnswerEncoding.bytes(report))
    } else {
      for result in report.results {
        JobCommand.show(result.line, isFailure: result.error != nil)
        result.warnings.forEach { Output.line("  warning: \($0)") }
      }
    }
    return JobCommand.exitCode(report.status)
  }
}
