import Essentials
import Foundation
import Jobs
import Reporting

/// The program. Exit codes: 0 done, 1 failed, 2 usage, 3 partly done, 130 ended by a signal with nothing done.
@main
struct SluiceCommand {
  static func main() async {
    // When the reader closes the pipe (`sluice archives | head`), a write fails instead of SIGPIPE ending the process.
    signal(SIGPIPE, SIG_IGN)
    Output.replaceClosedStreams()
    LargeBuffers.returnWhenFreed()
    let arguments = Array(CommandLine.arguments.dropFirst())
    let code = await run(arguments)
    // The standard output of the service is its log.
    if arguments.first == ServeCommand.name { code.endProcess() }
    Output.exitCode(code, isListing: isListing(arguments)).endProcess()
  }

  /// Whether the call lists or explains, and changes nothing.
  private static func isListing(_ arguments: [String]) -> Bool {
    let readers = [
      "help", "--help", "-h", "--version", VersionCommand.name, CompletionCommand.name, ManCommand.name,
      ArchivesCommand.name, ChunksCommand.name,
      AuditCommand.name,
    ]
    return arguments.first.map { readers.contains($0) } ?? true || arguments.contains("--help")
      || arguments.contains("-h")
  }

  private static func run(_ arguments: [String]) async -> ExitCode {
    var fieldName: (String) -> String = { $0 }
    do {
      guard let name = arguments.first else {
        Output.error(Help.overview)
        return .usage
      }
      if ["help", "--help", "-h"].contains(name) { return try help(Array(arguments.dropFirst())) }
      let (command, rest) = try Commands.find(name == "--version" ? [VersionCommand.name] : arguments)
      let (subcommand, options) = try options(of: command, rest)
      var parsed = try ParsedArguments(options, options: command.options, firstValue: command.firstValue)
      parsed.subcommand = subcommand
      let call = parsed
      if call.isFlagSet("help") {
        Output.line(Help.text(for: command))
        return .done
      }
      fieldName = call.fieldName
      // The service answers others, who need not know this machine's folders.
      if command != ServeCommand.self { JobError.showPathsOfTheMachine() }
      do {
        return try await command.run(call)
      } catch let error where call.isFlagSet("json") && !(error is UsageError || error is ToldError) {
        // Scripts read the error's code from standard output; people read its text on standard error.
        Output.bytes(try ReportJSON.line(FailureReport(error: JobError(cause: error)), naming: call.fieldName))
        throw error
      }
    } catch let error as UsageError {
      Output.error("sluice: \(error.description.visibleLine())\nTry 'sluice help'.")
      return .usage
    } catch {
      let error = (error as? ToldError)?.error ?? JobError(cause: error)
      // The code `internal` is left out: it says nothing about an error that has no code of its own.
      let text = error.code == .internal ? error.message(naming: fieldName) : error.description(naming: fieldName)
      Output.error("sluice: \(text.visibleLine())")
      // Only a signal cancels a command.
      return error.code == .cancelled ? .interrupted : ExitCode(rawValue: error.code.exitCode) ?? .failed
    }
  }

  /// The subcommand, and the arguments after it.
  private static func options(
    of command: any Command.Type, _ arguments: [String]
  ) throws -> (subcommand: String?, [String]) {
    var rest = arguments
    if let option = rest.first.flatMap({ command.verbs[$0] }) {
      // Without a value it means all.
      let value = rest.dropFirst().first.flatMap { $0.hasPrefix("-") ? nil : $0 }
      rest = ["--\(option)", value ?? "all"] + rest.dropFirst(value == nil ? 1 : 2)
    }
    guard !command.subcommands.isEmpty, rest.first != "--help", rest.first != "-h" else { return (nil, rest) }
    guard let name = rest.first, command.subcommands.contains(name) else {
      let known = command.subcommands.map { "\(command.name) \($0)" }.joined(separator: ", ")
      let hint = rest.first.map { NearestName.hint($0, among: command.subcommands) } ?? ""
      throw UsageError("\(command.name) needs a subcommand\(hint); known are: \(known)")
    }
    return (name, Array(rest.dropFirst()))
  }

  private static func help(_ arguments: [String]) throws -> ExitCode {
    guard let name = arguments.first else {
      Output.line(Help.overview)
      return .done
    }
    switch name {
    case "help", "--help", "-h": Output.line(Help.overview)
    case "settings": Output.line(Help.settings)
    default: Output.line(Help.text(for: try Commands.find(arguments).command))
    }
    return .done
  }
}

enum ExitCode: Int32 {
  case done = 0
  case failed = 1
  case usage = 2
  case partlyDone = 3
  /// As shells tell of a program that Ctrl-C ended.
  case interrupted = 130

  init(_ status: JobStatus) {
    self =
      switch status {
      case .ok: .done
      case .partial: .partlyDone
      case .failed: .failed
      }
  }

  /// Ends the process at once. It does not call `exit`, whose handlers and destructors would destroy objects that
  /// running threads still use. No output is lost, since it is not buffered.
  func endProcess() -> Never { _exit(rawValue) }
}
