import Configuration

/// The texts of `sluice help`, from the declarations of commands, options and settings.
enum Help {
  static var overview: String {
    let commands =
      Commands.all.map { "  \(pad($0.name, 11)) \($0.summary)" } + [
        "  \(pad("help", 11)) show this help, the options of a command (`sluice help COMMAND`) or the settings"
      ]
    return """
      Sluice moves days of PostgreSQL tables to a data lake as <database>/<schema>.<table>.<date>.csv.gz, and back.

      Usage: sluice COMMAND [OPTIONS]

      \(commands.joined(separator: "\n"))

      Settings come from the environment and from the JSON file SLUICE_CONFIG (default ./\(Settings.defaultFile), if it exists):
        PG_HOST PG_PORT PG_DATABASE PG_USER PG_PASSWORD PG_SSLMODE   the database
        LAKE_URL                                                     the lake, such as file:///srv/lake (see init) or
                                                                     abfss://filesystem@account.dfs.core.windows.net/root
        BACKUP_TABLES                                                events.clicks:received_at,events.pages
      `sluice help settings` lists them all.

      Exit codes: 0 done, 1 failed, 2 usage, 3 partly done. 130: a signal ended it before anything was done.
      """
  }

  static func text(for command: any Command.Type) -> String {
    let width = command.options.map(\.usage.count).max() ?? 0
    let options = command.options.map { option in
      let standard = option.defaultWords.isEmpty ? "" : " (default: \(option.defaultWords))"
      return "  \(pad(option.usage, width))  \(option.help)\(standard)"
    }
    let subcommands = command.subcommands.joined(separator: "|")
    let name = command.name + (subcommands.isEmpty ? "" : " \(subcommands)")
    let partWidth = command.parts.map { $0.name.count }.max() ?? 0
    let parts = command.parts.map { "  \(pad($0.name, partWidth))  \($0.summary)" }
    return """
      sluice \(name): \(command.summary)

      Usage: sluice \(name)\(command.usage.isEmpty ? "" : " \(command.usage)")
      \(parts.isEmpty ? "" : "\nCommands:\n\(parts.joined(separator: "\n"))\n")
      Options:
      \(options.joined(separator: "\n"))

      Examples:
      \(command.examples.map { "  sluice \($0)" }.joined(separator: "\n"))
      """
  }

  /// All settings, in the order of docs/configuration.md.
  static var settings: String {
    let texts = Setting.all.map { setting in
      let name = setting.names.joined(separator: ", or ")
      let standard = setting.defaultWords.isEmpty ? "" : "; default \(setting.defaultWords)"
      return """
        \(name)
            \(setting.purpose)
            \(setting.form)\(standard)\(setting.isSecret ? "; a secret" : "")
        """
    }
    return """
      Settings are environment variables; the JSON file SLUICE_CONFIG (default ./\(Settings.defaultFile), if it exists) may hold the
      same names. A variable wins over the file. See docs/configuration.md for details.

      \(texts.joined(separator: "\n").replacing("`", with: ""))
      """
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
