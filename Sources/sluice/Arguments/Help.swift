import Configuration

/// The texts of `sluice help`, made from the commands, their options and the settings.
enum Help {
  static var overview: String {
    let commands =
      Commands.all.map { "  \(pad($0.name, 10)) \($0.summary)" } + [
        "  \(pad("version", 10)) print the version",
        "  \(pad("help", 10)) show this; `sluice help COMMAND` shows its options, `sluice help settings` the settings",
      ]
    return """
      Sluice moves days of PostgreSQL tables to a data lake as <database>/<schema>.<table>.<date>.csv.gz, and back.

      Usage: sluice COMMAND [OPTIONS]

      \(commands.joined(separator: "\n"))

      Settings come from the environment, and from the JSON file SLUICE_CONFIG (default ./sluice.json, if there):
        PG_HOST PG_PORT PG_DATABASE PG_USER PG_PASSWORD PG_SSLMODE   the database
        LAKE_URL                                                     the lake, such as file:///srv/lake (made by init) or
                                                                     abfss://filesystem@account.dfs.core.windows.net/root
        BACKUP_TABLES                                                events.clicks:received_at,events.pages
      `sluice help settings` lists them all.

      Exit codes: 0 done, 1 failed, 2 usage, 3 partly done.
      """
  }

  static func text(for command: any Command.Type) -> String {
    let width = command.options.map(\.usage.count).max() ?? 0
    let options = command.options.map { option in
      let standard = option.defaultWords.isEmpty ? "" : " (default: \(option.defaultWords))"
      return "  \(pad(option.usage, width))  \(option.help)\(standard)"
    }
    let name = ([command.name] + command.subcommands).joined(separator: " ")
    return """
      sluice \(name): \(command.summary)

      Usage: sluice \(name)\(command.usage.isEmpty ? "" : " \(command.usage)")

      Options:
      \(options.joined(separator: "\n"))

      Examples:
      \(command.examples.map { "  sluice \($0)" }.joined(separator: "\n"))
      """
  }

  /// All settings, as docs/configuration.md lists them.
  static var settings: String {
    let texts = Setting.all.map { setting in
      let name = setting.otherName.map { "\(setting.name), or \($0)" } ?? setting.name
      let standard = setting.defaultWords.isEmpty ? "" : "; default \(setting.defaultWords)"
      return """
        \(name)
            \(setting.purpose)
            \(setting.form)\(standard)\(setting.isSecret ? "; a secret" : "")
        """
    }
    return """
      Settings are environment variables; the JSON file SLUICE_CONFIG (default ./sluice.json, if there) may hold the same
      names. A variable wins. docs/configuration.md says more.

      \(texts.joined(separator: "\n").replacing("`", with: ""))
      """
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
