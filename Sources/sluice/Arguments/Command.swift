import Reporting

/// A command with its options, examples and implementation. Each has a file in `Commands/` and a line in ``Commands``.
protocol Command: Sendable {
  static var name: String { get }
  /// One line for the overview.
  static var summary: String { get }
  /// The subcommands, one of which must follow the command's name; empty for most commands.
  static var subcommands: [String] { get }
  /// The commands whose names begin with this one's, such as `audit show`; one of them must be named. Empty for most commands.
  static var parts: [any Command.Type] { get }
  /// Words after the command's name that stand for an option: `restore resume ID` is `restore --resume ID`.
  static var verbs: [String: String] { get }
  /// The option whose value, or values of a list, may stand first without the option's name; nil for most commands.
  static var firstValue: String? { get }
  /// The usual options, for the usage line.
  static var usage: String { get }
  static var options: [CommandOption] { get }
  /// Two example calls, without the program's name.
  static var examples: [String] { get }

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode
}

extension Command {
  static var subcommands: [String] { [] }
  static var parts: [any Command.Type] { [] }
  static var verbs: [String: String] { [:] }
  static var firstValue: String? { nil }
}

/// The commands, in the order of the overview.
enum Commands {
  static let all: [any Command.Type] = [
    InitCommand.self, ServeCommand.self, BackupCommand.self, RestoreCommand.self, StatusCommand.self,
    ArchivesCommand.self,
    ChunksCommand.self, VerifyCommand.self, DrillCommand.self, RetentionCommand.self, MaintenanceCommand.self,
    CronCommand.self,
    AuditCommand.self, OperationsCommand.self, SetupCommand.self, DoctorCommand.self,
    PackageCommand.self, IdentityCommand.self, CompletionCommand.self, ManCommand.self, VersionCommand.self,
  ]

  static var names: [String] { all.map { $0.name } + ["help"] }

  /// - Throws: ``UsageError`` for an unknown name.
  static func command(_ name: String) throws -> any Command.Type {
    if let command = all.first(where: { $0.name == name }) { return command }
    throw UsageError(
      "there is no command \"\(name)\"\(NearestName.hint(name, among: names)); known are "
        + names.joined(separator: ", "))
  }

  /// The command that a call names, and its arguments.
  /// - Throws: ``UsageError`` where it names none.
  static func find(_ arguments: [String]) throws -> (command: any Command.Type, rest: [String]) {
    var rest = arguments[...]
    var found = try command(rest.popFirst() ?? "")
    while !found.parts.isEmpty, let word = rest.first, !["--help", "-h"].contains(word) {
      let words = found.parts.map { String($0.name.dropFirst(found.name.count + 1)) }
      guard let index = words.firstIndex(of: word) else {
        let known = found.parts.map { $0.name }.joined(separator: ", ")
        throw UsageError(
          "there is no command \"\(found.name) \(word)\"\(NearestName.hint(word, among: words)); known are \(known)")
      }
      found = found.parts[index]
      rest.removeFirst()
    }
    return (found, Array(rest))
  }
}

/// A command that does nothing but hold its parts.
protocol CommandGroup: Command {}

extension CommandGroup {
  static var usage: String { "COMMAND [OPTIONS]" }
  static var options: [CommandOption] { [.help] }
  static var examples: [String] { parts.flatMap { Array($0.examples.prefix(1)) }.prefix(2).map { $0 } }

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    throw UsageError("\(name) needs a command: \(parts.map { $0.name }.joined(separator: ", "))")
  }
}
