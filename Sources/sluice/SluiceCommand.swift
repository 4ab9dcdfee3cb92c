import Essentials
import Foundation
import Sluice
import SluiceService

/// `sluice`: arguments in, exit code out. 0 done, 1 failed, 2 usage, 3 partly done.
@main
struct SluiceCommand {
  static func main() async {
    // A reader that went away (`sluice archives | head`) shows as a failed write, not as a death by signal.
    signal(SIGPIPE, SIG_IGN)
    Memory.keepLittle()
    let arguments = Array(CommandLine.arguments.dropFirst())
    await run(arguments).endProcess()
  }

  private static func run(_ arguments: [String]) async -> ExitCode {
    do {
      guard let name = arguments.first else {
        Output.error(Help.overview)
        return .usage
      }
      if ["help", "--help", "-h"].contains(name) { return try help(Array(arguments.dropFirst())) }
      if ["version", "--version"].contains(name) { return try version(Array(arguments.dropFirst())) }
      guard let command = Command(rawValue: name) else {
        throw UsageError("there is no command \"\(name)\"; known are \(Command.names)")
      }
      let parsed = try ParsedArguments(options(of: command, arguments), options: command.options)
      if parsed.isFlagSet("help") {
        Output.line(Help.text(for: command))
        return .done
      }
      do {
        return try await run(command, parsed)
      } catch let error where parsed.isFlagSet("json") && !(error is UsageError) {
        // A script reads standard output: it finds the code there, and people the words where they look.
        Output.bytes(try AnswerEncoding.bytes(FailureReport(JobError(cause: error))))
        throw error
      }
    } catch let error as UsageError {
      Output.error("sluice: \(error.description.visibleLine())\nTry 'sluice help'.")
      return .usage
    } catch {
      let error = JobError(cause: error)
      // An error that is not of a job says all there is in its own words; "internal" would only frighten.
      Output.error("sluice: \((error.code == "internal" ? error.message : error.description).visibleLine())")
      return error.kind == .invalid ? .usage : .failed
    }
  }

  private static func run(_ command: Command, _ arguments: ParsedArguments) async throws -> ExitCode {
    switch command {
    case .`init`: try await InitCommand.run(arguments)
    case .serve: try await ServeCommand.run(arguments)
    case .backup: try await BackupCommand.run(arguments)
    case .restore: try await RestoreCommand.run(arguments)
    case .archives: try await ArchivesCommand.run(arguments)
    case .package: try PackageCommand.run(arguments)
    case .identity: try await IdentityCommand.run(arguments)
    }
  }

  /// What follows the command, and its subcommand where it has some.
  private static func options(of command: Command, _ arguments: [String]) throws -> [String] {
    let rest = Array(arguments.dropFirst())
    guard !command.subcommands.isEmpty, rest.first != "--help", rest.first != "-h" else { return rest }
    guard let name = rest.first, command.subcommands.contains(name) else {
      let known = command.subcommands.map { "\(command.rawValue) \($0)" }.joined(separator: ", ")
      throw UsageError("\(command.rawValue) needs to know what to do; known are: \(known)")
    }
    return Array(rest.dropFirst())
  }

  private static func help(_ arguments: [String]) throws -> ExitCode {
    guard let name = arguments.first else {
      Output.line(Help.overview)
      return .done
    }
    if ["help", "version", "--help", "-h"].contains(name) {
      Output.line(Help.overview)
      return .done
    }
    guard let command = Command(rawValue: name) else {
      throw UsageError("there is no command \"\(name)\"; known are \(Command.names)")
    }
    Output.line(Help.text(for: command))
    return .done
  }

  private static func version(_ arguments: [String]) throws -> ExitCode {
    guard arguments.isEmpty || arguments == ["--json"] else { throw UsageError("version takes only --json") }
    Output.line(arguments.isEmpty ? "sluice \(Program.version)" : "{\"version\":\"\(Program.version)\"}")
    return .done
  }
}

/// What the process ends with.
enum ExitCode: Int32 {
  case done = 0
  case failed = 1
  case usage = 2
  case partlyDone = 3

  /// Ends the process at once. Not `exit`: its handlers and destructors would take away from under threads that still run
  /// what they use, and output is not buffered.
  func endProcess() -> Never { _exit(rawValue) }
}
