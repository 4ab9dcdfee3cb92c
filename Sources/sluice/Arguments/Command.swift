import Reporting

/// A command: its options, its examples and what it does. Each is a file in `Commands/` and a line of ``Commands``.
protocol Command: Sendable {
  static var name: String { get }
  /// One line for the overview.
  static var summary: String { get }
  /// What must follow the command's name; empty for most.
  static var subcommands: [String] { get }
  /// The options that are usually given, for the usage line.
  static var usage: String { get }
  static var options: [CommandOption] { get }
  /// Two calls as a user would type them, without the program's name.
  static var examples: [String] { get }

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode
}

extension Command {
  static var subcommands: [String] { [] }
}

/// The commands, in the order of the overview.
enum Commands {
  static let all: [any Command.Type] = [
    InitCommand.self, ServeCommand.self, BackupCommand.self, RestoreCommand.self, ArchivesCommand.self,
    PackageCommand.self, IdentityCommand.self,
  ]

  static var names: [String] { all.map { $0.name } + ["version", "help"] }

  /// - Throws: ``UsageError`` for a name that no command has.
  static func command(_ name: String) throws -> any Command.Type {
    if let command = all.first(where: { $0.name == name }) { return command }
    throw UsageError(
      "there is no command \"\(name)\"\(NearestName.hint(name, among: names)); known are \(names.joined(separator: ", "))"
    )
  }
}
