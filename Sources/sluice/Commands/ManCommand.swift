import Configuration
import Jobs

/// `sluice man`: prints the manual page, from the same declarations as the help.
enum ManCommand: Command {
  static let name = "man"
  static let summary = "print the manual page, to be read with man -l"
  static let usage = "[--help]"
  static let examples = ["man", "man --help"]
  static let options: [CommandOption] = [.help]

  static func run(_ arguments: ParsedArguments) async throws -> ExitCode {
    Output.line(page)
    return .done
  }

  /// In the macros of man(7).
  static var page: String {
    var lines = [
      ".TH SLUICE 1 \"\" \"sluice \(Program.version)\" \"User Commands\"", ".SH NAME",
      "sluice \\- move days of PostgreSQL tables to a data lake and back", ".SH SYNOPSIS", ".B sluice",
      ".I COMMAND", "[\\fIOPTIONS\\fR]", ".SH DESCRIPTION",
      escaped(
        "Sluice moves days of PostgreSQL tables to a data lake as <database>/<schema>.<table>.<date>.csv.gz, and back. Short options: "
          + ParsedArguments.short.sorted { $0.key < $1.key }.map { "\($0.key) for --\($0.value)" }.joined(
            separator: ", ")
          + "."),
      ".SH COMMANDS",
    ]
    for command in Commands.all.flatMap({ [$0] + $0.parts }) {
      let subcommands = command.subcommands.joined(separator: "|")
      lines += [
        ".SS \"sluice \(escaped(command.name))\(subcommands.isEmpty ? "" : " \(escaped(subcommands))")\"",
        escaped(command.summary) + ".", ".PP", "Usage: " + escaped("sluice \(command.name) \(command.usage)"),
      ]
      for option in command.options {
        let standard = option.defaultWords.isEmpty ? "" : " (default: \(option.defaultWords))"
        lines += [".TP", "\\fB\(escaped(option.usage))\\fR", escaped(option.help + standard)]
      }
      lines += [".PP", "Examples:", ".RS", ".nf"] + command.examples.map { escaped("sluice \($0)") } + [".fi", ".RE"]
    }
    lines += [
      ".SH ENVIRONMENT",
      escaped("The JSON file SLUICE_CONFIG (default ./\(Settings.defaultFile)) may hold the same names."),
    ]
    for setting in Setting.all {
      let standard = setting.defaultWords.isEmpty ? "" : "; default \(setting.defaultWords)"
      lines += [
        ".TP", "\\fB\(escaped(setting.names.joined(separator: ", or ")))\\fR",
        escaped(
          "\(setting.purpose): \(setting.form)\(standard)\(setting.isSecret ? "; a secret" : "")".replacing(
            "`", with: "")),
      ]
    }
    lines += [
      ".SH EXIT STATUS",
      escaped("0 done, 1 failed, 2 usage, 3 partly done, 130: a signal ended it before anything was done."),
      ".SH SEE ALSO", escaped("psql(1), pg_dump(1)"),
    ]
    return lines.joined(separator: "\n")
  }

  /// A text as roff shows it: a point or an apostrophe at a line's start would be a macro, a hyphen would be typeset as one.
  private static func escaped(_ text: String) -> String {
    let plain = text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("\"", with: "\\(dq")
    return plain.hasPrefix(".") || plain.hasPrefix("'") ? "\\&" + plain : plain
  }
}
