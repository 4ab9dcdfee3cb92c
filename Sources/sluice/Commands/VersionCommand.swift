import Jobs

/// `sluice version`: prints the program's version.
enum VersionCommand: Command {
  static let name = "version"
  static let summary = "print the version"
  static let usage = "[--json]"
  static let examples = ["version", "version --json"]
  static let options: [CommandOption] = [.json, .help]

  /// The output of `--json`.
  private struct Answer: Encodable {
    let version = Program.version
  }

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    if arguments.isFlagSet("json") {
      Output.bytes(try ReportJSON.line(Answer()))
    } else {
      Output.line("sluice \(Program.version)")
    }
    return .done
  }
}
