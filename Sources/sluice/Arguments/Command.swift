import Reporting

/// A command with its options, examples and implementation. Each has a file in `Commands/` and a line in ``Commands``.
protocol Command: Sendable {
  static var name: String { get }
  /// One line for the overview.
  static var summary: String { get }
  /// The subcommands, one of which must follow the command's name; empty for most commands.
  static var subcommands: [String] { get }
  /// Words after the command's name that stand for an option: `restore resume ID` is `restore --resume ID`.
  static var verbs: [String: String] { get }
  /// The option whose value may stand first without the option's name; nil for most commands.
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
  static var verbs: [String: String] { [:] }
  static var firstValue: String? { nil }
}

/// The commands, in the order of the overview.
enum Commands {
  static let all: [any Command.Type] = [
    InitCommand.self, ServeCommand.self, BackupCommand.self, RestoreCommand.self, ArchivesCommand.self,
    ChunksCommand.self, VerifyCommand.self, SetupCommand.self, PackageCommand.self,
    IdentityCommand.self, VersionCommand.self,
  ]

  static var names: [String] { all.map { $0.name } + ["help"] }

  /// - Throws: ``UsageError`` for an unknown name.
  static func command(_ name: String) throws -> any Command.Type {
    if let command = all.first(where: { $0.name == name }) { return command }
    throw UsageError(
      "there is no command \"\(name)\"\(NearestName.hint(name, among: names)); known are "
        + names.joined(separator: ", "))
  }
}
